/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_functions.h"

/*
 * dwarf_inlines - the functions that were inlined into one function.
 *
 * A tree in the order of the file: parents come before what was inlined into them.
 */
struct dwarf_inline {
	struct dwarf_call call;
	uint32_t parent; /* index plus one; 0: the function itself */
	uint32_t first_range;
	uint32_t range_count;
};

struct dwarf_inlines {
	struct dwarf_inline *items; /* owned by whoever holds the struct */
	size_t count;
	size_t capacity;
	struct dwarf_ranges ranges; /* owned by it too */
};

/*
 * dwarf_inlines_read() - fill an empty tree with what is below the function at @die.
 *
 * Nested functions, which have code of their own, are left out.
 *
 * Return: 0 or -ENOMEM.
 */
int dwarf_inlines_read(struct dwarf_inlines *inlines, const struct dwarf_unit *unit, uint64_t die);

/* dwarf_inlines_find() - index plus one of the innermost at @address, or 0. */
uint32_t dwarf_inlines_find(const struct dwarf_inlines *inlines, uint64_t address);

void dwarf_inlines_fini(struct dwarf_inlines *inlines);
