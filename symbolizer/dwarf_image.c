// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum {
	NAME_BYTES = 64
};

static const char *const names[DWARF_SECTION_COUNT] = {
	[DWARF_SECTION_INFO] = "info",         [DWARF_SECTION_ABBREV] = "abbrev",
	[DWARF_SECTION_LINE] = "line",         [DWARF_SECTION_STR] = "str",
	[DWARF_SECTION_LINE_STR] = "line_str", [DWARF_SECTION_STR_OFFSETS] = "str_offsets",
	[DWARF_SECTION_ADDR] = "addr",         [DWARF_SECTION_RANGES] = "ranges",
	[DWARF_SECTION_RNGLISTS] = "rnglists", [DWARF_SECTION_ARANGES] = "aranges",
	[DWARF_SECTION_CU_INDEX] = "cu_index",
};

/* Under the name of today, and under that of compressed sections before SHF_COMPRESSED. */
static const struct elf_section *find(const struct dwarf_image *image, enum dwarf_section which)
{
	/* The index of a package is the only section in it that is not called .dwo. */
	const char *suffix = image->is_split && which != DWARF_SECTION_CU_INDEX ? ".dwo" : "";
	const struct elf_section *section;
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), ".debug_%s%s", names[which], suffix);
	section = elf_file_find_section(image->file, name);
	if (section)
		return section;
	snprintf(name, sizeof(name), ".zdebug_%s%s", names[which], suffix);
	return elf_file_find_section(image->file, name);
}

int dwarf_image_new(struct dwarf_image **out, int fd, bool is_split, struct debug_budget *budget)
{
	AUTO(dwarf_image) image = calloc(1, sizeof(*image));
	int err;

	if (!image)
		return -ENOMEM;
	image->is_split = is_split;
	image->budget = budget;
	image->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (image->fd < 0)
		return -EIO;
	err = elf_file_new(&image->file, image->fd);
	if (err)
		return err;
	if (!find(image, DWARF_SECTION_INFO))
		return -ENOENT;

	*out = take(image);
	return 0;
}

struct debug_section *dwarf_image_section(struct dwarf_image *image, enum dwarf_section which)
{
	const struct elf_section *header;

	if (image->was_looked_for[which])
		return image->sections[which];
	image->was_looked_for[which] = true;
	header = find(image, which);
	if (header)
		debug_section_new(&image->sections[which], image->fd, image->file, header,
				  image->budget);
	return image->sections[which];
}

void dwarf_image_rest(struct dwarf_image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < DWARF_SECTION_COUNT; i++) {
		debug_section_free(image->sections[i]);
		image->sections[i] = NULL;
		image->was_looked_for[i] = false;
	}
}

size_t dwarf_image_bytes(const struct dwarf_image *image)
{
	size_t bytes = sizeof(*image) + elf_file_bytes(image->file);

	for (size_t i = 0; i < DWARF_SECTION_COUNT; i++)
		bytes += image->sections[i] ? debug_section_bytes(image->sections[i]) : 0;
	return bytes;
}

void dwarf_image_free(struct dwarf_image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < DWARF_SECTION_COUNT; i++)
		debug_section_free(image->sections[i]);
	elf_file_free(image->file);
	if (image->fd >= 0)
		close(image->fd);
	free(image);
}
