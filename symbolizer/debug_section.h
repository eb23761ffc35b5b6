/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/elf_file.h"

/*
 * debug_section - the bytes of one section of debug information, a window at a time.
 *
 * Sections of some hundred MB are common, so they are read in pages of which a few are kept;
 * small compressed ones are inflated whole, large ones from notes on the way (zlib_stream.h).
 * Stored, zlib (gABI and the older .zdebug form) and zstd. What is damaged or missing reads as the end.
 */
struct debug_section;

/* What one question about a file may cost. A value, shared by all that answer it. */
struct debug_budget {
	uint64_t effort; /* steps left, of some 10 ns each */
	size_t bytes;    /* memory left for whole sections */
};

/* debug_budget_spend() - false if that is too much; from then on everything reads as the end. */
static inline bool debug_budget_spend(struct debug_budget *budget, uint64_t steps)
{
	if (steps > budget->effort) {
		budget->effort = 0;
		return false;
	}
	budget->effort -= steps;
	return true;
}

/*
 * debug_section_new() - the section with that header.
 * @file, @fd: borrowed, the latter until the section goes
 * @budget: borrowed until the section goes
 *
 * Return: 0, -EBADMSG if it is compressed in a way that is not understood or absurd, or -ENOMEM.
 */
int debug_section_new(struct debug_section **out, int fd, const struct elf_file *file,
		      const struct elf_section *header, struct debug_budget *budget);

/* debug_section_size() - bytes, inflated. */
uint64_t debug_section_size(const struct debug_section *section);

/*
 * debug_section_window() - the bytes from @position on, as many as are at hand, at least one.
 * @ret_at: borrowed until the next call on this section
 *
 * Return: false at and beyond the end, or where nothing can be read.
 */
bool debug_section_window(struct debug_section *section, uint64_t position, const uint8_t **ret_at,
			  size_t *ret_size);

/* debug_section_bytes() - memory held. */
size_t debug_section_bytes(const struct debug_section *section);

void debug_section_free(struct debug_section *section);
DEFINE_AUTO(debug_section);
