// SPDX-License-Identifier: Apache-2.0
/*
 * Code that has CFI, followed as if it had none: what comes out must be what the CFI says.
 *
 * Not always: of code that only a table of jumps or an exception reaches the instructions tell less.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>

#include "symbolizer/code_frames.h"
#include "symbolizer/unwind_table.h"
#include "symbolizer/x86_instruction.h"
#include "tests/harness/test.h"

struct counts {
	size_t equal;
	size_t different;
	size_t unknown; /* to the code, where the CFI has a rule */
};

/* The table of @image from its code alone. */
static int follow_code(const struct cfi_image *image, struct unwind_table **ret_table)
{
	struct cfi_budget budget = { .max_bytes = 512 << 20 };
	struct cfi_source *sources[1];
	AUTO(cfi_spans) spans = NULL;
	AUTO(cfi_rows) rows = NULL;
	AUTO(code_frames) frames = NULL;
	int err = cfi_spans_new(&spans, &budget);

	if (!err)
		err = cfi_rows_new(&rows, 1 << 24, &budget);
	if (!err)
		err = code_frames_new(&frames, image, &budget);
	if (!err)
		err = code_frames_add_spans(frames, spans, 0);
	if (err)
		return err;
	sources[0] = code_frames_source(frames);
	err = cfi_spans_write(spans, sources, rows);
	return err ? err : cfi_rows_finish(rows, ret_table);
}

static void compare(const struct unwind_rule *cfi, const struct unwind_rule *code,
		    struct counts *counts)
{
	if (!cfi || cfi->cfa != UNWIND_RULE_REGISTER)
		return;
	if (!code || code->cfa == UNWIND_RULE_NONE)
		counts->unknown++;
	else if (code->cfa != cfi->cfa || code->cfa_register != cfi->cfa_register)
		return; /* rbp or rsp: both may be right */
	else if (code->cfa_offset == cfi->cfa_offset)
		counts->equal++;
	else
		counts->different++;
}

static void compare_segment(const struct cfi_extent *segment, const uint8_t *bytes,
			    const struct unwind_table *cfi, const struct unwind_table *code,
			    struct counts *counts)
{
	struct x86_instruction instruction;

	for (size_t at = 0; at < segment->size; at += instruction.length) {
		if (!x86_instruction_read(&instruction, bytes + at, segment->size - at))
			instruction = (struct x86_instruction){ .length = 1, .kind = X86_PADDING };
		if (instruction.kind != X86_PADDING)
			compare(unwind_table_find(cfi, segment->offset + at),
				unwind_table_find(code, segment->offset + at), counts);
	}
}

static bool agrees(const char *path, size_t per_mille)
{
	static const struct unwind_options defaults;
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(unwind_table) cfi = NULL;
	AUTO(unwind_table) code = NULL;
	struct counts counts = { 0 };
	struct cfi_image image;

	if (fd < 0 || unwind_table_compile(&cfi, fd, &defaults) || cfi_image_read(&image, fd) ||
	    follow_code(&image, &code))
		return false;
	for (size_t i = 0; i < image.segment_count; i++) {
		const struct cfi_extent *segment = &image.segments[i];
		uint8_t *bytes = segment->is_code ? malloc(segment->size) : NULL;

		if (bytes && cfi_read_file(fd, bytes, segment->size, segment->offset) ==
				     (int64_t)segment->size)
			compare_segment(segment, bytes, cfi, code, &counts);
		free(bytes);
	}
	printf("# %s: %zu instructions as CFI says, %zu different, %zu unknown\n", path,
	       counts.equal, counts.different, counts.unknown);
	return counts.different * 1000 <= counts.equal * per_mille &&
	       counts.unknown * 20 <= counts.equal;
}

/* Whether of the instructions in all files of a pattern no more than @per_mille are taken for others. */
static bool all_agree(const char *pattern, size_t per_mille)
{
	bool is_good = true;
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return true;
	for (size_t i = 0; i < found.gl_pathc; i++)
		is_good &= agrees(found.gl_pathv[i], per_mille);
	globfree(&found);
	return is_good;
}

TEST(code_of_libc_tells_what_its_cfi_does)
{
	CHECK(all_agree("/usr/lib*/x86_64-linux-gnu/libc.so.6", 2));
	CHECK(all_agree("/usr/lib64/libc.so.6", 2));
}

TEST(assembler_of_libcrypto_tells_what_its_cfi_does)
{
	CHECK(all_agree("/usr/lib/x86_64-linux-gnu/libcrypto.so.3", 2));
	CHECK(all_agree("/usr/lib64/libcrypto.so.3", 2));
}

/* In perl, calls that do not return stand in the middle of functions, with arguments on the stack. */
TEST(code_of_programs_tells_what_their_cfi_does)
{
	CHECK(all_agree("/usr/bin/perl", 15));
	CHECK(all_agree("/usr/bin/bash", 2));
	CHECK(all_agree("/usr/bin/python3", 2));
}
