/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_abbrev.h"
#include "symbolizer/dwarf_image.h"

/*
 * dwarf_unit - a unit of .debug_info: its header, what its first DIE says, and how to read the others.
 *
 * With split DWARF the DIEs of a unit are in another file (@image) than its addresses, ranges
 * of version 4 and line table (@skeleton).
 *
 * Source: DWARF 5, 7.5.1 (unit headers), 3.1 (first DIEs), 7.3 (split files, packages).
 */
struct dwarf_header {
	uint64_t offset; /* of the unit in .debug_info */
	uint64_t dies;   /* position of the first DIE */
	uint64_t end;    /* position of the next unit */
	uint64_t abbrev_offset;
	uint64_t dwo_id; /* of skeleton and split units of version 5, else 0 */
	struct dwarf_encoding encoding;
	uint8_t type; /* DW_UT_...; DW_UT_compile before version 5 */
};

/* An entry, with those of its attributes that were asked for. */
struct dwarf_die {
	uint64_t offset; /* in .debug_info */
	uint16_t tag;    /* 0: the end of a list of children */
	bool has_children;
	uint32_t present; /* bit n: attribute n is in @values */
	struct dwarf_value values[DWARF_ATTRIBUTE_COUNT];
};

#define DWARF_BIT(attribute) (1U << DWARF_##attribute)

static inline bool dwarf_die_has(const struct dwarf_die *die, enum dwarf_attribute attribute)
{
	return die->present >> attribute & 1;
}

/* Where the parts of a unit begin in a package of split units; 0 in a file of one unit. */
struct dwarf_contributions {
	uint64_t abbrev;
	uint64_t str_offsets;
	uint64_t rnglists;
};

struct dwarf_functions;
struct dwarf_lines;

struct dwarf_unit {
	struct dwarf_image *image;    /* borrowed */
	struct dwarf_image *skeleton; /* borrowed; the same as @image if nothing is split */
	struct dwarf_header header;
	struct dwarf_abbrevs abbrevs; /* owned */
	struct dwarf_die root;
	uint64_t base_address; /* of ranges */
	uint64_t str_offsets_base;
	uint64_t addr_base;
	uint64_t rnglists_base;
	uint64_t ranges_base;
	bool is_c_family; /* C or C++: functions with code are never children of types */
	uint64_t last_use;
	size_t bytes;                      /* memory held */
	struct dwarf_functions *functions; /* owned; NULL until asked for */
	struct dwarf_lines *lines;         /* owned; NULL until asked for */
	bool was_split_looked_for;
	struct dwarf_unit *split;        /* owned; of a skeleton: where its entries are, or NULL */
	struct dwarf_image *split_image; /* owned; the .dwo file of @split; NULL if in a package */
};

/* dwarf_header_read() - the header of the unit at @offset. Return: 0, or -EBADMSG. */
int dwarf_header_read(struct dwarf_header *ret, struct dwarf_image *image, uint64_t offset);

/*
 * dwarf_unit_new() - the unit at @offset of an image.
 *
 * Return: 0, -EBADMSG if it cannot be read, or -ENOMEM.
 */
int dwarf_unit_new(struct dwarf_unit **out, struct dwarf_image *image, uint64_t offset);

/*
 * dwarf_unit_new_split() - the split unit that belongs to a skeleton unit.
 * @image: of the .dwo or .dwp file, borrowed until the unit goes
 * @offset: of the unit in it
 *
 * Return: as dwarf_unit_new(), -EBADMSG too if it has another id than the skeleton.
 */
int dwarf_unit_new_split(struct dwarf_unit **out, struct dwarf_image *image, uint64_t offset,
			 const struct dwarf_contributions *at, const struct dwarf_unit *skeleton);

/* dwarf_unit_dwo_id() - what ties a skeleton to its split unit. */
uint64_t dwarf_unit_dwo_id(const struct dwarf_unit *unit);

/* dwarf_unit_cursor() - a cursor over the DIEs, from @position on. */
struct dwarf_cursor dwarf_unit_cursor(const struct dwarf_unit *unit, uint64_t position);

/*
 * dwarf_unit_read_die() - the entry at the cursor, which then stands behind it.
 * @wanted: DWARF_BIT()s of the attributes to read
 *
 * Return: false if there is none that can be read.
 */
bool dwarf_unit_read_die(const struct dwarf_unit *unit, struct dwarf_cursor *cursor,
			 uint32_t wanted, struct dwarf_die *ret);

/* dwarf_unit_address() - the address that an attribute means; false if there is none. */
bool dwarf_unit_address(const struct dwarf_unit *unit, struct dwarf_value value, uint64_t *ret);

/*
 * dwarf_unit_string() - the string that an attribute means.
 * @supplement: of dwz, or NULL
 * @out: receives @size bytes at most; "" if there is none
 */
void dwarf_unit_string(const struct dwarf_unit *unit, struct dwarf_image *supplement,
		       struct dwarf_value value, char *out, size_t size);

void dwarf_unit_free(struct dwarf_unit *unit);
DEFINE_AUTO(dwarf_unit);
