/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_functions.h"
#include "symbolizer/dwarf_units.h"

/*
 * dwarf_names - what a function is called, wherever that is written.
 *
 * An inlined function refers to its abstract instance, that to its declaration, which may be in another
 * unit (link-time optimisation, dwz) or in the supplement.
 */
struct dwarf_names {
	struct dwarf_units *units;      /* borrowed; of the image that the references count in */
	struct dwarf_units *supplement; /* borrowed, or NULL */
};

enum {
	DWARF_NAME_MAX = 4096 /* longer names are cut */
};

/*
 * dwarf_names_find() - the linkage name of a function, or else its name.
 * @unit: that has the call
 * @name: receives DWARF_NAME_MAX bytes at most; "" if it has none
 */
void dwarf_names_find(const struct dwarf_names *names, struct dwarf_unit *unit,
		      const struct dwarf_call *call, char *name);
