// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_unit.h"

#include <dwarf.h>
#include <errno.h>

#include "symbolizer/dwarf_functions.h"
#include "symbolizer/dwarf_lines.h"

/* ---- headers --------------------------------------------------------------------------------- */

static void read_header_5(struct dwarf_header *header, struct dwarf_cursor *cursor)
{
	header->type = dwarf_read_u8(cursor);
	header->encoding.address_size = dwarf_read_u8(cursor);
	header->abbrev_offset = dwarf_read_uint(cursor, header->encoding.offset_size);
	switch (header->type) {
	case DW_UT_skeleton:
	case DW_UT_split_compile:
		header->dwo_id = dwarf_read_u64(cursor);
		break;
	case DW_UT_type:
	case DW_UT_split_type:
		dwarf_read_u64(cursor);
		dwarf_read_uint(cursor, header->encoding.offset_size);
		break;
	default:
		break;
	}
}

int dwarf_header_read(struct dwarf_header *ret, struct dwarf_image *image, uint64_t offset)
{
	struct debug_section *section = dwarf_image_section(image, DWARF_SECTION_INFO);
	struct dwarf_cursor cursor = dwarf_cursor_at(section, offset, UINT64_MAX);
	struct dwarf_header header = { .offset = offset, .type = DW_UT_compile };
	struct dwarf_encoding *encoding = &header.encoding;
	uint64_t length = dwarf_read_length(&cursor, &encoding->offset_size);

	if (cursor.is_broken || length > cursor.limit - dwarf_cursor_position(&cursor))
		return -EBADMSG;
	header.end = dwarf_cursor_position(&cursor) + length;
	encoding->version = dwarf_read_u16(&cursor);
	if (encoding->version >= 5) {
		read_header_5(&header, &cursor);
	} else {
		header.abbrev_offset = dwarf_read_uint(&cursor, encoding->offset_size);
		encoding->address_size = dwarf_read_u8(&cursor);
	}
	header.dies = dwarf_cursor_position(&cursor);
	if (cursor.is_broken || header.dies > header.end || encoding->version < 2 ||
	    encoding->version > 5 || (encoding->address_size != 4 && encoding->address_size != 8))
		return -EBADMSG;
	*ret = header;
	return 0;
}

/* ---- entries --------------------------------------------------------------------------------- */

struct dwarf_cursor dwarf_unit_cursor(const struct dwarf_unit *unit, uint64_t position)
{
	return dwarf_cursor_at(dwarf_image_section(unit->image, DWARF_SECTION_INFO), position,
			       unit->header.end);
}

bool dwarf_unit_read_die(const struct dwarf_unit *unit, struct dwarf_cursor *cursor,
			 uint32_t wanted, struct dwarf_die *ret)
{
	const struct dwarf_encoding *encoding = &unit->header.encoding;
	const struct dwarf_step *steps = unit->abbrevs.steps.items;
	const struct dwarf_abbrev *abbrev;
	uint64_t code;

	ret->offset = dwarf_cursor_position(cursor);
	ret->tag = 0;
	ret->has_children = false;
	ret->present = 0;
	code = dwarf_read_uleb(cursor);
	if (!code)
		return !cursor->is_broken;
	abbrev = dwarf_abbrevs_find(&unit->abbrevs, code);
	/* A table without any attribute says nothing. */
	if (!abbrev || !steps || !debug_budget_spend(unit->image->budget, 1 + abbrev->step_count))
		return false;
	ret->tag = abbrev->tag;
	ret->has_children = abbrev->has_children;
	for (uint32_t i = 0; i < abbrev->step_count; i++) {
		const struct dwarf_step *step = &steps[abbrev->first_step + i];

		if (step->attribute == DWARF_SKIP_BYTES) {
			dwarf_skip(cursor, step->size);
		} else if (step->attribute == DWARF_SKIP_FORM || !(wanted >> step->attribute & 1)) {
			dwarf_form_skip(cursor, step->form, encoding);
		} else {
			ret->values[step->attribute] =
				dwarf_form_read(cursor, step->form, step->implicit, encoding);
			ret->present |= 1U << step->attribute;
		}
	}
	return !cursor->is_broken;
}

/* ---- the first entry ------------------------------------------------------------------------- */

static bool is_c_family(uint64_t language)
{
	switch (language) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
		return true;
	default:
		return false;
	}
}

static uint64_t number_of(const struct dwarf_die *die, enum dwarf_attribute attribute,
			  uint64_t otherwise)
{
	return dwarf_die_has(die, attribute) ? die->values[attribute].number : otherwise;
}

static int read_root(struct dwarf_unit *unit)
{
	struct dwarf_cursor cursor = dwarf_unit_cursor(unit, unit->header.dies);
	struct dwarf_die *root = &unit->root;

	if (!dwarf_unit_read_die(unit, &cursor, UINT32_MAX, root) || !root->tag)
		return -EBADMSG;
	unit->str_offsets_base = number_of(root, DWARF_STR_OFFSETS_BASE, unit->str_offsets_base);
	unit->addr_base = number_of(root, DWARF_ADDR_BASE, unit->addr_base);
	unit->rnglists_base = number_of(root, DWARF_RNGLISTS_BASE, unit->rnglists_base);
	unit->is_c_family = is_c_family(number_of(root, DWARF_LANGUAGE, 0));
	if (dwarf_die_has(root, DWARF_LOW_PC))
		dwarf_unit_address(unit, root->values[DWARF_LOW_PC], &unit->base_address);
	return 0;
}

static int new_unit(struct dwarf_unit **out, struct dwarf_image *image, uint64_t offset,
		    uint64_t abbrevs_at)
{
	AUTO(dwarf_unit) unit = calloc(1, sizeof(*unit));
	int err;

	if (!unit)
		return -ENOMEM;
	unit->image = unit->skeleton = image;
	err = dwarf_header_read(&unit->header, image, offset);
	if (!err)
		err = dwarf_abbrevs_read(
			&unit->abbrevs, dwarf_image_section(image, DWARF_SECTION_ABBREV),
			abbrevs_at + unit->header.abbrev_offset, &unit->header.encoding);
	if (err)
		return err;
	unit->bytes = sizeof(*unit) + unit->abbrevs.capacity * sizeof(*unit->abbrevs.items) +
		      unit->abbrevs.steps.capacity * sizeof(*unit->abbrevs.steps.items);
	*out = take(unit);
	return 0;
}

int dwarf_unit_new(struct dwarf_unit **out, struct dwarf_image *image, uint64_t offset)
{
	AUTO(dwarf_unit) unit = NULL;
	int err = new_unit(&unit, image, offset, 0);

	if (!err)
		err = read_root(unit);
	if (err)
		return err;
	/* It is for the ranges of the split unit, not for the skeleton's own. */
	unit->ranges_base = 0;
	*out = take(unit);
	return 0;
}

uint64_t dwarf_unit_dwo_id(const struct dwarf_unit *unit)
{
	return unit->header.encoding.version >= 5 ? unit->header.dwo_id
						  : number_of(&unit->root, DWARF_GNU_DWO_ID, 0);
}

int dwarf_unit_new_split(struct dwarf_unit **out, struct dwarf_image *image, uint64_t offset,
			 const struct dwarf_contributions *at, const struct dwarf_unit *skeleton)
{
	AUTO(dwarf_unit) unit = NULL;
	int err = new_unit(&unit, image, offset, at->abbrev);
	unsigned wide;

	if (err)
		return err;
	wide = unit->header.encoding.offset_size == 8;
	unit->skeleton = skeleton->image;
	unit->base_address = skeleton->base_address;
	unit->addr_base = skeleton->addr_base;
	unit->ranges_base = number_of(&skeleton->root, DWARF_GNU_RANGES_BASE, 0);
	/* Version 5 puts headers in front of these tables, of which nothing else speaks. */
	unit->str_offsets_base = at->str_offsets;
	unit->rnglists_base = at->rnglists;
	if (unit->header.encoding.version >= 5) {
		unit->str_offsets_base += wide ? 16 : 8;
		unit->rnglists_base += wide ? 20 : 12;
	}
	err = read_root(unit);
	if (!err && dwarf_unit_dwo_id(unit) != dwarf_unit_dwo_id(skeleton))
		err = -EBADMSG;
	if (err)
		return err;
	unit->base_address = skeleton->base_address;
	*out = take(unit);
	return 0;
}

/* ---- what attributes mean -------------------------------------------------------------------- */

bool dwarf_unit_address(const struct dwarf_unit *unit, struct dwarf_value value, uint64_t *ret)
{
	unsigned size = unit->header.encoding.address_size;
	struct dwarf_cursor cursor;

	if (value.class == DWARF_ADDRESS) {
		*ret = value.number;
		return true;
	}
	if (value.class != DWARF_ADDRESS_INDEX || value.number > UINT32_MAX)
		return false;
	cursor = dwarf_cursor_at(dwarf_image_section(unit->skeleton, DWARF_SECTION_ADDR),
				 unit->addr_base + value.number * size, UINT64_MAX);
	*ret = dwarf_read_uint(&cursor, size);
	return !cursor.is_broken;
}

/* The offset in .debug_str of string number @index. */
static uint64_t string_offset(const struct dwarf_unit *unit, uint64_t index)
{
	unsigned size = unit->header.encoding.offset_size;
	struct dwarf_cursor cursor;

	if (index > UINT32_MAX)
		return UINT64_MAX;
	cursor = dwarf_cursor_at(dwarf_image_section(unit->image, DWARF_SECTION_STR_OFFSETS),
				 unit->str_offsets_base + index * size, UINT64_MAX);
	index = dwarf_read_uint(&cursor, size);
	return cursor.is_broken ? UINT64_MAX : index;
}

void dwarf_unit_string(const struct dwarf_unit *unit, struct dwarf_image *supplement,
		       struct dwarf_value value, char *out, size_t size)
{
	struct dwarf_image *image = unit->image;
	enum dwarf_section section = DWARF_SECTION_STR;
	uint64_t offset = value.number;
	struct dwarf_cursor cursor;

	*out = '\0';
	switch (value.class) {
	case DWARF_STRING_HERE:
		section = DWARF_SECTION_INFO;
		break;
	case DWARF_STRING:
		break;
	case DWARF_STRING_LINE:
		section = DWARF_SECTION_LINE_STR;
		break;
	case DWARF_STRING_INDEX:
		offset = string_offset(unit, value.number);
		break;
	case DWARF_STRING_SUPPLEMENT:
		image = supplement;
		break;
	default:
		return;
	}
	if (!image)
		return;
	cursor = dwarf_cursor_at(dwarf_image_section(image, section), offset, UINT64_MAX);
	dwarf_read_string(&cursor, out, size);
}

static void free_parts(struct dwarf_unit *unit)
{
	dwarf_functions_free(unit->functions);
	dwarf_lines_free(unit->lines);
	dwarf_abbrevs_fini(&unit->abbrevs);
	free(unit);
}

/* A split unit has no split unit: this is no recursion. */
void dwarf_unit_free(struct dwarf_unit *unit)
{
	if (!unit)
		return;
	if (unit->split)
		free_parts(unit->split);
	dwarf_image_free(unit->split_image);
	free_parts(unit);
}
