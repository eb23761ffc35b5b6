/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_unit.h"

/*
 * dwarf_ranges - the addresses that an entry covers.
 *
 * By DW_AT_low_pc and DW_AT_high_pc, or by a list in .debug_ranges (before version 5) or
 * .debug_rnglists. Code that the linker threw away, at address 0 or at the top, is left out.
 *
 * Source: DWARF 5, 2.17; DWARF 4, 2.17.3; lld's documentation for its marks of dead code.
 */
struct dwarf_range {
	uint64_t start; /* ELF virtual address */
	uint64_t end;   /* one past the last */
};

struct dwarf_ranges {
	struct dwarf_range *items; /* owned by whoever holds the struct */
	size_t count;
	size_t capacity;
};

/* The attributes to be read for it. */
#define DWARF_RANGE_BITS (DWARF_BIT(LOW_PC) | DWARF_BIT(HIGH_PC) | DWARF_BIT(RANGES))

/*
 * dwarf_ranges_add() - append what @die covers; nothing if it cannot be read.
 *
 * Return: 0 or -ENOMEM.
 */
int dwarf_ranges_add(struct dwarf_ranges *ranges, const struct dwarf_unit *unit,
		     const struct dwarf_die *die);
