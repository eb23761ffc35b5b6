/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_ranges.h"

/*
 * dwarf_functions - which function of a unit holds an address, and what was inlined there.
 *
 * Functions are found in a first pass over the unit, which goes over types and bodies where
 * DW_AT_sibling says how; only if an address is in none of them, everything is looked
 * at. Bodies are read when somebody asks about an address in them.
 */
struct dwarf_functions;

/* A function that was inlined, or the function itself as the outermost. */
struct dwarf_call {
	uint64_t die;              /* position in .debug_info of the unit's image */
	struct dwarf_value origin; /* the function that was inlined; class DWARF_NONE: see @die */
	uint64_t call_file;        /* where it was called: number in the unit's line table */
	uint64_t call_line;
};

enum {
	DWARF_MAX_CALLS = 256, /* of one place; compilers stop at some dozens */
};

/*
 * dwarf_functions_find() - the functions at @address, innermost first.
 * @ret_calls: receives DWARF_MAX_CALLS at most; the last one is the function itself
 * @ret_count: 0 if no function of the unit holds the address
 *
 * Return: 0 or -ENOMEM.
 */
int dwarf_functions_find(struct dwarf_unit *unit, uint64_t address, struct dwarf_call *ret_calls,
			 size_t *ret_count);

void dwarf_functions_free(struct dwarf_functions *functions);
