/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "pprof/profile.h"

/*
 * encode - one writer for each format, behind format_write().
 *
 * Equal profiles give equal bytes. Return: 0, -ENOMEM, or -EIO; a writer of text leaves errors of
 * the stream to whoever flushes it.
 */
int encode_pprof(const struct profile *profile, FILE *stream);
int encode_folded(const struct profile *profile, FILE *stream);
int encode_html(const struct profile *profile, FILE *stream);
int encode_speedscope(const struct profile *profile, FILE *stream);
