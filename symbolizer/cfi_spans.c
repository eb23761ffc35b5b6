// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_spans.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_OPEN = 16,   /* spans within each other; the outermost of more is given up */
	BUDGET_PART = 3, /* of the memory, so that they can be sorted, and rows made of them */
};

struct cfi_spans {
	struct cfi_budget *budget;
	struct cfi_span *items;
	size_t count;
	size_t capacity;
};

int cfi_spans_new(struct cfi_spans **out, struct cfi_budget *budget)
{
	struct cfi_spans *spans = calloc(1, sizeof(*spans));

	if (!spans)
		return -ENOMEM;
	spans->budget = budget;

	*out = spans;
	return 0;
}

int cfi_spans_add(struct cfi_spans *spans, struct cfi_span span)
{
	int err;

	if (spans->count >= spans->budget->max_bytes / BUDGET_PART / sizeof(*spans->items))
		return -E2BIG;
	err = cfi_budget_grow(spans->budget, &spans->items, &spans->capacity, spans->count,
			      sizeof(*spans->items));
	if (!err)
		spans->items[spans->count++] = span;
	return err;
}

size_t cfi_spans_count(const struct cfi_spans *spans)
{
	return spans->count;
}

/* Whether @a comes before @b: that which counts where both start comes last. */
static bool comes_before(const struct cfi_span *a, const struct cfi_span *b)
{
	if (a->start != b->start)
		return a->start < b->start;
	if (a->size != b->size)
		return a->size > b->size;
	return a->token > b->token;
}

/* The end of the run of sorted spans that starts at @start. */
static size_t run_end(const struct cfi_spans *spans, size_t start)
{
	size_t end = start + 1;

	while (end < spans->count && !comes_before(&spans->items[end], &spans->items[end - 1]))
		end++;
	return end;
}

/* Merges the runs [start, middle) and [middle, end), with room for the first. */
static void merge_runs(struct cfi_span *items, size_t start, size_t middle, size_t end,
		       struct cfi_span *room)
{
	size_t left_count = middle - start, left = 0, right = middle, to = start;

	memcpy(room, items + start, left_count * sizeof(*items));
	while (left < left_count) {
		bool is_right = right < end && comes_before(&items[right], &room[left]);

		items[to++] = is_right ? items[right++] : room[left++];
	}
}

/* Linkers keep the functions nearly sorted: a few long runs, merged two by two. */
static int sort(struct cfi_spans *spans)
{
	size_t bytes = spans->count * sizeof(*spans->items);
	struct cfi_span *room;
	int err;

	if (!spans->count || run_end(spans, 0) == spans->count)
		return 0;
	err = cfi_budget_take(spans->budget, bytes);
	if (err)
		return err;
	room = malloc(bytes);
	if (!room)
		return -ENOMEM;
	while (run_end(spans, 0) < spans->count) {
		for (size_t start = 0, end; start < spans->count; start = end) {
			size_t middle = run_end(spans, start);

			end = middle < spans->count ? run_end(spans, middle) : middle;
			if (middle < end)
				merge_runs(spans->items, start, middle, end, room);
		}
	}
	free(room);
	cfi_budget_give(spans->budget, bytes);
	return 0;
}

/* The spans around a place. The last is the one that counts. */
struct open_spans {
	struct cfi_span items[MAX_OPEN];
	size_t count;
	uint64_t written; /* rows are complete up to this offset */
};

static uint64_t end_of(const struct cfi_span *span)
{
	return (uint64_t)span->start + span->size;
}

/* Writes the rows up to @until; spans that end on the way are open no more. */
static int write_until(struct open_spans *open, struct cfi_source *const *sources, uint64_t until,
		       struct cfi_rows *rows)
{
	while (open->count) {
		const struct cfi_span *span = &open->items[open->count - 1];
		uint64_t end = end_of(span) < until ? end_of(span) : until;
		int err = 0;

		if (open->written < end) {
			struct cfi_source *source = sources[span->source];

			err = source->write(source, span->token, open->written, end, rows);
			if (!err)
				err = cfi_rows_end(rows, end);
			open->written = end;
		}
		if (err)
			return err;
		if (end_of(span) > until)
			break;
		open->count--;
	}
	open->written = until;
	return 0;
}

/* Later starts go on top, below those of sources that count more. */
static void open_span(struct open_spans *open, const struct cfi_span *span,
		      struct cfi_budget *budget)
{
	size_t at;

	if (open->count == MAX_OPEN) {
		cfi_budget_lose(budget, UNWIND_LOST_EFFORT);
		open->count--;
		memmove(open->items, open->items + 1, open->count * sizeof(*open->items));
	}
	for (at = open->count; at && open->items[at - 1].source < span->source; at--)
		open->items[at] = open->items[at - 1];
	open->items[at] = *span;
	open->count++;
}

int cfi_spans_write(struct cfi_spans *spans, struct cfi_source *const *sources,
		    struct cfi_rows *rows)
{
	struct open_spans open = { .count = 0 };
	int err = sort(spans);

	for (size_t i = 0; !err && i < spans->count; i++) {
		err = write_until(&open, sources, spans->items[i].start, rows);
		open_span(&open, &spans->items[i], spans->budget);
	}
	if (!err)
		err = write_until(&open, sources, UINT64_MAX, rows);
	return err;
}

void cfi_spans_free(struct cfi_spans *spans)
{
	if (!spans)
		return;
	free(spans->items);
	free(spans);
}
