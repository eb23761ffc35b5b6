/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_unit.h"

/*
 * dwarf_units - the units of one image: where they begin, and those that were read lately.
 */
struct dwarf_units {
	struct dwarf_image *image; /* borrowed */
	struct {
		uint64_t *items; /* owned; ascending: of all units before @scanned */
		size_t count;
		size_t capacity;
	} offsets;
	uint64_t scanned; /* position up to which headers were read */
	bool has_all;     /* there are no more */
	struct {
		struct dwarf_unit **items; /* owned, and what they point to */
		size_t count;
		size_t capacity;
	} read;
	uint64_t uses; /* the clock of dwarf_unit.last_use */
};

/*
 * dwarf_units_nth() - where unit number @number begins, counted from 0.
 *
 * Return: 0, -ENOENT after the last one or from one on that cannot be read, or -ENOMEM.
 */
int dwarf_units_nth(struct dwarf_units *units, size_t number, uint64_t *ret_offset);

/*
 * dwarf_units_get() - the unit at @offset.
 * @ret: borrowed until the next trim
 *
 * Return: 0, -EBADMSG if it cannot be read, or -ENOMEM.
 */
int dwarf_units_get(struct dwarf_units *units, uint64_t offset, struct dwarf_unit **ret);

/* dwarf_units_add() - keep a unit, which from now on belongs to @units. 0 or -ENOMEM. */
int dwarf_units_add(struct dwarf_units *units, struct dwarf_unit *unit);

/* dwarf_units_containing() - the same for the unit that has the entry at @position. */
int dwarf_units_containing(struct dwarf_units *units, uint64_t position, struct dwarf_unit **ret);

/* dwarf_units_trim() - let go of those not used for longest until at most @max_bytes are held. */
void dwarf_units_trim(struct dwarf_units *units, size_t max_bytes);

/* dwarf_units_bytes() - memory held. */
size_t dwarf_units_bytes(const struct dwarf_units *units);

void dwarf_units_fini(struct dwarf_units *units);
