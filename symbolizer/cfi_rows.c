// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_rows.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/intern.h"

enum {
	RECENT_BITS = 10,
	RECENT_RULES = 1 << RECENT_BITS,
	MAX_RULES = 32 * 1024,            /* the largest real files have 800 */
	MAX_RULE_BYTES = 4 * 1024 * 1024, /* that many, with their indexes */
};

static const struct unwind_rule none = { .cfa = UNWIND_RULE_NONE };

enum {
	NONE_NUMBER = 0
};

/* A rule that came lately, and its number: the same ones come again and again. */
struct recent {
	struct unwind_rule rule;
	uint32_t number;
};

struct cfi_rows {
	struct cfi_budget *budget;
	struct unwind_row *items;
	size_t count;
	size_t capacity;
	size_t max_rows;
	struct intern *rules;
	struct recent recent[RECENT_RULES]; /* by slot_of(); first all rule 0 */
};

int cfi_rows_new(struct cfi_rows **out, size_t max_rows, struct cfi_budget *budget)
{
	AUTO(cfi_rows) rows = calloc(1, sizeof(*rows));
	uint32_t number;
	int err;

	if (!rows)
		return -ENOMEM;
	rows->budget = budget;
	rows->max_rows = max_rows;
	err = intern_new(&rows->rules, MAX_RULE_BYTES);
	if (!err)
		err = intern_add(rows->rules, &none, sizeof(none), &number);
	if (!err)
		err = cfi_budget_take(budget, intern_bytes(rows->rules));
	if (err)
		return err;

	*out = take(rows);
	return 0;
}

static size_t slot_of(const struct unwind_rule *rule)
{
	uint32_t mix = (uint32_t)rule->cfa_offset + (uint32_t)rule->cfa_register * 31 +
		       (uint32_t)rule->fp_saved * 961 + (uint32_t)rule->fp_offset * 257 +
		       (uint32_t)rule->bx_offset * 4099 + (uint32_t)rule->ra_offset;

	return mix * 0x9e3779b1U >> (32 - RECENT_BITS);
}

static int number_of(struct cfi_rows *rows, const struct unwind_rule *rule, uint32_t *ret_number)
{
	size_t before = intern_bytes(rows->rules);
	int err = -ENOSPC;

	if (intern_count(rows->rules) < MAX_RULES)
		err = intern_add(rows->rules, rule, sizeof(*rule), ret_number);
	else if (!intern_find(rows->rules, rule, sizeof(*rule), ret_number))
		return 0;
	if (err == -ENOSPC) {
		cfi_budget_lose(rows->budget, UNWIND_LOST_RULES);
		*ret_number = NONE_NUMBER;
		return 0;
	}
	if (!err)
		err = cfi_budget_take(rows->budget, intern_bytes(rows->rules) - before);
	return err;
}

int cfi_rows_add(struct cfi_rows *rows, uint64_t offset, const struct unwind_rule *rule)
{
	struct recent *recent = &rows->recent[slot_of(rule)];
	uint32_t number;
	int err;

	if (memcmp(&recent->rule, rule, sizeof(*rule)) != 0) {
		err = number_of(rows, rule, &number);
		if (err)
			return err;
		*recent = (struct recent){ *rule, number };
	}
	number = recent->number;
	if (rows->count && rows->items[rows->count - 1].offset == offset)
		rows->count--;
	if (rows->count && rows->items[rows->count - 1].rule == number)
		return 0;
	if (rows->count == rows->max_rows)
		return -E2BIG;
	err = cfi_budget_grow(rows->budget, &rows->items, &rows->capacity, rows->count,
			      sizeof(*rows->items));
	if (!err)
		rows->items[rows->count++] =
			(struct unwind_row){ .offset = offset, .rule = number };
	return err;
}

int cfi_rows_cut(struct cfi_rows *rows)
{
	size_t rule_bytes = intern_count(rows->rules) * sizeof(struct unwind_rule);
	size_t room = rows->budget->max_bytes - rows->budget->bytes;
	size_t too_many = 0;
	struct unwind_row *fit;

	/* The rules get a place of their own yet, where the last rows are now. */
	if (rule_bytes > room)
		too_many = (rule_bytes - room) / sizeof(*rows->items) + 1;
	if (too_many >= rows->count)
		return -E2BIG;
	cfi_budget_lose(rows->budget, UNWIND_LOST_SIZE);
	rows->count -= too_many;
	rows->items[rows->count - 1].rule = NONE_NUMBER;
	cfi_budget_give(rows->budget, (rows->capacity - rows->count) * sizeof(*rows->items));
	rows->capacity = rows->count;
	fit = realloc(rows->items, rows->count * sizeof(*fit));
	if (fit)
		rows->items = fit;
	return 0;
}

int cfi_rows_end(struct cfi_rows *rows, uint64_t offset)
{
	return cfi_rows_add(rows, offset, &none);
}

const struct unwind_rule *cfi_rows_before(const struct cfi_rows *rows, uint64_t offset)
{
	size_t count = rows->count;

	while (count && rows->items[count - 1].offset >= offset)
		count--;
	if (!count)
		return &none;
	return intern_get(rows->rules, rows->items[count - 1].rule, NULL);
}

/* One place for all rules, in place of the table that finds them. */
static int copy_rules(const struct cfi_rows *rows, struct unwind_table *table)
{
	size_t count = intern_count(rows->rules);
	int err = cfi_budget_take(rows->budget, count * sizeof(*table->rules));

	if (err)
		return err;
	table->rules = malloc(count * sizeof(*table->rules));
	if (!table->rules)
		return -ENOMEM;
	table->rule_count = count;
	for (size_t i = 0; i < count; i++)
		memcpy(&table->rules[i], intern_get(rows->rules, (uint32_t)i, NULL),
		       sizeof(*table->rules));
	return 0;
}

int cfi_rows_finish(struct cfi_rows *rows, struct unwind_table **out)
{
	AUTO(unwind_table) table = calloc(1, sizeof(*table));
	int err = table ? copy_rules(rows, table) : -ENOMEM;

	if (err)
		return err;
	table->row_count = rows->count;
	if (rows->count && rows->count < rows->capacity) {
		struct unwind_row *fit = realloc(rows->items, rows->count * sizeof(*fit));

		if (fit)
			rows->items = fit;
	}
	table->rows = take(rows->items);

	*out = take(table);
	return 0;
}

void cfi_rows_free(struct cfi_rows *rows)
{
	if (!rows)
		return;
	intern_free(rows->rules);
	free(rows->items);
	free(rows);
}
