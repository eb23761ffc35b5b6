// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/code_frames.h"

#include <stdlib.h>

#include "symbolizer/code_flow.h"
#include "symbolizer/x86_format.h"

enum {
	ALIGNMENT = 16,              /* of functions: less in front of one is padding */
	MAX_BYTES = 4 * 1024 * 1024, /* in one piece: more takes too long */
};

struct code_frames {
	struct cfi_source source; /* first: the address of one is that of the other */
	const struct cfi_image *image;
	struct cfi_budget *budget;
	uint64_t entry; /* offset of the first instruction in the file, or UINT64_MAX */
};

static int write_span(struct cfi_source *source, uint32_t token, uint64_t start, uint64_t end,
		      struct cfi_rows *rows);

int code_frames_new(struct code_frames **out, const struct cfi_image *image,
		    struct cfi_budget *budget)
{
	struct code_frames *frames = calloc(1, sizeof(*frames));
	struct cfi_extent entry;

	if (!frames)
		return -ENOMEM;
	frames->source.write = write_span;
	frames->image = image;
	frames->budget = budget;
	frames->entry = UINT64_MAX;
	if (image->entry && cfi_image_find(image, image->entry, true, &entry))
		frames->entry = entry.offset;

	*out = frames;
	return 0;
}

int code_frames_add_spans(struct code_frames *frames, struct cfi_spans *spans, size_t number)
{
	int err = 0;

	for (size_t i = 0; !err && i < frames->image->segment_count; i++) {
		const struct cfi_extent *segment = &frames->image->segments[i];
		struct cfi_span span = { .start = segment->offset, .source = number };

		if (!segment->is_code)
			continue;
		span.size = segment->size < UINT32_MAX ? (uint32_t)segment->size : UINT32_MAX;
		err = cfi_spans_add(spans, span);
	}
	return err;
}

struct cfi_source *code_frames_source(struct code_frames *frames)
{
	return &frames->source;
}

static int write_rows(const struct code_flow *flow, const struct code_region *region,
		      struct cfi_rows *rows)
{
	const struct code_state *last = NULL;
	int err = 0;

	for (size_t offset = 0; !err && offset < region->size;) {
		const struct code_state *state = code_flow_find(flow, offset);
		struct x86_format format;
		struct unwind_rule rule;

		if (state && state != last) {
			code_state_rule(state, &rule);
			err = cfi_rows_add(rows, region->file_offset + offset, &rule);
		} else if (!state && last) {
			err = cfi_rows_end(rows, region->file_offset + offset);
		}
		last = state;
		offset += state && x86_format_read(&format, region->code + offset,
						   region->size - offset)
				  ? format.length
				  : 1;
	}
	return err;
}

/* Between functions there is mostly nothing. */
static bool is_all_padding(const struct code_region *region)
{
	struct x86_instruction instruction;
	size_t offset = 0;

	while (x86_instruction_read(&instruction, region->code + offset, region->size - offset) &&
	       instruction.kind == X86_PADDING)
		offset += instruction.length;
	return offset == region->size;
}

static int follow_code(struct code_frames *frames, const struct code_region *region,
		       struct cfi_rows *rows)
{
	AUTO(code_flow) flow = NULL;
	int err = code_flow_new(&flow, region, frames->budget);

	/* Described code counts more than what could be found out beyond it. */
	if (err == -E2BIG) {
		cfi_budget_lose(frames->budget, UNWIND_LOST_EFFORT);
		return 0;
	}
	return err ? err : write_rows(flow, region, rows);
}

/*
 * Assembler ends its CFI in the middle of a function, where a new thread could take it for its own: what
 * held up to there goes on. Code that is aligned, or begins with padding, is another function.
 */
static void set_before(struct code_region *region, const struct cfi_rows *rows)
{
	struct x86_instruction first;

	region->has_before =
		region->file_offset % ALIGNMENT &&
		x86_instruction_read(&first, region->code, region->size) &&
		first.kind != X86_PADDING &&
		code_state_of_rule(&region->before, cfi_rows_before(rows, region->file_offset));
}

static int read_code(struct code_frames *frames, uint8_t *code, uint64_t start, size_t size,
		     struct cfi_rows *rows)
{
	struct code_region region = { .code = code, .file_offset = start };
	int64_t got = cfi_read_file(frames->image->fd, code, size, start);

	if (got <= 0)
		return got < 0 ? (int)got : 0;
	region.size = (size_t)got;
	/* What the linker puts between sections. */
	while (region.size > 1 && !*region.code) {
		region.code++;
		region.file_offset++;
		region.size--;
	}
	region.entry = region.size;
	if (frames->entry - region.file_offset < region.size)
		region.entry = (size_t)(frames->entry - region.file_offset);
	if (is_all_padding(&region))
		return 0;
	set_before(&region, rows);
	return follow_code(frames, &region, rows);
}

static int write_span(struct cfi_source *source, uint32_t token, uint64_t start, uint64_t end,
		      struct cfi_rows *rows)
{
	struct code_frames *frames = (struct code_frames *)source;
	size_t size = (size_t)(end - start);
	uint8_t *code;
	int err;

	(void)token;
	if (size < ALIGNMENT && end % ALIGNMENT == 0)
		return 0;
	if (size > MAX_BYTES || cfi_budget_take(frames->budget, size)) {
		cfi_budget_lose(frames->budget, UNWIND_LOST_EFFORT);
		return 0;
	}
	code = malloc(size);
	err = code ? read_code(frames, code, start, size, rows) : -ENOMEM;
	free(code);
	cfi_budget_give(frames->budget, size);
	return err;
}

void code_frames_free(struct code_frames *frames)
{
	free(frames);
}
