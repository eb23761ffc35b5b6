/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/base/cleanup.h"
#include "symbolizer/cfi_budget.h"
#include "symbolizer/cfi_image.h"
#include "symbolizer/cfi_spans.h"

/*
 * code_frames - a file's own code as a source of rows, where nothing describes its frames.
 *
 * For assembler that its author gave no CFI, what the linker adds (PLT, the code around main), the
 * dynamic loader's first instructions, and programs that were built without CFI.
 */
struct code_frames;

/*
 * code_frames_new() - a source of the code of @image.
 * @image: borrowed, like @budget
 *
 * Return: 0, -E2BIG or -ENOMEM.
 */
int code_frames_new(struct code_frames **out, const struct cfi_image *image,
		    struct cfi_budget *budget);

/* code_frames_add_spans() - add all code to @spans, as that of source @number. */
int code_frames_add_spans(struct code_frames *frames, struct cfi_spans *spans, size_t number);

/* code_frames_source() - its side that writes rows, borrowed. */
struct cfi_source *code_frames_source(struct code_frames *frames);

void code_frames_free(struct code_frames *frames);
DEFINE_AUTO(code_frames);
