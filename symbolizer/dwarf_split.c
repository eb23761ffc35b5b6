// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_split.h"

#include <dwarf.h>
#include <limits.h>

enum {
	MAX_COLUMNS = 16,      /* sections of a package that its units have parts of */
	MAX_UNITS = 256,       /* looked at in a .dwo file: types may come first */
	IMAGE_BYTES = 1 << 18, /* what an open .dwo file costs, descriptor included */
};

/* Numbers of sections in an index; versions 2 and 5 agree on these. */
enum {
	COLUMN_INFO = 1,
	COLUMN_ABBREV = 3,
	COLUMN_STR_OFFSETS = 6,
	COLUMN_RNGLISTS = 8, /* version 2 has .debug_macro.dwo here */
};

struct index {
	struct debug_section *section;
	uint32_t version;
	uint32_t columns;
	uint32_t units;
	uint32_t slots;
};

static const uint64_t header_size = 16;

static bool read_index(struct index *index, struct debug_section *section)
{
	struct dwarf_cursor cursor = dwarf_cursor_at(section, 0, UINT64_MAX);

	index->section = section;
	index->version = dwarf_read_u32(&cursor);
	index->columns = dwarf_read_u32(&cursor);
	index->units = dwarf_read_u32(&cursor);
	index->slots = dwarf_read_u32(&cursor);
	return !cursor.is_broken && (index->version == 2 || index->version == 5) &&
	       index->columns && index->columns <= MAX_COLUMNS && index->slots &&
	       !(index->slots & (index->slots - 1));
}

static uint64_t read_at(const struct index *index, uint64_t position, unsigned size)
{
	struct dwarf_cursor cursor = dwarf_cursor_at(index->section, position, UINT64_MAX);

	return dwarf_read_uint(&cursor, size);
}

/* The row of the unit @id, counted from 1, or 0. */
static uint32_t find_row(const struct index *index, uint64_t id)
{
	uint32_t mask = index->slots - 1;
	uint32_t slot = (uint32_t)id & mask, step = ((uint32_t)(id >> 32) & mask) | 1;
	uint64_t rows = header_size + (uint64_t)index->slots * 8;

	for (uint32_t i = 0; i < index->slots && i < MAX_UNITS; i++) {
		uint32_t row = (uint32_t)read_at(index, rows + (uint64_t)slot * 4, 4);

		if (!row)
			return 0;
		if (read_at(index, header_size + (uint64_t)slot * 8, 8) == id)
			return row <= index->units ? row : 0;
		slot = (slot + step) & mask;
	}
	return 0;
}

/* Where the parts of row @row begin; returns the position of the unit. */
static uint64_t read_row(const struct index *index, uint32_t row, struct dwarf_contributions *ret)
{
	uint64_t columns = header_size + (uint64_t)index->slots * 12;
	uint64_t offsets = columns + (uint64_t)index->columns * 4 * row, unit = UINT64_MAX;

	for (uint32_t i = 0; i < index->columns; i++) {
		uint64_t offset = read_at(index, offsets + (uint64_t)i * 4, 4);

		switch (read_at(index, columns + (uint64_t)i * 4, 4)) {
		case COLUMN_INFO:
			unit = offset;
			break;
		case COLUMN_ABBREV:
			ret->abbrev = offset;
			break;
		case COLUMN_STR_OFFSETS:
			ret->str_offsets = offset;
			break;
		case COLUMN_RNGLISTS:
			ret->rnglists = index->version == 5 ? offset : 0;
			break;
		default:
			break;
		}
	}
	return unit;
}

static struct dwarf_unit *from_package(struct dwarf_image *package, const struct dwarf_unit *unit)
{
	struct dwarf_contributions at = { 0 };
	struct dwarf_unit *found = NULL;
	struct index index;
	uint32_t row;

	if (!package || !read_index(&index, dwarf_image_section(package, DWARF_SECTION_CU_INDEX)))
		return NULL;
	row = find_row(&index, dwarf_unit_dwo_id(unit));
	if (row)
		dwarf_unit_new_split(&found, package, read_row(&index, row, &at), &at, unit);
	return found;
}

/* The unit of a .dwo file that belongs to @unit. */
static struct dwarf_unit *from_image(struct dwarf_image *image, const struct dwarf_unit *unit)
{
	static const struct dwarf_contributions whole;
	struct dwarf_header header = { 0 };
	struct dwarf_unit *found = NULL;

	for (unsigned i = 0; i < MAX_UNITS && !found; i++) {
		if (dwarf_header_read(&header, image, header.end))
			break;
		if (header.type != DW_UT_split_type && header.type != DW_UT_type)
			dwarf_unit_new_split(&found, image, header.offset, &whole, unit);
	}
	return found;
}

static struct dwarf_unit *from_file(const struct dwarf_split *split, struct dwarf_unit *unit)
{
	char directory[PATH_MAX] = "", name[PATH_MAX];
	const struct dwarf_die *root = &unit->root;
	struct dwarf_unit *found;
	AUTO_FD fd = -1;

	if (!split->files->open_split)
		return NULL;
	if (dwarf_die_has(root, DWARF_COMP_DIR))
		dwarf_unit_string(unit, NULL, root->values[DWARF_COMP_DIR], directory,
				  sizeof(directory));
	dwarf_unit_string(unit, NULL, root->values[DWARF_DWO_NAME], name, sizeof(name));
	if (!*name)
		return NULL;
	fd = split->files->open_split(split->files->context, directory, name);
	if (fd < 0 || dwarf_image_new(&unit->split_image, fd, true, split->budget))
		return NULL;
	found = from_image(unit->split_image, unit);
	if (found)
		unit->bytes += IMAGE_BYTES;
	return found;
}

struct dwarf_unit *dwarf_split_unit(const struct dwarf_split *split, struct dwarf_unit *unit)
{
	if (!unit->was_split_looked_for && dwarf_die_has(&unit->root, DWARF_DWO_NAME)) {
		unit->split = from_package(split->package, unit);
		if (!unit->split)
			unit->split = from_file(split, unit);
	}
	unit->was_split_looked_for = true;
	return unit->split ? unit->split : unit;
}
