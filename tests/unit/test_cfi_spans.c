// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_spans.h"
#include "tests/harness/test.h"
#include "tests/unit/cfi_fixture.h"

/* A source whose spans have one row, with the token for an offset. */
static int write_token(struct cfi_source *source, uint32_t token, uint64_t start, uint64_t end,
		       struct cfi_rows *rows)
{
	struct unwind_rule rule = { .cfa = UNWIND_RULE_REGISTER,
				    .cfa_register = 7,
				    .cfa_offset = (int32_t)token,
				    .ra_saved = UNWIND_SAVED_AT_CFA,
				    .ra_offset = -8 };

	return source && start < end ? cfi_rows_add(rows, start, &rule) : -EINVAL;
}

/* The rows of spans given as start, size, token and source, offsets from the code's. */
static const char *text_of_spans(const struct cfi_span *spans, size_t count)
{
	struct cfi_budget budget = { .max_bytes = 1 << 20 };
	struct cfi_source source = { .write = write_token };
	struct cfi_source *const sources[] = { &source, &source, &source };
	AUTO(unwind_table) table = NULL;
	AUTO(cfi_spans) list = NULL;
	AUTO(cfi_rows) rows = NULL;
	int err = cfi_spans_new(&list, &budget);

	if (!err)
		err = cfi_rows_new(&rows, 1000, &budget);
	for (size_t i = 0; !err && i < count; i++) {
		struct cfi_span span = spans[i];

		span.start += FIXTURE_CODE_OFFSET;
		err = cfi_spans_add(list, span);
	}
	if (!err)
		err = cfi_spans_write(list, sources, rows);
	if (!err)
		err = cfi_rows_finish(rows, &table);
	return err ? "error" : text_of(table);
}

#define TEXT(...)                                               \
	text_of_spans((const struct cfi_span[]){ __VA_ARGS__ }, \
		      sizeof((struct cfi_span[]){ __VA_ARGS__ }) / sizeof(struct cfi_span))

TEST(spans_come_in_any_order)
{
	CHECK_STR(TEXT({ 0x30, 0, 0x10, 3 }, { 0x10, 0, 0x10, 1 }, { 0x20, 0, 0x8, 2 },
		       { 0, 0, 0x10, 4 }),
		  "0 rsp+4; 10 rsp+1; 20 rsp+2; 28 none; 30 rsp+3; 40 none");
}

TEST(of_overlapping_spans_the_later_start_counts)
{
	CHECK_STR(TEXT({ 0, 0, 0x20, 1 }, { 0x10, 0, 0x20, 2 }), "0 rsp+1; 10 rsp+2; 30 none");
}

TEST(after_a_span_within_another_the_outer_one_counts_again)
{
	CHECK_STR(TEXT({ 0, 0, 0x100, 1 }, { 0x10, 0, 0x40, 2 }, { 0x20, 0, 0x10, 3 }),
		  "0 rsp+1; 10 rsp+2; 20 rsp+3; 30 rsp+2; 50 rsp+1; 100 none");
}

TEST(of_equal_starts_the_shorter_counts_then_the_first)
{
	CHECK_STR(TEXT({ 0, 0, 0x10, 1 }, { 0, 0, 0x20, 2 }, { 0, 0, 0x10, 3 }),
		  "0 rsp+1; 10 rsp+2; 20 none");
	CHECK_STR(TEXT({ 0, 0, 0x20, 2 }, { 0, 0, 0x10, 1 }, { 0, 0, 0x10, 3 }),
		  "0 rsp+1; 10 rsp+2; 20 none");
}

TEST(a_source_that_counts_less_fills_the_gaps)
{
	CHECK_STR(TEXT({ 0, 1, 0x100, 9 }, { 0x10, 0, 0x10, 1 }, { 0x18, 1, 0x20, 8 },
		       { 0x20, 2, 0x200, 7 }),
		  "0 rsp+9; 10 rsp+1; 20 rsp+8; 38 rsp+9; 100 rsp+7; 220 none");
}

TEST(spans_far_into_the_file)
{
	CHECK_STR(TEXT({ (1ULL << 40) - 0x3000, 0, 0x1000, 1 }, { 0, 0, UINT32_MAX, 2 }),
		  "0 rsp+2; ffffffff none; ffffffd000 rsp+1; ffffffe000 none");
}

/* Every byte by the slow way: the last span of those that hold it, in the order that is promised. */
static uint32_t token_at(const struct cfi_span *spans, size_t count, uint64_t at)
{
	const struct cfi_span *best = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct cfi_span *span = &spans[i];

		if (at < span->start || at - span->start >= span->size)
			continue;
		if (!best || span->source < best->source ||
		    (span->source == best->source &&
		     (span->start > best->start ||
		      (span->start == best->start && span->size < best->size))))
			best = span;
	}
	return best ? best->token : 0;
}

TEST(any_spans_are_as_the_slow_way_has_them)
{
	enum {
		SPANS = 12,
		PLACES = 64,
	};
	uint32_t random = 1;

	for (int round = 0; round < 3000; round++) {
		struct cfi_span spans[SPANS];
		uint32_t expected[PLACES], last = 0;
		char text[2048];
		size_t length = 0;

		for (size_t i = 0; i < SPANS; i++) {
			random = random * 1664525 + 1013904223;
			spans[i] = (struct cfi_span){ .start = random >> 27,
						      .source = random >> 9 & 1,
						      .size = (random >> 20 & 31) + 1,
						      .token = (uint32_t)i + 1 };
		}
		text[0] = '\0';
		for (uint64_t at = 0; at < PLACES; at++) {
			expected[at] = token_at(spans, SPANS, at);
			if (expected[at] == last)
				continue;
			last = expected[at];
			length +=
				(size_t)snprintf(text + length, sizeof(text) - length,
						 last ? "%s%llx rsp+%u" : "%s%llx none",
						 length ? "; " : "", (unsigned long long)at, last);
		}
		CHECK_STR(text_of_spans(spans, SPANS), text);
	}
}

TEST(spans_take_a_third_of_the_memory_at_most)
{
	struct cfi_budget budget = { .max_bytes = 3 * 10 * sizeof(struct cfi_span) };
	AUTO(cfi_spans) list = NULL;

	CHECK_EQ(cfi_spans_new(&list, &budget), 0);
	for (uint32_t i = 0; i < 10; i++)
		CHECK_EQ(cfi_spans_add(list, (struct cfi_span){ .start = i, .size = 1 }), 0);
	CHECK_EQ(cfi_spans_add(list, (struct cfi_span){ .start = 10, .size = 1 }), -E2BIG);
	CHECK_EQ(cfi_spans_count(list), 10);
}
