// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_functions.h"

#include <dwarf.h>
#include <errno.h>

#include "agent/base/array.h"
#include "symbolizer/dwarf_inlines.h"
#include "symbolizer/dwarf_intervals.h"

enum {
	MAX_FUNCTIONS = 1 << 22 /* of one unit: 128 MB */
};

struct dwarf_functions {
	struct dwarf_intervals list; /* owned; the value is the position of the entry */
	bool has_all;                /* nothing was gone over */
	bool is_known;
	uint64_t known;               /* the function of which @inlines are */
	struct dwarf_inlines inlines; /* owned */
};

static const uint32_t wanted = DWARF_RANGE_BITS | DWARF_BIT(SIBLING);

static int add_function(struct dwarf_functions *functions, const struct dwarf_unit *unit,
			const struct dwarf_die *die, struct dwarf_ranges *ranges)
{
	int err;

	ranges->count = 0;
	err = dwarf_ranges_add(ranges, unit, die);
	for (size_t i = 0; i < ranges->count && !err; i++) {
		struct dwarf_interval function = {
			.start = ranges->items[i].start,
			.end = ranges->items[i].end,
			.value = die->offset,
		};

		err = functions->list.count < MAX_FUNCTIONS ? array_add(&functions->list, function)
							    : 0;
	}
	return err;
}

/* Functions with code are below these, in a language of the C family. */
static bool is_scope(const struct dwarf_unit *unit, uint16_t tag)
{
	switch (tag) {
	case DW_TAG_compile_unit:
	case DW_TAG_partial_unit:
	case DW_TAG_skeleton_unit:
	case DW_TAG_namespace:
	case DW_TAG_module:
		return true;
	case DW_TAG_subprogram:
	case DW_TAG_subroutine_type:
	case DW_TAG_array_type:
		return false;
	default:
		return !unit->is_c_family;
	}
}

static bool can_go_over(const struct dwarf_unit *unit, const struct dwarf_cursor *cursor,
			const struct dwarf_die *die)
{
	const struct dwarf_value *sibling = &die->values[DWARF_SIBLING];

	return !is_scope(unit, die->tag) && dwarf_die_has(die, DWARF_SIBLING) &&
	       sibling->class == DWARF_REF_UNIT &&
	       unit->header.offset + sibling->number > dwarf_cursor_position(cursor);
}

/* The entries of the unit, with those below bodies and types only if it has to be @everything. */
static int read_functions(struct dwarf_functions *functions, const struct dwarf_unit *unit,
			  struct dwarf_ranges *ranges, bool everything)
{
	struct dwarf_cursor cursor = dwarf_unit_cursor(unit, unit->header.dies);
	uint64_t level = 0;
	struct dwarf_die die;
	int err = 0;

	functions->list.count = 0;
	functions->has_all = true;
	while (!err && dwarf_unit_read_die(unit, &cursor, wanted, &die)) {
		if (!die.tag) {
			if (level <= 1)
				break;
			level--;
			continue;
		}
		if (die.tag == DW_TAG_subprogram)
			err = add_function(functions, unit, &die, ranges);
		if (!die.has_children) {
			if (!level)
				break;
		} else if (!everything && can_go_over(unit, &cursor, &die)) {
			dwarf_cursor_seek(&cursor,
					  unit->header.offset + die.values[DWARF_SIBLING].number);
			functions->has_all = false;
		} else {
			level++;
		}
	}
	return err;
}

static int read_list(struct dwarf_unit *unit, bool everything)
{
	struct dwarf_functions *functions = unit->functions;
	struct dwarf_ranges ranges = { 0 };
	size_t before = dwarf_intervals_bytes(&functions->list);
	int err = read_functions(functions, unit, &ranges, everything);

	free(ranges.items);
	if (err)
		return err;
	dwarf_intervals_sort(&functions->list);
	unit->bytes += dwarf_intervals_bytes(&functions->list) - before;
	return 0;
}

static int get_list(struct dwarf_unit *unit)
{
	if (unit->functions)
		return 0;
	unit->functions = calloc(1, sizeof(*unit->functions));
	if (!unit->functions)
		return -ENOMEM;
	return read_list(unit, false);
}

static int get_inlines(struct dwarf_functions *functions, const struct dwarf_unit *unit,
		       uint64_t die)
{
	if (functions->is_known && functions->known == die)
		return 0;
	dwarf_inlines_fini(&functions->inlines);
	functions->inlines = (struct dwarf_inlines){ 0 };
	functions->is_known = true;
	functions->known = die;
	return dwarf_inlines_read(&functions->inlines, unit, die);
}

int dwarf_functions_find(struct dwarf_unit *unit, uint64_t address, struct dwarf_call *ret_calls,
			 size_t *ret_count)
{
	const struct dwarf_interval *function;
	const struct dwarf_inlines *inlines;
	int err = get_list(unit);

	*ret_count = 0;
	if (err)
		return err;
	function = dwarf_intervals_find(&unit->functions->list, address);
	if (!function && !unit->functions->has_all) {
		err = read_list(unit, true);
		function = err ? NULL : dwarf_intervals_find(&unit->functions->list, address);
	}
	if (!function)
		return err;
	err = get_inlines(unit->functions, unit, function->value);
	if (err)
		return err;
	inlines = &unit->functions->inlines;
	for (uint32_t at = dwarf_inlines_find(inlines, address); at;
	     at = inlines->items[at - 1].parent) {
		if (*ret_count < DWARF_MAX_CALLS - 1)
			ret_calls[(*ret_count)++] = inlines->items[at - 1].call;
	}
	ret_calls[(*ret_count)++] = (struct dwarf_call){ .die = function->value };
	return 0;
}

void dwarf_functions_free(struct dwarf_functions *functions)
{
	if (!functions)
		return;
	dwarf_inlines_fini(&functions->inlines);
	free(functions->list.items);
	free(functions);
}
