/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/debug_section.h"

/*
 * dwarf_image - the sections of one file with debug information, found by name.
 *
 * The file may be the executable, its separate debug file, a supplement made by dwz, or a .dwo or
 * .dwp file of split DWARF, whose sections end in ".dwo".
 */
enum dwarf_section {
	DWARF_SECTION_INFO,
	DWARF_SECTION_ABBREV,
	DWARF_SECTION_LINE,
	DWARF_SECTION_STR,
	DWARF_SECTION_LINE_STR,
	DWARF_SECTION_STR_OFFSETS,
	DWARF_SECTION_ADDR,
	DWARF_SECTION_RANGES,
	DWARF_SECTION_RNGLISTS,
	DWARF_SECTION_ARANGES,
	DWARF_SECTION_CU_INDEX,
	DWARF_SECTION_COUNT,
};

struct dwarf_image {
	int fd; /* owned */
	bool is_split;
	struct elf_file *file; /* owned */
	struct debug_budget *budget;
	struct debug_section *sections[DWARF_SECTION_COUNT]; /* owned; NULL: none, or not yet */
	bool was_looked_for[DWARF_SECTION_COUNT];
};

/*
 * dwarf_image_new() - of an open file.
 * @fd: borrowed, a duplicate is kept
 * @is_split: a .dwo or .dwp file
 * @budget: borrowed until the image goes
 *
 * Return: 0; -ENOENT if it has no debug information; -EIO or -ENOMEM.
 */
int dwarf_image_new(struct dwarf_image **out, int fd, bool is_split, struct debug_budget *budget);

/* dwarf_image_section() - borrowed; NULL if it has none that can be read. */
struct debug_section *dwarf_image_section(struct dwarf_image *image, enum dwarf_section which);

/* dwarf_image_rest() - forget what of the file is in memory; it is read again when needed. Accepts NULL. */
void dwarf_image_rest(struct dwarf_image *image);

/* dwarf_image_bytes() - memory held. */
size_t dwarf_image_bytes(const struct dwarf_image *image);

void dwarf_image_free(struct dwarf_image *image);
DEFINE_AUTO(dwarf_image);
