// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_inlines.h"

#include <dwarf.h>

#include "agent/base/array.h"

enum {
	MAX_LEVELS = 1024,     /* of entries in each other */
	MAX_INLINES = 1 << 19, /* of one function; 50 MB */
	IGNORED = UINT32_MAX,  /* a level inside a nested function */
};

/* What is inlined at each level of the entries that are open. */
struct levels {
	uint32_t inside[MAX_LEVELS]; /* index plus one, 0 or IGNORED */
	size_t count;
};

static const uint32_t wanted = DWARF_RANGE_BITS | DWARF_BIT(ABSTRACT_ORIGIN) |
			       DWARF_BIT(CALL_FILE) | DWARF_BIT(CALL_LINE) | DWARF_BIT(SIBLING);

static uint64_t number_of(const struct dwarf_die *die, enum dwarf_attribute attribute)
{
	return dwarf_die_has(die, attribute) ? die->values[attribute].number : 0;
}

static int add_inline(struct dwarf_inlines *inlines, const struct dwarf_unit *unit,
		      const struct dwarf_die *die, uint32_t parent)
{
	struct dwarf_inline item = {
		.call = { .die = die->offset,
			  .call_file = number_of(die, DWARF_CALL_FILE),
			  .call_line = number_of(die, DWARF_CALL_LINE) },
		.parent = parent,
		.first_range = (uint32_t)inlines->ranges.count,
	};
	int err = dwarf_ranges_add(&inlines->ranges, unit, die);

	if (err)
		return err;
	if (dwarf_die_has(die, DWARF_ABSTRACT_ORIGIN))
		item.call.origin = die->values[DWARF_ABSTRACT_ORIGIN];
	item.range_count = (uint32_t)inlines->ranges.count - item.first_range;
	return array_add(inlines, item);
}

/* Nothing below it has code of this function: types, nested functions, call sites. */
static bool is_beside(uint16_t tag)
{
	return tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block &&
	       tag != DW_TAG_try_block && tag != DW_TAG_catch_block && tag != DW_TAG_with_stmt;
}

/* Goes over the children of @die if it says where they end, or else enters them. */
static bool enter(struct levels *levels, const struct dwarf_unit *unit, struct dwarf_cursor *cursor,
		  const struct dwarf_die *die, uint32_t inside)
{
	const struct dwarf_value *sibling = &die->values[DWARF_SIBLING];
	uint64_t next = unit->header.offset + sibling->number;

	if (is_beside(die->tag) && dwarf_die_has(die, DWARF_SIBLING) &&
	    sibling->class == DWARF_REF_UNIT && next > dwarf_cursor_position(cursor)) {
		dwarf_cursor_seek(cursor, next);
		return true;
	}
	if (levels->count == MAX_LEVELS)
		return false;
	levels->inside[levels->count++] = inside;
	return true;
}

static int read_tree(struct dwarf_inlines *inlines, const struct dwarf_unit *unit,
		     struct dwarf_cursor *cursor, struct levels *levels)
{
	struct dwarf_die die;

	while (levels->count && inlines->count < MAX_INLINES &&
	       dwarf_unit_read_die(unit, cursor, wanted, &die)) {
		uint32_t inside = levels->inside[levels->count - 1];
		int err = 0;

		if (!die.tag) {
			levels->count--;
			continue;
		}
		if (die.tag == DW_TAG_inlined_subroutine && inside != IGNORED) {
			err = add_inline(inlines, unit, &die, inside);
			inside = (uint32_t)inlines->count;
		} else if (die.tag == DW_TAG_subprogram) {
			inside = IGNORED;
		}
		if (err)
			return err;
		if (die.has_children && !enter(levels, unit, cursor, &die, inside))
			break;
	}
	return 0;
}

int dwarf_inlines_read(struct dwarf_inlines *inlines, const struct dwarf_unit *unit, uint64_t die)
{
	struct dwarf_cursor cursor = dwarf_unit_cursor(unit, die);
	struct levels levels = { .count = 1 };
	struct dwarf_die function;

	levels.inside[0] = 0;
	if (!dwarf_unit_read_die(unit, &cursor, 0, &function) || !function.has_children)
		return 0;
	return read_tree(inlines, unit, &cursor, &levels);
}

static bool covers(const struct dwarf_inlines *inlines, const struct dwarf_inline *item,
		   uint64_t address)
{
	const struct dwarf_range *ranges = inlines->ranges.items + item->first_range;

	for (uint32_t i = 0; i < item->range_count; i++) {
		if (address >= ranges[i].start && address < ranges[i].end)
			return true;
	}
	return false;
}

uint32_t dwarf_inlines_find(const struct dwarf_inlines *inlines, uint64_t address)
{
	/* What comes later is further inside, or overrides. */
	for (size_t i = inlines->count; i; i--) {
		if (covers(inlines, &inlines->items[i - 1], address))
			return (uint32_t)i;
	}
	return 0;
}

void dwarf_inlines_fini(struct dwarf_inlines *inlines)
{
	free(inlines->items);
	free(inlines->ranges.items);
}
