/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "agent/base/cleanup.h"
#include "symbolizer/cfi_budget.h"
#include "symbolizer/cfi_image.h"
#include "symbolizer/cfi_section.h"
#include "symbolizer/cfi_spans.h"

/*
 * cfi_frames - an .eh_frame or .debug_frame as a source of rows.
 */
struct cfi_frames;

/*
 * cfi_frames_new() - a source of the functions in @section.
 * @section: taken, also on failure
 * @image: of the file that the code is in; borrowed, like @budget
 *
 * Return: 0, -E2BIG or -ENOMEM.
 */
int cfi_frames_new(struct cfi_frames **out, struct cfi_section *section,
		   const struct cfi_image *image, struct cfi_budget *budget);

/* cfi_frames_add_spans() - add all functions to @spans, as those of source @number. */
int cfi_frames_add_spans(struct cfi_frames *frames, struct cfi_spans *spans, size_t number);

/* cfi_frames_source() - its side that writes rows, borrowed. */
struct cfi_source *cfi_frames_source(struct cfi_frames *frames);

void cfi_frames_free(struct cfi_frames *frames);
DEFINE_AUTO(cfi_frames);
