/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/cfi_budget.h"
#include "symbolizer/cfi_rows.h"

/*
 * cfi_spans - which source has something to say of which part of a file.
 *
 * Several sources may describe the functions of one file: .eh_frame, .debug_frame, the tables of
 * Go. Each adds its functions as spans, in any order; then the rows of each span are asked for,
 * in the order of the file. Where spans overlap, that of the source with the lower number
 * counts, of one source that which starts last, and of equal starts the shorter, then that added
 * first; what lies around it counts again after its end.
 */
struct cfi_spans;

struct cfi_span {
	uint64_t start : 40; /* offset in the file */
	uint64_t source : 24;
	uint32_t size;  /* bytes */
	uint32_t token; /* the source's own name of it */
};
_Static_assert(sizeof(struct cfi_span) == 16, "there are hundreds of thousands of them");

/* A source embeds it. */
struct cfi_source {
	/*
	 * Adds the rows of a span from @start to @end, which is a part of it, and nothing
	 * beyond. Return: 0, or an error that ends the compilation.
	 */
	int (*write)(struct cfi_source *source, uint32_t token, uint64_t start, uint64_t end,
		     struct cfi_rows *rows);
};

/* cfi_spans_new() - none yet; @budget is borrowed. Return: 0 or -ENOMEM. */
int cfi_spans_new(struct cfi_spans **out, struct cfi_budget *budget);

/* cfi_spans_add() - Return: 0; -E2BIG beyond a third of the memory; or -ENOMEM. */
int cfi_spans_add(struct cfi_spans *spans, struct cfi_span span);

size_t cfi_spans_count(const struct cfi_spans *spans);

/*
 * cfi_spans_write() - have the sources write all rows.
 * @sources: by the number that the spans have
 */
int cfi_spans_write(struct cfi_spans *spans, struct cfi_source *const *sources,
		    struct cfi_rows *rows);

void cfi_spans_free(struct cfi_spans *spans);
DEFINE_AUTO(cfi_spans);
