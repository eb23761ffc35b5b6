/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "pprof/profile.h"

/*
 * top_table_write() - the functions of @profile that used most themselves, as a table of text.
 * @rows: how many at most
 *
 * Self is what a function used itself, total includes what it called; a function that calls
 * itself counts once. Values are those of the last value type, taken as nanoseconds.
 *
 * Return: 0, -ENOMEM, or -EIO.
 */
int top_table_write(const struct profile *profile, size_t rows, FILE *stream);
