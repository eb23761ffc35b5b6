// SPDX-License-Identifier: Apache-2.0
/* Tables as the kernel side finds them: looked up here with plain loops, by the layout in abi.h. */
#include "agent/unwind_memory.h"

#include <errno.h>

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

/* The rule at @offset, found without a search. */
static const struct abi_rule *rule_at(const struct abi_unwind_table *table, uint64_t offset)
{
	uint32_t page = (uint32_t)(offset >> ABI_PAGE_SHIFT) - table->first_page;
	uint32_t first, count, last;

	if (page >= table->page_count)
		return &rules[ABI_RULE_NONE];
	first = (uint32_t)words[table->pages + page];
	count = words[table->pages + page] >> ABI_PAGE_COUNT_SHIFT & 0xffff;
	last = first - 1;
	for (uint32_t i = first; i < first + count; i++) {
		if ((row_at(i) & 0xffff) <= (offset & 0xffff))
			last = i;
	}
	return &rules[row_at(last) >> ABI_ROW_OFFSET_BITS];
}

static struct unwind_rule file_rules[] = {
	{ .cfa = UNWIND_RULE_NONE },
	{ .cfa = UNWIND_RULE_REGISTER, .cfa_register = 7, .cfa_offset = 8, .ra_offset = -8 },
	{ .cfa = UNWIND_RULE_REGISTER, .cfa_register = 7, .cfa_offset = 16, .ra_offset = -8 },
};

/* Two rows in one page, none in the next two, one in the last. */
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
	CHECK_EQ(loaded.place.page_count, 4);
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

TEST(a_page_tells_how_many_steps_a_search_in_it_takes)
{
	AUTO(unwind_memory) memory = NULL;
	struct loaded_table loaded;

	CHECK_EQ(new_memory(&memory, WORDS), 0);
	CHECK_EQ(unwind_memory_load(memory, &table, &loaded), 0);
	CHECK_EQ(words[loaded.place.pages] >> ABI_PAGE_STEPS_SHIFT, 2);
	CHECK_EQ(words[loaded.place.pages + 1] >> ABI_PAGE_STEPS_SHIFT, 0);
	CHECK_EQ(words[loaded.place.pages + 3] >> ABI_PAGE_STEPS_SHIFT, 1);
	unwind_memory_unload(memory, &loaded);
}

TEST(a_full_memory_refuses_and_what_is_unloaded_comes_back_after_two_turns)
{
	AUTO(unwind_memory) memory = NULL;
	struct loaded_table loaded[16], another;
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

	CHECK_EQ(new_memory(&memory, 4), 0);
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
	/* One page and three words of rows for the first four; the next one needs four pages more. */
	CHECK_EQ(new_memory(&memory, 1 + 4), 0);
	CHECK_EQ(unwind_memory_load(memory, &large, &loaded), -E2BIG);
	unwind_memory_fit(memory, &large);
	CHECK_EQ(large.row_count, 4);
	CHECK_EQ(large.rows[3].rule, 0);
	CHECK_EQ(large.lost[UNWIND_LOST_SIZE], 1);
	CHECK_EQ(unwind_memory_load(memory, &large, &loaded), 0);
	CHECK_EQ(loaded.word_count, 4);
	unwind_memory_unload(memory, &loaded);
	/* What fits stays as it is. */
	unwind_memory_fit(memory, &large);
	CHECK_EQ(large.row_count, 4);
	CHECK_EQ(large.lost[UNWIND_LOST_SIZE], 1);
}
