/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_image.h"
#include "symbolizer/dwarf_intervals.h"

/*
 * dwarf_aranges - which unit has the code at an address, as far as .debug_aranges says.
 *
 * gcc writes it for every unit with code, clang only when asked.
 *
 * Source: DWARF 5, 6.1.2.
 */
struct dwarf_aranges {
	struct dwarf_intervals list; /* owned; the value is the offset of the unit */
	struct {
		uint64_t *items; /* owned; ascending: the units of which it says something */
		size_t count;
		size_t capacity;
	} units;
};

/* dwarf_aranges_read() - fill an empty one. Return: 0, also if there is nothing, or -ENOMEM. */
int dwarf_aranges_read(struct dwarf_aranges *aranges, struct dwarf_image *image);

/* dwarf_aranges_covers() - whether it says something of the unit at @offset. */
bool dwarf_aranges_covers(const struct dwarf_aranges *aranges, uint64_t offset);

void dwarf_aranges_fini(struct dwarf_aranges *aranges);
