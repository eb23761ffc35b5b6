/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_unit.h"

/*
 * dwarf_lines - the line table of a unit: which line of which file an address comes from.
 *
 * Neighbouring rows of one line are one. Rows for code that was thrown away, with addresses that
 * go backwards, or of absurd tables are left out.
 *
 * Source: DWARF 5, 6.2; DWARF 4, 6.2.
 */
struct dwarf_lines;

enum {
	DWARF_PATH_MAX = 4096 /* longer paths are cut */
};

/* dwarf_lines_new() - of @unit; an empty table if it has none. Return: 0 or -ENOMEM. */
int dwarf_lines_new(struct dwarf_lines **out, const struct dwarf_unit *unit);

/*
 * dwarf_lines_find() - the line at @address.
 * @ret_file: for dwarf_lines_path()
 * @ret_line: 0 if the compiler says that it comes from no line
 */
bool dwarf_lines_find(const struct dwarf_lines *lines, uint64_t address, uint32_t *ret_file,
		      uint32_t *ret_line);

/*
 * dwarf_lines_path() - directory and name of file number @file, as the compiler was given them.
 * @path: receives DWARF_PATH_MAX bytes at most; "" if there is no such file
 */
void dwarf_lines_path(const struct dwarf_lines *lines, const struct dwarf_unit *unit, uint64_t file,
		      char *path);

/* dwarf_lines_bytes() - memory held. */
size_t dwarf_lines_bytes(const struct dwarf_lines *lines);

void dwarf_lines_free(struct dwarf_lines *lines);
DEFINE_AUTO(dwarf_lines);
