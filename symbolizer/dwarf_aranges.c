// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_aranges.h"

#include "agent/base/array.h"
#include "symbolizer/dwarf_cursor.h"

enum {
	MAX_ENTRIES = 1 << 22 /* 128 MB; libjvm has 30,000 */
};

/* The header of the table of one unit. */
struct set {
	uint64_t unit;
	uint64_t end; /* position of the next one */
	unsigned address_size;
};

/* Leaves the cursor at the first pair, or false at what is no set. */
static bool read_set(struct dwarf_cursor *cursor, struct set *ret)
{
	uint64_t start = dwarf_cursor_position(cursor), length, header;
	unsigned segment_size, version;
	uint8_t offset_size;

	length = dwarf_read_length(cursor, &offset_size);
	if (cursor->is_broken || length > cursor->limit - dwarf_cursor_position(cursor))
		return false;
	ret->end = dwarf_cursor_position(cursor) + length;
	version = dwarf_read_u16(cursor);
	ret->unit = dwarf_read_uint(cursor, offset_size);
	ret->address_size = dwarf_read_u8(cursor);
	segment_size = dwarf_read_u8(cursor);
	if (version != 2 || segment_size || (ret->address_size != 4 && ret->address_size != 8))
		ret->address_size = 0;
	else if ((header = dwarf_cursor_position(cursor) - start) % (2 * ret->address_size))
		dwarf_skip(cursor, 2 * ret->address_size - header % (2 * ret->address_size));
	return !cursor->is_broken;
}

static int read_pairs(struct dwarf_aranges *aranges, struct dwarf_cursor *cursor,
		      const struct set *set)
{
	size_t before = aranges->list.count;
	int err = 0;

	while (!err && set->address_size && !cursor->is_broken &&
	       dwarf_cursor_position(cursor) < set->end && aranges->list.count < MAX_ENTRIES) {
		uint64_t start = dwarf_read_uint(cursor, set->address_size);
		uint64_t length = dwarf_read_uint(cursor, set->address_size);
		struct dwarf_interval entry = {
			.start = start,
			.end = start + length,
			.value = set->unit,
		};

		if (!start && !length)
			break;
		if (start && entry.end > start)
			err = array_add(&aranges->list, entry);
	}
	if (!err && aranges->list.count > before)
		err = array_add(&aranges->units, set->unit);
	return err;
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

int dwarf_aranges_read(struct dwarf_aranges *aranges, struct dwarf_image *image)
{
	struct dwarf_cursor cursor =
		dwarf_cursor_at(dwarf_image_section(image, DWARF_SECTION_ARANGES), 0, UINT64_MAX);
	struct set set;
	int err = 0;

	while (!err && !dwarf_cursor_is_done(&cursor) && read_set(&cursor, &set)) {
		err = read_pairs(aranges, &cursor, &set);
		dwarf_cursor_seek(&cursor, set.end);
	}
	dwarf_intervals_sort(&aranges->list);
	if (aranges->units.count)
		qsort(aranges->units.items, aranges->units.count, sizeof(*aranges->units.items),
		      compare);
	return err;
}

bool dwarf_aranges_covers(const struct dwarf_aranges *aranges, uint64_t offset)
{
	return aranges->units.count && bsearch(&offset, aranges->units.items, aranges->units.count,
					       sizeof(offset), compare);
}

void dwarf_aranges_fini(struct dwarf_aranges *aranges)
{
	free(aranges->list.items);
	free(aranges->units.items);
}
