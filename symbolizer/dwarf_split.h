/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_unit.h"
#include "symbolizer/symbolizer.h"

/*
 * dwarf_split - the other half of a unit of split DWARF.
 *
 * In a package (.dwp) beside the program if there is one, or else in the .dwo file that the
 * unit names. Both are believed only if they have the unit's id.
 *
 * Source: DWARF 5, 7.3.5 (packages); the GNU DebugFission page for version 4.
 */
struct dwarf_split {
	const struct symbol_files *files; /* borrowed during a question: opens .dwo files */
	struct dwarf_image *package;      /* borrowed, or NULL */
	struct debug_budget *budget;      /* borrowed */
};

/*
 * dwarf_split_unit() - where the entries of @unit are: its split unit, or @unit itself.
 *
 * Borrowed until @unit goes. A failure is remembered: what cannot be found is looked for once.
 */
struct dwarf_unit *dwarf_split_unit(const struct dwarf_split *split, struct dwarf_unit *unit);
