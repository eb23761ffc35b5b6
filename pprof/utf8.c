// SPDX-License-Identifier: Apache-2.0
#include "pprof/utf8.h"

#include <stdbool.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
static const char ellipsis[] = "\xe2\x80\xa6";    /* U+2026 */

enum {
	ELLIPSIS_BYTES = sizeof(ellipsis) - 1
};

static bool within(unsigned char byte, unsigned char low, unsigned char high)
{
	return byte >= low && byte <= high;
}

static bool is_tail(unsigned char byte)
{
	return within(byte, 0x80, 0xbf);
}

/* The second byte of three is what tells overlong forms and surrogates. */
static size_t length_of_three(const unsigned char *bytes)
{
	unsigned char low = bytes[0] == 0xe0 ? 0xa0 : 0x80;
	unsigned char high = bytes[0] == 0xed ? 0x9f : 0xbf;

	return within(bytes[1], low, high) && is_tail(bytes[2]) ? 3 : 0;
}

/* The second byte of four tells overlong forms and what is beyond U+10FFFF. */
static size_t length_of_four(const unsigned char *bytes)
{
	unsigned char low = bytes[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = bytes[0] == 0xf4 ? 0x8f : 0xbf;

	return within(bytes[1], low, high) && is_tail(bytes[2]) && is_tail(bytes[3]) ? 4 : 0;
}

size_t utf8_length(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;

	/* A NUL is no tail, so that no test here reads beyond the end. */
	if (bytes[0] < 0x80)
		return 1;
	if (within(bytes[0], 0xc2, 0xdf))
		return is_tail(bytes[1]) ? 2 : 0;
	if (within(bytes[0], 0xe0, 0xef))
		return length_of_three(bytes);
	if (within(bytes[0], 0xf0, 0xf4))
		return length_of_four(bytes);
	return 0;
}

/* Some readers end a line at U+2028, U+2029; U+202A to U+202E, U+2066 to U+2069 turn text. */
static bool is_layout(const unsigned char *bytes)
{
	if (bytes[0] != 0xe2)
		return false;
	return (bytes[1] == 0x80 && within(bytes[2], 0xa8, 0xae)) ||
	       (bytes[1] == 0x81 && within(bytes[2], 0xa6, 0xa9));
}

/* U+0000 to U+001F, U+007F, and U+0080 to U+009F, which terminals obey as well. */
static bool is_control(const char *character)
{
	const unsigned char *bytes = (const unsigned char *)character;

	return bytes[0] < 0x20 || bytes[0] == 0x7f || (bytes[0] == 0xc2 && bytes[1] < 0xa0) ||
	       is_layout(bytes);
}

size_t utf8_clean(char *out, const char *text)
{
	size_t used = 0, cut = 0;

	while (*text) {
		size_t length = utf8_length(text);
		const char *piece = text;
		size_t size = length;

		if (!length) {
			piece = replacement;
			size = sizeof(replacement) - 1;
		} else if (is_control(text)) {
			piece = "?";
			size = 1;
		}
		if (used <= UTF8_MAX_BYTES - ELLIPSIS_BYTES)
			cut = used;
		if (used + size > UTF8_MAX_BYTES) {
			memcpy(out + cut, ellipsis, ELLIPSIS_BYTES);
			used = cut + ELLIPSIS_BYTES;
			break;
		}
		memcpy(out + used, piece, size);
		used += size;
		text += length ? length : 1;
	}
	out[used] = '\0';
	return used;
}
