// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind_memory.h"

#include <errno.h>
#include <string.h>

#include "agent/extent_pool.h"
#include "agent/rule_dictionary.h"

/* The two sides number the ways alike, so that a rule is translated field by field. */
_Static_assert(ABI_CFA_NONE == (int)UNWIND_RULE_NONE && ABI_CFA_END == (int)UNWIND_RULE_END &&
		       ABI_CFA_REGISTER == (int)UNWIND_RULE_REGISTER &&
		       ABI_CFA_DEREF == (int)UNWIND_RULE_DEREF &&
		       ABI_CFA_INDEXED == (int)UNWIND_RULE_INDEXED &&
		       ABI_CFA_PLT == (int)UNWIND_RULE_PLT &&
		       ABI_CFA_SIGNAL == (int)UNWIND_RULE_SIGNAL &&
		       ABI_CFA_GO == (int)UNWIND_RULE_GO,
	       "same numbers");
_Static_assert(ABI_SAVED_SAME == (int)UNWIND_SAVED_SAME &&
		       ABI_SAVED_AT_CFA == (int)UNWIND_SAVED_AT_CFA &&
		       ABI_SAVED_REGISTER == (int)UNWIND_SAVED_REGISTER &&
		       ABI_SAVED_UNDEFINED == (int)UNWIND_SAVED_UNDEFINED &&
		       ABI_SAVED_AT_REGISTER == (int)UNWIND_SAVED_AT_REGISTER,
	       "same numbers");

_Static_assert(ABI_GO_REGISTER == (int)UNWIND_GO_REGISTER &&
		       ABI_GO_INTERRUPT == (int)UNWIND_GO_INTERRUPT &&
		       ABI_GO_SAVED == (int)UNWIND_GO_SAVED &&
		       ABI_GO_RESUME == (int)UNWIND_GO_RESUME && ABI_GO_CALL == (int)UNWIND_GO_CALL,
	       "same numbers");
/* DWARF's numbers of the registers that a compact rule can count from. */
enum {
	REGISTER_FP = 6,
	REGISTER_SP = 7,
};

struct unwind_memory {
	struct unwind_words words;
	struct extent_pool *extents;
	struct rule_dictionary *rules;
};

int unwind_memory_new(struct unwind_memory **out, const struct unwind_words *words,
		      struct abi_rule *rules)
{
	AUTO(unwind_memory) memory = calloc(1, sizeof(*memory));
	int err;

	if (!memory)
		return -ENOMEM;
	memory->words = *words;
	/* Word 0 is left out: no row has number 0, so that the one before the first is a row too. */
	err = extent_pool_new(&memory->extents, 1, words->count);
	if (!err)
		err = rule_dictionary_new(&memory->rules, rules, ABI_MAX_RULES);
	if (err)
		return err;
	*out = take(memory);
	return 0;
}

static struct abi_rule abi_rule_of(const struct unwind_rule *rule)
{
	return (struct abi_rule){
		.cfa = rule->cfa,
		.cfa_register = rule->cfa_register,
		.fp_saved = rule->fp_saved,
		.ra_saved = rule->ra_saved,
		.bx_saved = rule->bx_saved,
		.saved_base = rule->saved_base,
		.cfa_index = rule->cfa_index,
		.cfa_scale = rule->cfa_scale,
		.cfa_offset = rule->cfa_offset,
		.cfa_addend = rule->cfa_addend,
		.fp_offset = rule->fp_offset,
		.ra_offset = rule->ra_offset,
		.bx_offset = rule->bx_offset,
		.is_guess = rule->is_guess,
	};
}

/* In words of 8 bytes, below the return address, at a @cfa offset; 0: as it was, -1: not so. */
static int compact_place(uint8_t saved, int32_t offset)
{
	int64_t bytes = -8 - (int64_t)offset;

	if (saved == ABI_SAVED_SAME)
		return 0;
	if (saved != ABI_SAVED_AT_CFA || bytes % 8 || bytes <= 0 ||
	    bytes > ABI_COMPACT_SAVED_MASK * 8)
		return -1;
	return (int)(bytes / 8);
}

/* What stands in a row if the rule has the usual shape, else ABI_RULE_NONE. */
static uint32_t compact_rule_of(const struct abi_rule *rule)
{
	bool by_fp = rule->cfa_register == REGISTER_FP;
	int fp = compact_place(rule->fp_saved, rule->fp_offset);
	int bx = compact_place(rule->bx_saved, rule->bx_offset);

	if (rule->cfa != ABI_CFA_REGISTER || rule->is_guess ||
	    (!by_fp && rule->cfa_register != REGISTER_SP) || rule->cfa_offset % 8 ||
	    rule->cfa_offset < 0 || rule->cfa_offset > ABI_COMPACT_CFA_MASK * 8 ||
	    rule->ra_saved != ABI_SAVED_AT_CFA || rule->ra_offset != -8 || fp < 0 || bx < 0)
		return ABI_RULE_NONE;
	return ABI_COMPACT_RULE | (by_fp ? ABI_COMPACT_BY_FP : 0) |
	       (uint32_t)bx << ABI_COMPACT_BX_SHIFT | (uint32_t)fp << ABI_COMPACT_FP_SHIFT |
	       (uint32_t)rule->cfa_offset / 8;
}

/* Whether it is the number of a rule that the dictionary has. */
static bool is_held(uint32_t rule)
{
	return rule != ABI_RULE_NONE && !(rule & ABI_COMPACT_RULE);
}

static void release_rules(struct unwind_memory *memory, struct loaded_table *table)
{
	for (size_t i = 0; i < table->rule_count; i++) {
		if (is_held(table->rules[i]))
			rule_dictionary_release(memory->rules, table->rules[i]);
	}
	free(take(table->rules));
	table->rule_count = 0;
}

/* What rows say for the file's rules, into ret->rules. */
static int hold_rules(struct unwind_memory *memory, const struct unwind_table *table,
		      struct loaded_table *ret)
{
	ret->rules = calloc(table->rule_count + 1, sizeof(*ret->rules));
	if (!ret->rules)
		return -ENOMEM;
	for (size_t i = 0; i < table->rule_count; i++) {
		struct abi_rule rule = abi_rule_of(&table->rules[i]);
		uint32_t number = compact_rule_of(&rule);
		int err = 0;

		if (number == ABI_RULE_NONE && rule.cfa != ABI_CFA_NONE)
			err = rule_dictionary_hold(memory->rules, &rule, &number);
		if (err)
			return err;
		ret->rules[ret->rule_count++] = number;
	}
	return 0;
}

static void put_row(uint64_t *words, uint32_t number, uint64_t offset, uint32_t rule)
{
	uint64_t row = (offset & ((1U << ABI_ROW_OFFSET_BITS) - 1)) |
		       (uint64_t)rule << ABI_ROW_OFFSET_BITS;
	uint32_t shift = number % 2 * 32;

	words[number / 2] = (words[number / 2] & ~(0xffffffffULL << shift)) | row << shift;
}

/*
 * Into @words, which begin with the word place->pages: rows first, one that says "none" before
 * them, then the pages that lead to them. The file's pages run from that of its first row to that
 * of its last.
 */
static void pack(uint64_t *words, const struct unwind_table *table,
		 const struct loaded_table *loaded)
{
	const struct abi_unwind_table *place = &loaded->place;
	uint32_t base = place->pages * 2; /* number of the first row that @words could hold */
	uint32_t next_row = base + place->page_count * 2;
	size_t row = 0;

	put_row(words, next_row++ - base, 0, ABI_RULE_NONE);
	for (uint32_t i = 0; i < place->page_count; i++) {
		uint32_t first = next_row;

		for (; row < table->row_count &&
		       table->rows[row].offset >> place->page_shift == place->first_page + i;
		     row++)
			put_row(words, next_row++ - base, table->rows[row].offset,
				loaded->rules[table->rows[row].rule]);
		words[i] = first | (uint64_t)(next_row - first) << ABI_PAGE_COUNT_SHIFT;
	}
}

/* Into the memory, which is reached for this long. */
static int write_table(struct unwind_memory *memory, const struct unwind_table *table,
		       const struct loaded_table *loaded)
{
	uint64_t *words =
		memory->words.open(memory->words.context, loaded->first_word, loaded->word_count);

	if (!words)
		return -errno;
	pack(words, table, loaded);
	memory->words.close(memory->words.context, words, loaded->first_word, loaded->word_count);
	return 0;
}

/* Of the first @row_count rows. */
static uint64_t page_count_of(const struct unwind_table *table, size_t row_count, uint32_t shift)
{
	return (table->rows[row_count - 1].offset >> shift) - (table->rows[0].offset >> shift) + 1;
}

/* The finest pages that take a byte for each row at most. */
static uint32_t page_shift_of(const struct unwind_table *table, size_t row_count)
{
	uint32_t shift = ABI_PAGE_MIN_SHIFT;

	while (shift < ABI_PAGE_MAX_SHIFT &&
	       page_count_of(table, row_count, shift) * ABI_PAGE_MEAN_ROWS > row_count)
		shift++;
	return shift;
}

/* A word for each page and one for two rows, of which there is one more. */
static uint64_t words_of_rows(const struct unwind_table *table, size_t row_count)
{
	if (!row_count)
		return 0;
	return page_count_of(table, row_count, page_shift_of(table, row_count)) +
	       (row_count + 2) / 2;
}

static uint64_t word_count_of(const struct unwind_table *table)
{
	return words_of_rows(table, table->row_count);
}

void unwind_memory_fit(const struct unwind_memory *memory, struct unwind_table *table)
{
	size_t low = 1, high = table->row_count;

	/* As many rows as take no more than all words but the one that is left out. */
	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;

		if (words_of_rows(table, middle) < memory->words.count)
			low = middle;
		else
			high = middle - 1;
	}
	unwind_table_cut(table, low);
}

size_t unwind_memory_size_of(const struct unwind_table *table)
{
	return word_count_of(table) * sizeof(uint64_t);
}

void unwind_memory_unload(struct unwind_memory *memory, struct loaded_table *table)
{
	if (!table->rules)
		return;
	extent_pool_give(memory->extents, table->first_word, table->word_count);
	release_rules(memory, table);
	*table = (struct loaded_table){};
}

int unwind_memory_load(struct unwind_memory *memory, const struct unwind_table *table,
		       struct loaded_table *ret)
{
	struct loaded_table loaded = {};
	uint64_t words = word_count_of(table);
	int err;

	if (!words) {
		*ret = loaded;
		return 0;
	}
	if (words >= memory->words.count)
		return -E2BIG;
	loaded.place.page_shift = page_shift_of(table, table->row_count);
	loaded.place.first_page = (uint32_t)(table->rows[0].offset >> loaded.place.page_shift);
	loaded.place.page_count =
		(uint32_t)page_count_of(table, table->row_count, loaded.place.page_shift);
	err = hold_rules(memory, table, &loaded);
	if (!err && !extent_pool_take(memory->extents, (uint32_t)words, &loaded.first_word))
		err = -ENOSPC;
	if (err) {
		release_rules(memory, &loaded);
		return err;
	}
	loaded.word_count = (uint32_t)words;
	loaded.place.pages = loaded.first_word;
	err = write_table(memory, table, &loaded);
	if (err)
		unwind_memory_unload(memory, &loaded);
	else
		*ret = loaded;
	return err;
}

void unwind_memory_turn(struct unwind_memory *memory)
{
	extent_pool_turn(memory->extents);
	rule_dictionary_turn(memory->rules);
}

size_t unwind_memory_used_bytes(const struct unwind_memory *memory)
{
	return extent_pool_used(memory->extents) * sizeof(uint64_t);
}

size_t unwind_memory_resting_bytes(const struct unwind_memory *memory)
{
	return extent_pool_pending(memory->extents) * sizeof(uint64_t);
}

void unwind_memory_free(struct unwind_memory *memory)
{
	if (!memory)
		return;
	extent_pool_free(memory->extents);
	rule_dictionary_free(memory->rules);
	free(memory);
}
