// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/unwind_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbolizer/cfi_frames.h"
#include "symbolizer/code_frames.h"
#include "symbolizer/go_table.h"

enum {
	DEFAULT_MAX_ROWS = 16 * 1024 * 1024, /* as many as rule numbers have bits for */
	DEFAULT_MAX_BYTES = 64 * 1024 * 1024,
};

/* Sources by how much they count. Go's linker makes its .debug_frame of Go's table. */
enum source_number {
	SOURCE_GO,
	SOURCE_EH_FRAME,
	SOURCE_DEBUG_FRAME,
	SOURCE_CODE,
	SOURCE_COUNT,
};

/* One compilation. */
struct compiler {
	struct cfi_budget budget;
	struct cfi_image image;
	struct cfi_image debug_image;
	struct cfi_frames *frames[SOURCE_COUNT]; /* owned, NULL: the file has none */
	struct code_frames *code;
	struct go_table *go; /* owned, NULL: it is no Go program */
	struct cfi_source *sources[SOURCE_COUNT];
	struct cfi_spans *spans;
	struct cfi_rows *rows;
};

static void compiler_free(struct compiler *compiler)
{
	if (!compiler)
		return;
	cfi_rows_free(compiler->rows);
	cfi_spans_free(compiler->spans);
	for (size_t i = 0; i < SOURCE_COUNT; i++)
		cfi_frames_free(compiler->frames[i]);
	code_frames_free(compiler->code);
	go_table_free(compiler->go);
	free(compiler);
}
DEFINE_AUTO(compiler);

static int compiler_new(struct compiler **out, int fd, const struct unwind_options *options)
{
	AUTO(compiler) compiler = calloc(1, sizeof(*compiler));
	size_t max_rows = options->max_rows ? options->max_rows : DEFAULT_MAX_ROWS;
	int err;

	if (!compiler)
		return -ENOMEM;
	compiler->budget.max_bytes = options->max_bytes ? options->max_bytes : DEFAULT_MAX_BYTES;
	err = cfi_image_read(&compiler->image, fd);
	if (!err && options->debug_fd)
		err = cfi_image_read(&compiler->debug_image, *options->debug_fd);
	if (!err)
		err = cfi_spans_new(&compiler->spans, &compiler->budget);
	if (!err)
		err = cfi_rows_new(&compiler->rows, max_rows, &compiler->budget);
	if (err)
		return err;

	*out = take(compiler);
	return 0;
}

/* @section is taken. */
static int add_frames(struct compiler *compiler, struct cfi_section *section,
		      enum source_number number)
{
	struct cfi_frames **frames = &compiler->frames[number];
	int err = cfi_frames_new(frames, section, &compiler->image, &compiler->budget);

	if (err)
		return err;
	compiler->sources[number] = cfi_frames_source(*frames);
	err = cfi_frames_add_spans(*frames, compiler->spans, number);
	if (err != -E2BIG)
		return err;
	cfi_budget_lose(&compiler->budget, UNWIND_LOST_SIZE);
	return 0; /* with the functions that came first */
}

static int add_eh_frame(struct compiler *compiler)
{
	struct cfi_section *section;
	int err = cfi_section_new_eh_frame(&section, &compiler->image, &compiler->budget);

	if (err)
		return err == -ENOENT ? 0 : err;
	return add_frames(compiler, section, SOURCE_EH_FRAME);
}

static int add_debug_frame(struct compiler *compiler)
{
	struct cfi_section *section;
	int err = cfi_section_new_debug_frame(&section, &compiler->image, &compiler->budget);

	if (err == -ENOENT)
		err = cfi_section_new_debug_frame(&section, &compiler->debug_image,
						  &compiler->budget);
	if (err)
		return err == -ENOENT ? 0 : err;
	return add_frames(compiler, section, SOURCE_DEBUG_FRAME);
}

static int write_rows(struct compiler *compiler)
{
	int err = cfi_spans_write(compiler->spans, compiler->sources, compiler->rows);

	return err == -E2BIG ? cfi_rows_cut(compiler->rows) : err;
}

/* Executable segments hold more than code in files of old linkers. */
static void measure(const struct compiler *compiler, struct unwind_table *table)
{
	const struct cfi_image *image = &compiler->image;

	table->code_bytes = image->sections[CFI_SECTION_TEXT].size;
	if (!table->code_bytes) {
		for (size_t i = 0; i < image->segment_count; i++)
			table->code_bytes +=
				image->segments[i].is_code ? image->segments[i].size : 0;
	}
	for (size_t i = 0; i + 1 < table->row_count; i++) {
		const struct unwind_rule *rule = &table->rules[table->rows[i].rule];

		if (rule->cfa != UNWIND_RULE_NONE && !rule->is_guess)
			table->covered_bytes += table->rows[i + 1].offset - table->rows[i].offset;
	}
}

static int add_code(struct compiler *compiler)
{
	int err = code_frames_new(&compiler->code, &compiler->image, &compiler->budget);

	if (err)
		return err;
	compiler->sources[SOURCE_CODE] = code_frames_source(compiler->code);
	return code_frames_add_spans(compiler->code, compiler->spans, SOURCE_CODE);
}

static int add_go(struct compiler *compiler)
{
	int err = go_table_new(&compiler->go, &compiler->image, &compiler->budget);

	if (err)
		return err == -ENOENT ? 0 : err;
	compiler->sources[SOURCE_GO] = go_table_source(compiler->go);
	return go_table_add_spans(compiler->go, compiler->spans, SOURCE_GO);
}

int unwind_table_compile(struct unwind_table **out, int fd, const struct unwind_options *options)
{
	AUTO(unwind_table) table = NULL;
	AUTO(compiler) compiler = NULL;
	int err = compiler_new(&compiler, fd, options);

	if (!err)
		err = add_go(compiler);
	if (!err)
		err = add_eh_frame(compiler);
	if (!err)
		err = add_debug_frame(compiler);
	if (!err && options->follow_code)
		err = add_code(compiler);
	if (!err)
		err = write_rows(compiler);
	if (!err)
		err = cfi_rows_finish(compiler->rows, &table);
	if (err)
		return err;
	measure(compiler, table);
	table->entry_count = cfi_spans_count(compiler->spans);
	table->peak_bytes = compiler->budget.peak_bytes;
	memcpy(table->lost, compiler->budget.lost, sizeof(table->lost));

	*out = take(table);
	return 0;
}

/* Rule 0 is that nothing is known, in each table. */
void unwind_table_cut(struct unwind_table *table, size_t row_count)
{
	if (row_count >= table->row_count)
		return;
	table->row_count = row_count;
	table->rows[row_count - 1].rule = 0;
	table->lost[UNWIND_LOST_SIZE]++;
}

const struct unwind_rule *unwind_table_find(const struct unwind_table *table, uint64_t offset)
{
	size_t low = 0, high = table->row_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->rows[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &table->rules[table->rows[low - 1].rule] : NULL;
}

void unwind_table_free(struct unwind_table *table)
{
	if (!table)
		return;
	free(table->rows);
	free(table->rules);
	free(table);
}
