// SPDX-License-Identifier: Apache-2.0
#include "pprof/json.h"

#include <stdbool.h>
#include <string.h>

static bool needs_number(const char *at)
{
	unsigned char byte = (unsigned char)*at;

	return byte < 0x20 || byte == 0x7f || byte == '<' || byte == '>' || byte == '&';
}

/* U+2028 and U+2029 end a line in old JavaScript; both are e2 80 and one more byte. */
static bool is_line_separator(const char *at)
{
	return !memcmp(at, "\xe2\x80", 2) && (at[2] == '\xa8' || at[2] == '\xa9');
}

void json_text(FILE *stream, const char *text)
{
	putc('"', stream);
	for (const char *at = text; *at; at++) {
		if (*at == '"' || *at == '\\') {
			putc('\\', stream);
			putc(*at, stream);
		} else if (needs_number(at)) {
			fprintf(stream, "\\u%04x", (unsigned char)*at);
		} else if (*at == '\xe2' && is_line_separator(at)) {
			fputs(at[2] == '\xa8' ? "\\u2028" : "\\u2029", stream);
			at += 2;
		} else {
			putc(*at, stream);
		}
	}
	putc('"', stream);
}
