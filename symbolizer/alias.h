/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * alias - which of several names of one function is shown.
 *
 * Libraries give a function names for themselves and a name for people: __libc_malloc and
 * malloc, __x64_sys_read, _stext. People search for the plain one, so that wins: fewest
 * leading underscores (no padding symbol of the kernel; __vdso_ wins, as it says where), then strong before weak, then the
 * shortest, then the first in the alphabet. The order is total, hence names never flap.
 */
struct alias {
	const char *name; /* borrowed */
	int is_weak;
};

/* alias_compare() - below 0 when @a is the better name, above 0 when @b is, 0 if they are equal. */
int alias_compare(const struct alias *a, const struct alias *b);
