/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * utf8 - text from foreign places, made fit to print.
 *
 * Names come from executables, paths and the kernel: any bytes. Servers refuse whole profiles
 * for one bad byte, and a newline in a name would forge a line of a text format.
 */

/* A longer name helps nobody, and a hostile file may have names of many megabytes. */
enum {
	UTF8_MAX_BYTES = 4096
};

/* utf8_length() - bytes of the well-formed character at @text, 0 if there is none. */
size_t utf8_length(const char *text);

/*
 * utf8_clean() - copy @text with every invalid byte as U+FFFD and every control character as '?'.
 * @out: room for UTF8_MAX_BYTES + 1
 *
 * Line separators and marks that turn the direction of text count as control characters.
 * Text that is too long is cut between two characters and ends in an ellipsis.
 *
 * Return: bytes written, without the NUL behind them.
 */
size_t utf8_clean(char *out, const char *text);
