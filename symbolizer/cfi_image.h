/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * cfi_image - what an ELF file's headers say of its code and of where its frames are described.
 *
 * A value; it owns nothing. Every part that it names lies inside the file.
 */
enum {
	CFI_MAX_SEGMENTS = 32
};

/* The sections that matter here, found by name. */
enum cfi_section_name {
	CFI_SECTION_EH_FRAME,
	CFI_SECTION_DEBUG_FRAME,
	CFI_SECTION_TEXT,
	CFI_SECTION_GOT,
	CFI_SECTION_DEBUG_LINK,
	CFI_SECTION_GO_TABLE, /* by either of its names */
	CFI_SECTION_GO_BUILD, /* every Go program has it */
	CFI_SECTION_COUNT,
};

struct cfi_extent {
	uint64_t address; /* ELF virtual address of the first byte */
	uint64_t offset;  /* of the first byte in the file */
	uint64_t size;    /* bytes in the file; 0: there is no such part */
	bool is_code;     /* of a segment */
	bool is_data;     /* of a segment: writable */
	bool is_compressed;
	uint32_t number; /* of a section, in the table of sections */
};

struct cfi_image {
	int fd; /* borrowed */
	uint64_t file_size;
	uint64_t entry; /* address of the program's first instruction; 0: it has none */
	struct cfi_extent segments[CFI_MAX_SEGMENTS];
	size_t segment_count;
	struct cfi_extent eh_frame_hdr; /* PT_GNU_EH_FRAME */
	struct cfi_extent sections[CFI_SECTION_COUNT];
	bool has_sections; /* of any name */
};

/*
 * cfi_image_read() - read the headers of @fd.
 *
 * Return: 0; -ENOEXEC if it is no 64-bit x86 ELF file; -EIO; -ENOMEM.
 */
int cfi_image_read(struct cfi_image *image, int fd);

/*
 * cfi_image_find() - the rest of the segment that holds @address, from there on.
 * @only_code: look in executable segments only
 */
bool cfi_image_find(const struct cfi_image *image, uint64_t address, bool only_code,
		    struct cfi_extent *ret_rest);

/*
 * cfi_read_file() - up to @size bytes from @offset on.
 *
 * Return: the number of bytes, fewer at the end of the file only; or -EIO.
 */
int64_t cfi_read_file(int fd, void *out, size_t size, uint64_t offset);
