/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/cfi_budget.h"
#include "symbolizer/cfi_image.h"
#include "symbolizer/cfi_reader.h"

/*
 * cfi_section - the bytes of an .eh_frame or a .debug_frame, some at a time.
 *
 * Keeps a few pieces of the file in memory, so that reading along several places at once, as the
 * functions of a linked program come, reads each byte of the file about once. Positions
 * count from the start of the section.
 */
struct cfi_section;

/*
 * cfi_section_new_eh_frame() - the .eh_frame, by the section headers or by PT_GNU_EH_FRAME.
 * @image, @budget: borrowed until the section goes
 *
 * Return: 0, -ENOENT if there is none, -E2BIG, -EIO or -ENOMEM.
 */
int cfi_section_new_eh_frame(struct cfi_section **out, const struct cfi_image *image,
			     struct cfi_budget *budget);

/* cfi_section_new_debug_frame() - the same for .debug_frame, which may be compressed. */
int cfi_section_new_debug_frame(struct cfi_section **out, const struct cfi_image *image,
				struct cfi_budget *budget);

bool cfi_section_is_debug(const struct cfi_section *section);

/* cfi_section_size() - bytes; if it was found through PT_GNU_EH_FRAME, at most so many. */
uint64_t cfi_section_size(const struct cfi_section *section);

/* cfi_section_ends_at_zero() - whether other things follow the terminator. */
bool cfi_section_ends_at_zero(const struct cfi_section *section);

/* cfi_section_bases() - what its pointers may be relative to, borrowed. */
const struct cfi_bases *cfi_section_bases(const struct cfi_section *section);

/* The longest run of bytes that can be had at once. */
enum {
	CFI_MAX_BLOCK = 64 * 1024
};

/*
 * cfi_section_get() - @size bytes at @position, borrowed until the next call.
 *
 * Return: 0, -ENODATA if they are not all there or it would be too much effort, or -EIO.
 */
int cfi_section_get(struct cfi_section *section, uint64_t position, uint64_t size,
		    struct cfi_reader *ret_reader);

void cfi_section_free(struct cfi_section *section);
DEFINE_AUTO(cfi_section);
