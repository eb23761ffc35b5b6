// SPDX-License-Identifier: Apache-2.0
/* Tables as the kernel side finds them: looked up here with plain loops, by the layout in abi.h. */
#include "agent/unwind_memory.h"

#include <errno.h>
#include <stdbool.h>

#include "tests/harness/test.h"

enum {
	WORDS = 64
};

static uint64_t words[WORDS];
static struct abi_rule rules[ABI_MAX_RULES];

static uint64_t *open_words(void *context, uint32_t first, uint32_t count)
{
	(void)context;
	return first + count <= WORDS ? words + first : NULL;
}

static void close_words(void *context, uint64_t *opened, uint32_t first, uint32_t count)
{
	(void)context;
	(void)opened;
	(void)first;
	(void)count;
}

static int new_memory(struct unwind_memory **out, uint32_t count)
{
	struct unwind_words access = { .count = count, .open = open_words, .close = close_words };

	return unwind_memory_new(out, &access, rules);
}

static uint32_t row_at(uint32_t number)
{
	return (uint32_t)(words[number / 2] >> (number % 2 * 32));
}

/* What the row says that holds at @offset, found without a search. */
static uint32_t found_at(const struct abi_unwind_table *table, uint64_t offset)
{
	uint32_t page = (uint32_t)(offset >> table->page_shift) - table->first_page;
	uint32_t first, count, last;

	if (page >= table->page_count)
		return ABI_RULE_NONE;
	first = (uint32_t)words[table->pages + page];
	count = (uint32_t)(words[table->pages + page] >> ABI_PAGE_COUNT_SHIFT);
	last = first - 1;
	for (uint32_t i = first; i < first + count; i++) {
		if ((row_at(i) & 0xffff) <= (offset & 0xffff))
			last = i;
	}
	return row_at(last) >> ABI_ROW_OFFSET_BITS;
}

/* The same where it is a rule of the dictionary. */
static const struct abi_rule *rule_at(const struct abi_unwind_table *table, uint64_t offset)
{
	return &rules[found_at(table, offset) % ABI_MAX_RULES];
}

/* rbp is lost in them, which no compact rule can say. */
static struct unwind_rule file_rules[] = {
	{ .cfa = UNWIND_RULE_NONE },
	{ .cfa = UNWIND_RULE_REGISTER,
	  .cfa_register = 7,
	  .cfa_offset = 8,
	  .fp_saved = UNWIND_SAVED_UNDEFINED,
	  .ra_saved = UNWIND_SAVED_AT_CFA,
	  .ra_offset = -8 },
	{ .cfa = UNWIND_RULE_REGISTER,
	  .cfa_register = 7,
	  .cfa_offset = 16,
	  .fp_saved = UNWIND_SAVED_UNDEFINED,
	  .ra_saved = UNWIND_SAVED_AT_CFA,
	  .ra_offset = -8 },
};

static struct unwind_row file_rows[] = {
	{ 0x1010, 1 },
	{ 0x1012, 2 },
	{ 0x1c00, 0 },
};

static const struct unwind_table table = {
	.rows = file_rows,
	.row_count = 3,
	.rules = file_rules,
	.rule_count = 3,
};

TEST(every_offset_has_the_rule_of_the_last_row_before_it)
{
	AUTO(unwind_memory) memory = NULL;
	struct loaded_table loaded;

	CHECK_EQ(new_memory(&memory, WORDS), 0);
	CHECK_EQ(unwind_memory_load(memory, &table, &loaded), 0);
	CHECK_EQ(rule_at(&loaded.place, 0xfff)->cfa, ABI_CFA_NONE);
	CHECK_EQ(rule_at(&loaded.place, 0x100f)->cfa, ABI_CFA_NONE);
	CHECK_EQ(rule_at(&loaded.place, 0x1010)->cfa_offset, 8);
	CHECK_EQ(rule_at(&loaded.place, 0x1011)->cfa_offset, 8);
	CHECK_EQ(rule_at(&loaded.place, 0x1012)->cfa_offset, 16);
	CHECK_EQ(rule_at(&loaded.place, 0x13ff)->cfa_offset, 16);
	CHECK_EQ(rule_at(&loaded.place, 0x1400)->cfa_offset, 16);
	CHECK_EQ(rule_at(&loaded.place, 0x1bff)->cfa_offset, 16);
	CHECK_EQ(rule_at(&loaded.place, 0x1c00)->cfa, ABI_CFA_NONE);
	CHECK_EQ(rule_at(&loaded.place, 0x2000)->cfa, ABI_CFA_NONE);
	CHECK_EQ(unwind_memory_used_bytes(memory), unwind_memory_size_of(&table));
	unwind_memory_unload(memory, &loaded);
}

/* ---- pages ----------------------------------------------------------------------------------- */
enum {
	MANY_WORDS = 16384,
	MANY_ROWS = 8192,
};

static uint64_t many_words[MANY_WORDS];

static uint64_t *open_many_words(void *context, uint32_t first, uint32_t count)
{
	(void)context;
	return first + count <= MANY_WORDS ? many_words + first : NULL;
}

/* Where a table of @count rows, one each @distance bytes, is put. */
static struct abi_unwind_table place_of(size_t count, uint64_t distance)
{
	static struct unwind_row rows[MANY_ROWS];
	struct unwind_words access = { .count = MANY_WORDS,
				       .open = open_many_words,
				       .close = close_words };
	struct unwind_table many = {
		.rows = rows, .row_count = count, .rules = file_rules, .rule_count = 3
	};
	AUTO(unwind_memory) memory = NULL;
	struct loaded_table loaded = {};
	struct abi_unwind_table place;

	for (size_t i = 0; i < count; i++)
		rows[i] = (struct unwind_row){ i * distance, 1 + i % 2 };
	if (unwind_memory_new(&memory, &access, rules) ||
	    unwind_memory_load(memory, &many, &loaded))
		return (struct abi_unwind_table){};
	place = loaded.place;
	unwind_memory_unload(memory, &loaded);
	return place;
}

TEST(pages_are_as_small_as_a_byte_of_index_for_each_row_allows)
{
	CHECK_EQ(place_of(MANY_ROWS, 1).page_shift, ABI_PAGE_MIN_SHIFT);
	CHECK_EQ(place_of(MANY_ROWS, 8).page_shift, 6);
	CHECK_EQ(place_of(MANY_ROWS, 9).page_shift, 7);
	CHECK_EQ(place_of(MANY_ROWS, 16).page_shift, 7);
	CHECK_EQ(place_of(MANY_ROWS, 1024).page_shift, 13);
	CHECK_EQ(place_of(MANY_ROWS, 1024).page_count, MANY_ROWS / 8);
	CHECK_EQ(place_of(MANY_ROWS, 1 << 20).page_shift, 0); /* there is no room for so many */
}

TEST(a_page_counts_its_rows_also_where_they_are_crowded)
{
	struct abi_unwind_table place = place_of(MANY_ROWS, 1);

	CHECK_EQ(place.page_count, MANY_ROWS >> ABI_PAGE_MIN_SHIFT);
	CHECK_EQ(many_words[place.pages] >> ABI_PAGE_COUNT_SHIFT, 64);
	CHECK_EQ(many_words[place.pages + 1] >> ABI_PAGE_COUNT_SHIFT, 64);
	CHECK_EQ((uint32_t)many_words[place.pages + 1], (uint32_t)many_words[place.pages] + 64);
}

TEST(pages_of_a_few_rows_far_apart_are_large)
{
	struct abi_unwind_table place = place_of(8, 1 << 20);

	CHECK_EQ(place.page_shift, ABI_PAGE_MAX_SHIFT);
	CHECK_EQ(place.page_count, (7 << 20 >> ABI_PAGE_MAX_SHIFT) + 1);
}

/* ---- compact rules --------------------------------------------------------------------------- */

/* What the rows of a file whose only rule is @rule say. */
static uint32_t row_of(struct unwind_rule rule)
{
	struct unwind_row row = { 0x1000, 0 };
	struct unwind_table one = { .rows = &row, .row_count = 1, .rules = &rule, .rule_count = 1 };
	AUTO(unwind_memory) memory = NULL;
	struct loaded_table loaded;
	uint32_t found;

	if (new_memory(&memory, WORDS) || unwind_memory_load(memory, &one, &loaded))
		return UINT32_MAX;
	found = found_at(&loaded.place, 0x1000);
	unwind_memory_unload(memory, &loaded);
	return found;
}

/* rsp + 8 at the entry of a function. */
static const struct unwind_rule at_entry = { .cfa = UNWIND_RULE_REGISTER,
					     .cfa_register = 7,
					     .cfa_offset = 8,
					     .ra_saved = UNWIND_SAVED_AT_CFA,
					     .ra_offset = -8 };

TEST(a_rule_of_the_usual_shape_stands_in_its_row)
{
	struct unwind_rule rule = at_entry;

	CHECK_EQ(row_of(rule), ABI_COMPACT_RULE | 1);
	rule.cfa_offset = 255 * 8;
	CHECK_EQ(row_of(rule), ABI_COMPACT_RULE | 255);
	rule.fp_saved = UNWIND_SAVED_AT_CFA;
	rule.fp_offset = -16;
	CHECK_EQ(row_of(rule), ABI_COMPACT_RULE | 1 << ABI_COMPACT_FP_SHIFT | 255);
	rule.bx_saved = UNWIND_SAVED_AT_CFA;
	rule.bx_offset = -64;
	CHECK_EQ(row_of(rule),
		 ABI_COMPACT_RULE | 7 << ABI_COMPACT_BX_SHIFT | 1 << ABI_COMPACT_FP_SHIFT | 255);
	rule.cfa_register = 6;
	CHECK_EQ(row_of(rule), ABI_COMPACT_RULE | ABI_COMPACT_BY_FP | 7 << ABI_COMPACT_BX_SHIFT |
				       1 << ABI_COMPACT_FP_SHIFT | 255);
}

/* Whether the rule got a number of the dictionary, unlike the usual ones. */
static bool is_numbered(struct unwind_rule rule)
{
	uint32_t found = row_of(rule);

	return found != ABI_RULE_NONE && found < ABI_MAX_RULES;
}

TEST(a_rule_that_differs_in_one_thing_has_a_number)
{
	struct unwind_rule rule[12];

	for (size_t i = 0; i < 12; i++)
		rule[i] = at_entry;
	rule[0].cfa = UNWIND_RULE_DEREF;
	rule[1].cfa_register = 10;
	rule[2].cfa_offset = 12;
	rule[3].cfa_offset = -8;
	rule[4].cfa_offset = 256 * 8;
	rule[5].ra_offset = -16;
	rule[6].ra_saved = UNWIND_SAVED_REGISTER;
	rule[7].fp_saved = UNWIND_SAVED_UNDEFINED;
	rule[8].fp_saved = UNWIND_SAVED_AT_CFA;
	rule[8].fp_offset = -8;
	rule[9].fp_saved = UNWIND_SAVED_AT_CFA;
	rule[9].fp_offset = -72;
	rule[10].bx_saved = UNWIND_SAVED_AT_CFA;
	rule[10].bx_offset = -20;
	rule[11].bx_saved = UNWIND_SAVED_AT_CFA;
	rule[11].bx_offset = INT32_MAX;
	for (size_t i = 0; i < 12; i++)
		CHECK(is_numbered(rule[i]));
}

TEST(a_full_memory_refuses_and_what_is_unloaded_comes_back_after_two_turns)
{
	AUTO(unwind_memory) memory = NULL;
	struct loaded_table loaded[WORDS], another;
	size_t count = 0;
	int err;

	CHECK_EQ(new_memory(&memory, WORDS), 0);
	while (!(err = unwind_memory_load(memory, &table, &loaded[count])))
		count++;
	CHECK_EQ(err, -ENOSPC);
	CHECK_EQ(count, (WORDS - 1) * 8 / unwind_memory_size_of(&table));
	unwind_memory_unload(memory, &loaded[0]);
	CHECK_EQ(unwind_memory_resting_bytes(memory), unwind_memory_size_of(&table));
	CHECK_EQ(unwind_memory_load(memory, &table, &another), -ENOSPC);
	unwind_memory_turn(memory);
	unwind_memory_turn(memory);
	CHECK_EQ(unwind_memory_load(memory, &table, &another), 0);
	for (size_t i = 1; i < count; i++)
		unwind_memory_unload(memory, &loaded[i]);
	unwind_memory_unload(memory, &another);
	CHECK_EQ(unwind_memory_used_bytes(memory), 0);
}

TEST(a_table_that_can_never_fit_says_so)
{
	AUTO(unwind_memory) memory = NULL;
	struct loaded_table loaded;

	CHECK_EQ(new_memory(&memory, 3), 0);
	CHECK_EQ(unwind_memory_load(memory, &table, &loaded), -E2BIG);
}

TEST(a_file_without_rows_takes_no_room)
{
	AUTO(unwind_memory) memory = NULL;
	struct unwind_table empty = {};
	struct loaded_table loaded;

	CHECK_EQ(new_memory(&memory, WORDS), 0);
	CHECK_EQ(unwind_memory_load(memory, &empty, &loaded), 0);
	CHECK_EQ(loaded.place.page_count, 0);
	CHECK_EQ(unwind_memory_used_bytes(memory), 0);
	unwind_memory_unload(memory, &loaded);
}

TEST(a_table_that_can_never_fit_is_cut_to_what_does)
{
	AUTO(unwind_memory) memory = NULL;
	struct unwind_row rows[] = {
		{ .offset = 0, .rule = 1 },    { .offset = 8, .rule = 2 },
		{ .offset = 16, .rule = 1 },   { .offset = 24, .rule = 2 },
		{ .offset = 5000, .rule = 1 }, { .offset = 6000, .rule = 2 },
	};
	struct unwind_table large = table;
	struct loaded_table loaded;

	large.rows = rows;
	large.row_count = sizeof(rows) / sizeof(*rows);
	/* One page and three words of rows for the first five; the sixth needs a word more. */
	CHECK_EQ(new_memory(&memory, 1 + 4), 0);
	CHECK_EQ(unwind_memory_load(memory, &large, &loaded), -E2BIG);
	unwind_memory_fit(memory, &large);
	CHECK_EQ(large.row_count, 5);
	CHECK_EQ(large.rows[4].rule, 0);
	CHECK_EQ(large.lost[UNWIND_LOST_SIZE], 1);
	CHECK_EQ(unwind_memory_load(memory, &large, &loaded), 0);
	CHECK_EQ(loaded.word_count, 4);
	unwind_memory_unload(memory, &loaded);
	/* What fits stays as it is. */
	unwind_memory_fit(memory, &large);
	CHECK_EQ(large.row_count, 5);
	CHECK_EQ(large.lost[UNWIND_LOST_SIZE], 1);
}
