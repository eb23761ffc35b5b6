// SPDX-License-Identifier: Apache-2.0
#include "agent/maps_line.h"

#include <string.h>

/* What is left of a line. */
struct cursor {
	const char *at;
	const char *end;
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* A number and the character behind it. Ten thousands of lines come at a time: no sscanf(3). */
static bool take_number(struct cursor *cursor, int base, char behind, uint64_t *ret)
{
	const char *at = cursor->at;
	uint64_t value = 0;

	for (; at < cursor->end && digit_of(*at) < base; at++) {
		if (value > UINT64_MAX >> 4)
			return false;
		value = value * (unsigned int)base + (unsigned int)digit_of(*at);
	}
	if (at == cursor->at || at == cursor->end || *at != behind)
		return false;
	cursor->at = at + 1;
	*ret = value;
	return true;
}

static bool take_flags(struct cursor *cursor, uint32_t *ret)
{
	const char *at = cursor->at;

	if (cursor->end - at < 5 || at[4] != ' ')
		return false;
	*ret = (at[0] == 'r' ? MAPS_READ : 0) | (at[1] == 'w' ? MAPS_WRITE : 0) |
	       (at[2] == 'x' ? MAPS_EXECUTABLE : 0) | (at[3] == 's' ? MAPS_SHARED : 0);
	cursor->at += 5;
	return true;
}

static bool take_device(struct cursor *cursor, uint32_t *ret)
{
	uint64_t major, minor;

	if (!take_number(cursor, 16, ':', &major) || !take_number(cursor, 16, ' ', &minor))
		return false;
	*ret = (uint32_t)(major << 20 | minor);
	return true;
}

bool maps_line_parse(struct maps_line *ret, const char *text, size_t size, const char **ret_next)
{
	const char *newline = memchr(text, '\n', size);
	struct cursor cursor = { text, newline ? newline + 1 : text + size };
	struct maps_line line;

	*ret_next = cursor.end;
	if (!newline || !take_number(&cursor, 16, '-', &line.start) ||
	    !take_number(&cursor, 16, ' ', &line.end) || !take_flags(&cursor, &line.flags) ||
	    !take_number(&cursor, 16, ' ', &line.file_offset) ||
	    !take_device(&cursor, &line.device))
		return false;
	/* Where nothing follows, the number ends the line. */
	if (!take_number(&cursor, 10, ' ', &line.inode) &&
	    !take_number(&cursor, 10, '\n', &line.inode))
		return false;
	while (cursor.at < newline && *cursor.at == ' ')
		cursor.at++;
	line.path = cursor.at < newline ? cursor.at : newline;
	line.path_length = (size_t)(newline - line.path);
	*ret = line;
	return line.start < line.end;
}
