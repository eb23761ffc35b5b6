// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_ranges.h"

#include <dwarf.h>

#include "agent/base/array.h"

enum {
	MAX_RANGES = 1 << 16 /* of one entry */
};

/* A list being read. */
struct reading {
	struct dwarf_ranges *ranges;
	const struct dwarf_unit *unit;
	struct dwarf_cursor cursor;
	unsigned size; /* of an address, bytes */
	uint64_t base;
};

/* All bits set: no address, and in old lists a new base. */
static uint64_t top(const struct reading *reading)
{
	return reading->size == 4 ? UINT32_MAX : UINT64_MAX;
}

static int add(struct reading *reading, uint64_t start, uint64_t end)
{
	struct dwarf_range range = { start, end };

	if (reading->size == 4)
		range = (struct dwarf_range){ (uint32_t)start, (uint32_t)end };
	/* Dead code: lld writes the two highest addresses, older linkers 0. */
	if (!range.start || range.start >= range.end || range.start >= top(reading) - 1)
		return 0;
	return array_add(reading->ranges, range);
}

/* A pair that counts from the base, which may be that of dead code. */
static int add_relative(struct reading *reading, uint64_t start, uint64_t end)
{
	if (reading->base >= top(reading) - 1)
		return 0;
	return add(reading, reading->base + start, reading->base + end);
}

static int read_old_list(struct reading *reading)
{
	int err = 0;

	for (size_t i = 0; i < MAX_RANGES && !err; i++) {
		uint64_t start = dwarf_read_uint(&reading->cursor, reading->size);
		uint64_t end = dwarf_read_uint(&reading->cursor, reading->size);

		if (reading->cursor.is_broken || (!start && !end))
			break;
		if (start == top(reading))
			reading->base = end;
		else
			err = add_relative(reading, start, end);
	}
	return err;
}

static uint64_t read_indexed(struct reading *reading)
{
	struct dwarf_value value = { dwarf_read_uleb(&reading->cursor), DWARF_ADDRESS_INDEX };
	uint64_t address;

	/* Of a section of its own, so that the cursor here stays good. */
	return dwarf_unit_address(reading->unit, value, &address) ? address : top(reading);
}

/* Reads one entry; *@ret_is_last after DW_RLE_end_of_list and what is not known. */
static int read_entry(struct reading *reading, bool *ret_is_last)
{
	struct dwarf_cursor *cursor = &reading->cursor;
	uint64_t start;

	switch (dwarf_read_u8(cursor)) {
	case DW_RLE_base_addressx:
		reading->base = read_indexed(reading);
		return 0;
	case DW_RLE_startx_endx:
		start = read_indexed(reading);
		return add(reading, start, read_indexed(reading));
	case DW_RLE_startx_length:
		start = read_indexed(reading);
		return add(reading, start, start + dwarf_read_uleb(cursor));
	case DW_RLE_offset_pair:
		start = dwarf_read_uleb(cursor);
		return add_relative(reading, start, dwarf_read_uleb(cursor));
	case DW_RLE_base_address:
		reading->base = dwarf_read_uint(cursor, reading->size);
		return 0;
	case DW_RLE_start_end:
		start = dwarf_read_uint(cursor, reading->size);
		return add(reading, start, dwarf_read_uint(cursor, reading->size));
	case DW_RLE_start_length:
		start = dwarf_read_uint(cursor, reading->size);
		return add(reading, start, start + dwarf_read_uleb(cursor));
	default:
		*ret_is_last = true;
		return 0;
	}
}

static int read_list(struct reading *reading)
{
	bool is_last = false;
	int err = 0;

	for (size_t i = 0; i < MAX_RANGES && !err && !is_last && !reading->cursor.is_broken; i++)
		err = read_entry(reading, &is_last);
	return err;
}

static int read_new(struct reading *reading, struct dwarf_value value)
{
	const struct dwarf_unit *unit = reading->unit;
	struct debug_section *section = dwarf_image_section(unit->image, DWARF_SECTION_RNGLISTS);
	unsigned size = unit->header.encoding.offset_size;
	uint64_t offset = value.number;

	if (value.class == DWARF_LIST_INDEX) {
		if (offset > UINT32_MAX)
			return 0;
		reading->cursor =
			dwarf_cursor_at(section, unit->rnglists_base + offset * size, UINT64_MAX);
		offset = unit->rnglists_base + dwarf_read_uint(&reading->cursor, size);
		if (reading->cursor.is_broken)
			return 0;
	}
	reading->cursor = dwarf_cursor_at(section, offset, UINT64_MAX);
	return read_list(reading);
}

static int read_ranges(struct reading *reading, struct dwarf_value value)
{
	const struct dwarf_unit *unit = reading->unit;

	if (value.class == DWARF_NONE)
		return 0;
	if (unit->header.encoding.version >= 5)
		return read_new(reading, value);
	reading->cursor = dwarf_cursor_at(dwarf_image_section(unit->skeleton, DWARF_SECTION_RANGES),
					  unit->ranges_base + value.number, UINT64_MAX);
	return read_old_list(reading);
}

int dwarf_ranges_add(struct dwarf_ranges *ranges, const struct dwarf_unit *unit,
		     const struct dwarf_die *die)
{
	struct reading reading = {
		.ranges = ranges,
		.unit = unit,
		.size = unit->header.encoding.address_size,
		.base = unit->base_address,
	};
	const struct dwarf_value *high = &die->values[DWARF_HIGH_PC];
	size_t before = ranges->count;
	uint64_t start, end;
	int err = 0;

	if (dwarf_die_has(die, DWARF_RANGES)) {
		err = read_ranges(&reading, die->values[DWARF_RANGES]);
	} else if (dwarf_die_has(die, DWARF_LOW_PC) && dwarf_die_has(die, DWARF_HIGH_PC) &&
		   dwarf_unit_address(unit, die->values[DWARF_LOW_PC], &start)) {
		end = start + high->number;
		if (high->class == DWARF_CONSTANT || dwarf_unit_address(unit, *high, &end))
			err = add(&reading, start, end);
	}
	debug_budget_spend(unit->image->budget, 4 * (ranges->count - before));
	return err;
}
