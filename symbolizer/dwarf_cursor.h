/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "symbolizer/debug_section.h"

/*
 * dwarf_cursor - reads along a section whose bytes may be anything.
 *
 * A value. Reading beyond the limit, or where nothing can be read, yields 0 and breaks the
 * cursor, which then stands at its limit: check is_broken once after a run of reads. Only one cursor at a
 * time may be in use on a section; after another was, dwarf_cursor_seek() makes one good again.
 */
struct dwarf_cursor {
	struct debug_section *section; /* borrowed; NULL: nothing can be read */
	const uint8_t *at;             /* borrowed from the section */
	const uint8_t *end;
	uint64_t end_position; /* in the section, of the byte at end */
	uint64_t limit;
	bool is_broken;
};

/* dwarf_cursor_at() - from @position up to @limit, or to the end if that comes first. */
struct dwarf_cursor dwarf_cursor_at(struct debug_section *section, uint64_t position,
				    uint64_t limit);

static inline uint64_t dwarf_cursor_position(const struct dwarf_cursor *cursor)
{
	return cursor->end_position - (uint64_t)(cursor->end - cursor->at);
}

static inline bool dwarf_cursor_is_done(const struct dwarf_cursor *cursor)
{
	return cursor->is_broken || dwarf_cursor_position(cursor) >= cursor->limit;
}

/* dwarf_cursor_seek() - go on from @position; breaks the cursor if that is beyond its limit. */
void dwarf_cursor_seek(struct dwarf_cursor *cursor, uint64_t position);

/* dwarf_read_slowly() - @size bytes that do not lie in one window. */
void dwarf_read_slowly(struct dwarf_cursor *cursor, void *out, size_t size);

static inline void dwarf_read_bytes(struct dwarf_cursor *cursor, void *out, size_t size)
{
	if ((size_t)(cursor->end - cursor->at) < size) {
		dwarf_read_slowly(cursor, out, size);
		return;
	}
	memcpy(out, cursor->at, size);
	cursor->at += size;
}

static inline void dwarf_skip(struct dwarf_cursor *cursor, uint64_t size)
{
	if ((uint64_t)(cursor->end - cursor->at) >= size)
		cursor->at += size;
	else
		dwarf_cursor_seek(cursor, size > cursor->limit
						  ? UINT64_MAX
						  : dwarf_cursor_position(cursor) + size);
}

static inline uint8_t dwarf_read_u8(struct dwarf_cursor *cursor)
{
	uint8_t value;

	if (cursor->at != cursor->end)
		return *cursor->at++;
	dwarf_read_slowly(cursor, &value, sizeof(value));
	return value;
}

static inline uint16_t dwarf_read_u16(struct dwarf_cursor *cursor)
{
	uint16_t value;

	dwarf_read_bytes(cursor, &value, sizeof(value));
	return value;
}

static inline uint32_t dwarf_read_u32(struct dwarf_cursor *cursor)
{
	uint32_t value;

	dwarf_read_bytes(cursor, &value, sizeof(value));
	return value;
}

static inline uint64_t dwarf_read_u64(struct dwarf_cursor *cursor)
{
	uint64_t value;

	dwarf_read_bytes(cursor, &value, sizeof(value));
	return value;
}

/* dwarf_read_uint() - a number of 1, 2, 3, 4 or 8 bytes; other sizes break the cursor. */
uint64_t dwarf_read_uint(struct dwarf_cursor *cursor, unsigned size);

/* dwarf_read_uleb(), dwarf_read_sleb() - numbers of any length; what exceeds 64 bits is cut off. */
uint64_t dwarf_read_uleb_long(struct dwarf_cursor *cursor);
int64_t dwarf_read_sleb(struct dwarf_cursor *cursor);

static inline uint64_t dwarf_read_uleb(struct dwarf_cursor *cursor)
{
	if (cursor->at != cursor->end && *cursor->at < 0x80)
		return *cursor->at++;
	return dwarf_read_uleb_long(cursor);
}

/*
 * dwarf_read_length() - the length with which units and tables begin.
 * @ret_offset_size: 4, or 8 for the 64-bit format, which is told by it
 */
uint64_t dwarf_read_length(struct dwarf_cursor *cursor, uint8_t *ret_offset_size);

/* dwarf_skip_string() - past the next NUL. */
void dwarf_skip_string(struct dwarf_cursor *cursor);

/*
 * dwarf_read_string() - up to the next NUL, or what fits.
 * @out: receives @size bytes at most, the NUL included
 */
void dwarf_read_string(struct dwarf_cursor *cursor, char *out, size_t size);
