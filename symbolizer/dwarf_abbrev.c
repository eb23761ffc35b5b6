// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_abbrev.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/base/array.h"

enum {
	MAX_STEPS = 1 << 18, /* of one table: 6 MB; gcc and clang write some hundred */
};

static unsigned attribute_of(uint64_t name)
{
	switch (name) {
	case DW_AT_name:
		return DWARF_NAME;
	case DW_AT_linkage_name:
	case DW_AT_MIPS_linkage_name:
		return DWARF_LINKAGE_NAME;
	case DW_AT_low_pc:
		return DWARF_LOW_PC;
	case DW_AT_high_pc:
		return DWARF_HIGH_PC;
	case DW_AT_ranges:
		return DWARF_RANGES;
	case DW_AT_abstract_origin:
		return DWARF_ABSTRACT_ORIGIN;
	case DW_AT_specification:
		return DWARF_SPECIFICATION;
	case DW_AT_call_file:
		return DWARF_CALL_FILE;
	case DW_AT_call_line:
		return DWARF_CALL_LINE;
	case DW_AT_sibling:
		return DWARF_SIBLING;
	case DW_AT_stmt_list:
		return DWARF_STMT_LIST;
	case DW_AT_comp_dir:
		return DWARF_COMP_DIR;
	case DW_AT_language:
		return DWARF_LANGUAGE;
	case DW_AT_str_offsets_base:
		return DWARF_STR_OFFSETS_BASE;
	case DW_AT_addr_base:
	case DW_AT_GNU_addr_base:
		return DWARF_ADDR_BASE;
	case DW_AT_rnglists_base:
		return DWARF_RNGLISTS_BASE;
	case DW_AT_GNU_ranges_base:
		return DWARF_GNU_RANGES_BASE;
	case DW_AT_dwo_name:
	case DW_AT_GNU_dwo_name:
		return DWARF_DWO_NAME;
	case DW_AT_GNU_dwo_id:
		return DWARF_GNU_DWO_ID;
	default:
		return DWARF_SKIP_FORM;
	}
}

/* Appends a step, or makes the one before it longer. */
static int add_step(struct dwarf_abbrevs *abbrevs, struct dwarf_abbrev *abbrev,
		    struct dwarf_step step, const struct dwarf_encoding *encoding)
{
	int size = dwarf_form_size(step.form, encoding);

	if (step.attribute == DWARF_SKIP_FORM && size >= 0) {
		struct dwarf_step *last =
			abbrev->step_count ? &abbrevs->steps.items[abbrevs->steps.count - 1] : NULL;

		if (last && last->attribute == DWARF_SKIP_BYTES) {
			last->size += (uint32_t)size;
			return 0;
		}
		step = (struct dwarf_step){ .attribute = DWARF_SKIP_BYTES, .size = (uint32_t)size };
	}
	if (abbrevs->steps.count == MAX_STEPS)
		return -EBADMSG;
	abbrev->step_count++;
	return array_add(&abbrevs->steps, step);
}

static int read_steps(struct dwarf_abbrevs *abbrevs, struct dwarf_abbrev *abbrev,
		      struct dwarf_cursor *cursor, const struct dwarf_encoding *encoding)
{
	for (size_t i = 0; i < MAX_STEPS; i++) {
		uint64_t name = dwarf_read_uleb(cursor), form = dwarf_read_uleb(cursor);
		struct dwarf_step step = { .attribute = (uint8_t)attribute_of(name) };
		int err;

		if (form == DW_FORM_implicit_const)
			step.implicit = dwarf_read_sleb(cursor);
		if (cursor->is_broken || form > UINT16_MAX)
			return -EBADMSG;
		if (!name && !form)
			return 0;
		step.form = (uint16_t)form;
		err = add_step(abbrevs, abbrev, step, encoding);
		if (err)
			return err;
	}
	return -EBADMSG;
}

static int compare(const void *left, const void *right)
{
	const struct dwarf_abbrev *a = left, *b = right;

	return (a->code > b->code) - (a->code < b->code);
}

static int read_table(struct dwarf_abbrevs *abbrevs, struct dwarf_cursor *cursor,
		      const struct dwarf_encoding *encoding)
{
	bool is_sorted = true;
	uint64_t last = 0;

	for (;;) {
		struct dwarf_abbrev abbrev = { .code = dwarf_read_uleb(cursor) };
		int err;

		/* Some linkers cut the 0 that ends the last table. */
		if (!abbrev.code)
			break;
		abbrev.tag = (uint16_t)dwarf_read_uleb(cursor);
		abbrev.has_children = dwarf_read_u8(cursor);
		abbrev.first_step = (uint32_t)abbrevs->steps.count;
		err = read_steps(abbrevs, &abbrev, cursor, encoding);
		if (!err)
			err = abbrevs->count < MAX_STEPS ? array_add(abbrevs, abbrev) : -EBADMSG;
		if (err)
			return err;
		is_sorted &= abbrev.code > last;
		last = abbrev.code;
	}
	if (!is_sorted)
		qsort(abbrevs->items, abbrevs->count, sizeof(*abbrevs->items), compare);
	return 0;
}

int dwarf_abbrevs_read(struct dwarf_abbrevs *ret, struct debug_section *section, uint64_t offset,
		       const struct dwarf_encoding *encoding)
{
	struct dwarf_cursor cursor = dwarf_cursor_at(section, offset, UINT64_MAX);
	struct dwarf_abbrevs abbrevs = { 0 };
	int err = cursor.is_broken ? -EBADMSG : read_table(&abbrevs, &cursor, encoding);

	if (err) {
		dwarf_abbrevs_fini(&abbrevs);
		return err;
	}
	*ret = abbrevs;
	return 0;
}

const struct dwarf_abbrev *dwarf_abbrevs_find(const struct dwarf_abbrevs *abbrevs, uint64_t code)
{
	struct dwarf_abbrev key = { .code = code };

	/* Compilers number them 1, 2, 3, ... */
	if (code - 1 < abbrevs->count && abbrevs->items[code - 1].code == code)
		return &abbrevs->items[code - 1];
	if (!abbrevs->count)
		return NULL;
	return bsearch(&key, abbrevs->items, abbrevs->count, sizeof(key), compare);
}

void dwarf_abbrevs_fini(struct dwarf_abbrevs *abbrevs)
{
	free(abbrevs->items);
	free(abbrevs->steps.items);
}
