// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_frames.h"

#include <errno.h>

#include "symbolizer/cfi_entry.h"
#include "symbolizer/cfi_rule.h"

enum {
	CIE_BITS = 7,
	CIES = 1 << CIE_BITS, /* that are kept read; most files have fewer */
	MAX_ZEROS =
		4096, /* terminators after which nothing comes; there is one for each crt file */
};

struct cfi_frames {
	struct cfi_source source; /* first: the address of one is that of the other */
	struct cfi_section *section;
	const struct cfi_image *image;
	struct cfi_budget *budget;
	struct cfi_cie cies[CIES]; /* by a hash of their positions */
};

static int write_span(struct cfi_source *source, uint32_t token, uint64_t start, uint64_t end,
		      struct cfi_rows *rows);

int cfi_frames_new(struct cfi_frames **out, struct cfi_section *section,
		   const struct cfi_image *image, struct cfi_budget *budget)
{
	AUTO(cfi_section) owned = section;
	AUTO(cfi_frames) frames = NULL;
	int err = cfi_budget_take(budget, sizeof(*frames));

	if (err)
		return err;
	frames = calloc(1, sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	frames->source.write = write_span;
	frames->section = take(owned);
	frames->image = image;
	frames->budget = budget;
	for (size_t i = 0; i < CIES; i++)
		frames->cies[i].position = UINT64_MAX;

	*out = take(frames);
	return 0;
}

/* @ret_cie is borrowed until the next call. */
static int find_cie(struct cfi_frames *frames, uint64_t position, const struct cfi_cie **ret_cie)
{
	uint32_t hash = (uint32_t)position * 0x9e3779b1U >> (32 - CIE_BITS);
	struct cfi_cie *cie = &frames->cies[hash];

	*ret_cie = cie;
	if (cie->position == position)
		return 0;
	return cfi_cie_read(frames->section, position, cie);
}

/*
 * Return: 0; -ENODATA, and counted, if there is no function to be had from @entry; -EIO.
 */
static int read_function(struct cfi_frames *frames, const struct cfi_entry *entry,
			 const struct cfi_cie **ret_cie, struct cfi_function *ret_function)
{
	struct cfi_reader body;
	int err = find_cie(frames, entry->cie, ret_cie);

	if (err)
		return err;
	if (!(*ret_cie)->is_valid) {
		cfi_budget_lose(frames->budget, UNWIND_LOST_CIE);
		return -ENODATA;
	}
	err = cfi_section_get(frames->section, entry->body, entry->next - entry->body, &body);
	if (err)
		return err;
	if (!cfi_function_read(body, *ret_cie, ret_function)) {
		cfi_budget_lose(frames->budget, UNWIND_LOST_ENCODING);
		return -ENODATA;
	}
	return 0;
}

/* Linkers leave functions that they dropped at address 0, or outside of all code. */
static bool find_code(const struct cfi_frames *frames, const struct cfi_function *function,
		      struct cfi_extent *ret_code)
{
	if (!function->address || !cfi_image_find(frames->image, function->address, true, ret_code))
		return false;
	if (ret_code->size > function->size)
		ret_code->size = function->size;
	if (ret_code->size > UINT32_MAX)
		ret_code->size = UINT32_MAX;
	return true;
}

static int add_function(struct cfi_frames *frames, uint64_t position, const struct cfi_entry *entry,
			struct cfi_spans *spans, size_t number)
{
	const struct cfi_cie *cie;
	struct cfi_function function;
	struct cfi_extent code;
	struct cfi_span span;
	int err = read_function(frames, entry, &cie, &function);

	if (err)
		return err == -ENODATA ? 0 : err;
	if (!find_code(frames, &function, &code)) {
		cfi_budget_lose(frames->budget, UNWIND_LOST_OUTSIDE);
		return 0;
	}
	span = (struct cfi_span){
		.start = code.offset,
		.source = number,
		.size = (uint32_t)code.size,
		.token = (uint32_t)position,
	};
	return span.size ? cfi_spans_add(spans, span) : 0;
}

int cfi_frames_add_spans(struct cfi_frames *frames, struct cfi_spans *spans, size_t number)
{
	size_t zeros = cfi_section_ends_at_zero(frames->section) ? MAX_ZEROS : 0;
	uint64_t size = cfi_section_size(frames->section);
	struct cfi_entry entry;

	for (uint64_t position = 0; position < size; position = entry.next) {
		int err = cfi_entry_read(frames->section, position, &entry);

		if (!err && entry.kind == CFI_ENTRY_FUNCTION)
			err = add_function(frames, position, &entry, spans, number);
		if (err)
			return err;
		if (entry.kind == CFI_ENTRY_TOO_LONG)
			cfi_budget_lose(frames->budget, UNWIND_LOST_LENGTH);
		if (entry.kind == CFI_ENTRY_END) {
			cfi_budget_lose(frames->budget, UNWIND_LOST_ENTRY);
			return 0;
		}
		if (entry.kind == CFI_ENTRY_ZERO && ++zeros > MAX_ZEROS)
			return 0;
	}
	return 0;
}

struct part {
	uint64_t base;  /* offset of the function's first byte */
	uint64_t start; /* of the part, from there */
	uint64_t end;
};

/* From a place in a function on, the rule that its program has come to. */
static int write_row(struct cfi_frames *frames, const struct cfi_program *program, uint64_t offset,
		     struct cfi_rows *rows)
{
	struct unwind_rule rule;

	if (program->is_broken) {
		cfi_budget_lose(frames->budget, UNWIND_LOST_PROGRAM);
		return cfi_rows_end(rows, offset);
	}
	cfi_rule_make(&rule, &program->state, program->dialect->is_signal_frame, frames->budget);
	return cfi_rows_add(rows, offset, &rule);
}

/* Runs a function's program and keeps what it says of the part. */
static int write_rows(struct cfi_frames *frames, struct cfi_program *program,
		      const struct part *part, struct cfi_rows *rows)
{
	uint64_t address = program->location, from, to;
	bool goes_on;
	int err = 0;

	do {
		goes_on = cfi_program_run(program) && !program->is_broken;
		from = program->location - address;
		to = goes_on ? program->next - address : part->end;
		if (from < part->start)
			from = part->start;
		if (from < to && from < part->end)
			err = write_row(frames, program, part->base + from, rows);
	} while (!err && goes_on && to < part->end);
	return err;
}

static int write_span(struct cfi_source *source, uint32_t token, uint64_t start, uint64_t end,
		      struct cfi_rows *rows)
{
	struct cfi_frames *frames = (struct cfi_frames *)source;
	struct cfi_program program;
	const struct cfi_cie *cie;
	struct cfi_function function;
	struct cfi_entry entry;
	struct cfi_extent code;
	struct part part;
	int err = cfi_entry_read(frames->section, token, &entry);

	if (!err && entry.kind == CFI_ENTRY_FUNCTION)
		err = read_function(frames, &entry, &cie, &function);
	if (err || entry.kind != CFI_ENTRY_FUNCTION)
		return err == -ENODATA ? 0 : err;
	if (!find_code(frames, &function, &code))
		return 0;
	part = (struct part){ code.offset, start - code.offset, end - code.offset };
	cfi_program_start(&program, &cie->dialect, function.instructions, function.address);
	return write_rows(frames, &program, &part, rows);
}

struct cfi_source *cfi_frames_source(struct cfi_frames *frames)
{
	return &frames->source;
}

void cfi_frames_free(struct cfi_frames *frames)
{
	if (!frames)
		return;
	cfi_section_free(frames->section);
	free(frames);
}
