// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_cursor.h"

static void break_it(struct dwarf_cursor *cursor)
{
	cursor->is_broken = true;
	cursor->at = cursor->end = NULL;
	cursor->end_position = cursor->limit;
}

struct dwarf_cursor dwarf_cursor_at(struct debug_section *section, uint64_t position,
				    uint64_t limit)
{
	struct dwarf_cursor cursor = { .section = section };
	uint64_t size = section ? debug_section_size(section) : 0;

	cursor.limit = limit < size ? limit : size;
	dwarf_cursor_seek(&cursor, position);
	return cursor;
}

void dwarf_cursor_seek(struct dwarf_cursor *cursor, uint64_t position)
{
	if (position > cursor->limit) {
		break_it(cursor);
		return;
	}
	cursor->at = cursor->end = NULL;
	cursor->end_position = position;
}

/* Makes the window at the cursor's position visible; false, and broken, if there is none. */
static bool refill(struct dwarf_cursor *cursor)
{
	uint64_t position = dwarf_cursor_position(cursor), left = cursor->limit - position;
	size_t size;

	if (cursor->is_broken || !left ||
	    !debug_section_window(cursor->section, position, &cursor->at, &size)) {
		break_it(cursor);
		return false;
	}
	if (size > left)
		size = (size_t)left;
	cursor->end = cursor->at + size;
	cursor->end_position = position + size;
	return true;
}

void dwarf_read_slowly(struct dwarf_cursor *cursor, void *out, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t here = (size_t)(cursor->end - cursor->at);

		if (here > size - done)
			here = size - done;
		if (here)
			memcpy((char *)out + done, cursor->at, here);
		done += here;
		cursor->at += here;
		if (done < size && !refill(cursor)) {
			memset(out, 0, size);
			return;
		}
	}
}

uint64_t dwarf_read_uint(struct dwarf_cursor *cursor, unsigned size)
{
	uint64_t value = 0;

	switch (size) {
	case 1:
		return dwarf_read_u8(cursor);
	case 2:
		return dwarf_read_u16(cursor);
	case 3:
		value = dwarf_read_u16(cursor);
		return value | (uint64_t)dwarf_read_u8(cursor) << 16;
	case 4:
		return dwarf_read_u32(cursor);
	case 8:
		return dwarf_read_u64(cursor);
	default:
		break_it(cursor);
		return 0;
	}
}

uint64_t dwarf_read_uleb_long(struct dwarf_cursor *cursor)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = dwarf_read_u8(cursor);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
	} while (byte & 0x80);
	return value;
}

int64_t dwarf_read_sleb(struct dwarf_cursor *cursor)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = dwarf_read_u8(cursor);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
	} while (byte & 0x80);
	if (byte & 0x40 && shift < 64)
		value |= UINT64_MAX << shift;
	return (int64_t)value;
}

uint64_t dwarf_read_length(struct dwarf_cursor *cursor, uint8_t *ret_offset_size)
{
	uint32_t length = dwarf_read_u32(cursor);

	*ret_offset_size = 4;
	if (length < 0xfffffff0)
		return length;
	if (length != 0xffffffff)
		break_it(cursor);
	*ret_offset_size = 8;
	return dwarf_read_u64(cursor);
}

void dwarf_skip_string(struct dwarf_cursor *cursor)
{
	while (cursor->at != cursor->end || refill(cursor)) {
		const uint8_t *nul = memchr(cursor->at, 0, (size_t)(cursor->end - cursor->at));

		cursor->at = nul ? nul + 1 : cursor->end;
		if (nul)
			return;
	}
}

void dwarf_read_string(struct dwarf_cursor *cursor, char *out, size_t size)
{
	size_t length = 0;

	while (length + 1 < size && (cursor->at != cursor->end || refill(cursor))) {
		size_t here = (size_t)(cursor->end - cursor->at);
		const uint8_t *nul;

		if (here > size - 1 - length)
			here = size - 1 - length;
		nul = memchr(cursor->at, 0, here);
		if (nul)
			here = (size_t)(nul - cursor->at);
		memcpy(out + length, cursor->at, here);
		length += here;
		cursor->at += here;
		if (nul)
			break;
	}
	out[length] = '\0';
}
