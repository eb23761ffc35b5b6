/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * file_limit - how many executables can be kept open at a time.
 *
 * Each keeps a descriptor until it is named. The limit of the process is raised as far as it may be:
 * the usual one of 1024 is for select(2), which is not used here.
 */

/* file_limit_raise() - Return: descriptors for executables, some being left for everything else. */
size_t file_limit_raise(void);
