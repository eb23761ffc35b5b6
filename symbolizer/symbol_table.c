// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/array.h"
#include "symbolizer/alias.h"

/* Ends a list of names. */
#define LAST_NAME 0x80000000u

enum {
	MAX_ALIASES = 32, /* linkers fold thousands of equal functions into one */
	SHORT_NAME = 128, /* bytes read at first; longer names take a second read */
};

struct range {
	uint64_t start;
	uint32_t size;
	uint32_t names; /* index of the first */
};

struct range_list {
	struct range *items;
	size_t count;
	size_t capacity;
};

struct name_list {
	uint32_t *items; /* as in struct symbol, LAST_NAME in the last one of a function */
	size_t count;
	size_t capacity;
};

struct symbol_table {
	struct range_list ranges;
	struct name_list names;
	struct symbol_strings strings;
};

/* A function that may reach beyond the address up to which the ranges are complete. */
struct cover {
	uint64_t end;
	uint32_t names;
};

struct cover_stack {
	struct cover *items; /* the innermost last */
	size_t count;
	size_t capacity;
};

/* Goes over the sorted symbols from low to high addresses. */
struct sweep {
	struct symbol_table *table;
	struct cover_stack open; /* owned */
	uint64_t done;           /* ranges are complete below */
};

static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	return (a->name > b->name) - (a->name < b->name);
}

static int emit_until(struct sweep *sweep, uint64_t end, uint32_t names)
{
	struct range range = { .start = sweep->done, .names = names };

	if (end <= sweep->done)
		return 0;
	range.size = end - sweep->done < UINT32_MAX ? (uint32_t)(end - sweep->done) : UINT32_MAX;
	sweep->done = end;
	return array_add(&sweep->table->ranges, range);
}

/* Completes the ranges below @address: each function is resumed where the one inside it ends. */
static int sweep_to(struct sweep *sweep, uint64_t address)
{
	struct cover_stack *open = &sweep->open;
	int err = 0;

	while (open->count && !err) {
		struct cover inner = open->items[open->count - 1];

		if (inner.end > address) {
			err = emit_until(sweep, address, inner.names);
			break;
		}
		err = emit_until(sweep, inner.end, inner.names);
		open->count--;
	}
	if (sweep->done < address)
		sweep->done = address;
	return err;
}

static int add_cover(struct sweep *sweep, uint64_t end, uint32_t name)
{
	struct name_list *names = &sweep->table->names;
	struct cover cover = { .end = end, .names = (uint32_t)names->count };
	int err = array_add(names, name | LAST_NAME);

	return err ? err : array_add(&sweep->open, cover);
}

static int add_alias(struct sweep *sweep, uint32_t name)
{
	struct name_list *names = &sweep->table->names;
	int err = array_add(names, name | LAST_NAME);

	if (!err)
		names->items[names->count - 2] &= ~LAST_NAME;
	return err;
}

static void reverse_from(struct cover_stack *stack, size_t first)
{
	for (size_t last = stack->count; first + 1 < last; first++) {
		struct cover other = stack->items[--last];

		stack->items[last] = stack->items[first];
		stack->items[first] = other;
	}
}

/*
 * Opens the functions that start at one address. The first is the best; a worse one that is
 * larger names what remains beyond, so the larger ones go below it on the stack.
 * @next: where symbols without a size have to end
 */
static int open_functions(struct sweep *sweep, const struct symbol *group, size_t count,
			  uint64_t next)
{
	uint64_t start = symbol_address(group), end = start;
	size_t outside = sweep->open.count, aliases = 0;
	unsigned rank = 0;
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		const struct symbol *symbol = &group[i];
		uint64_t symbol_end = start + symbol->size;

		if (symbol_rank(symbol) & SYMBOL_SIZELESS) {
			if (outside || (i && !(rank & SYMBOL_SIZELESS)))
				break;
			symbol_end = symbol_end < next ? symbol_end : next;
		}
		if (symbol_end > end) {
			err = add_cover(sweep, symbol_end, symbol->name);
			end = symbol_end;
			rank = symbol_rank(symbol);
			aliases = 1;
		} else if (symbol_end == end && rank == symbol_rank(symbol) &&
			   aliases++ < MAX_ALIASES) {
			err = add_alias(sweep, symbol->name);
		}
	}
	reverse_from(&sweep->open, outside);
	return err;
}

static int sweep_symbols(struct sweep *sweep, const struct symbol_list *list)
{
	int err = 0;

	for (size_t i = 0, end; i < list->count && !err; i = end) {
		uint64_t address = symbol_address(&list->items[i]), next = UINT64_MAX;

		for (end = i + 1; end < list->count; end++) {
			next = symbol_address(&list->items[end]);
			if (next != address)
				break;
		}
		err = sweep_to(sweep, address);
		if (!err)
			err = open_functions(sweep, &list->items[i], end - i, next);
	}
	return err ? err : sweep_to(sweep, UINT64_MAX);
}

/* Gives back what the arrays grew too much. */
static void trim(struct symbol_table *table)
{
	struct range_list *ranges = &table->ranges;
	struct name_list *names = &table->names;
	struct range *fewer = reallocarray(ranges->items, ranges->count, sizeof(*fewer));
	uint32_t *shorter = reallocarray(names->items, names->count, sizeof(*shorter));

	if (fewer) {
		ranges->items = fewer;
		ranges->capacity = ranges->count;
	}
	if (shorter) {
		names->items = shorter;
		names->capacity = names->count;
	}
}

int symbol_table_new(struct symbol_table **out, struct symbol_list *list)
{
	AUTO(symbol_table) table = calloc(1, sizeof(*table));
	struct sweep sweep = { .table = table };
	int err;

	if (!table)
		return -ENOMEM;
	table->strings = list->strings;
	if (list->count) {
		qsort(list->items, list->count, sizeof(*list->items), compare_symbols);
		err = sweep_symbols(&sweep, list);
		free(sweep.open.items);
		if (err)
			return err;
		trim(table);
	}

	*out = take(table);
	return 0;
}

bool symbol_table_find(const struct symbol_table *table, uint64_t address, uint32_t *ret_names)
{
	const struct range *ranges = table->ranges.items;
	size_t left = table->ranges.count, after = 0;

	/* @after becomes the first range that starts beyond @address. */
	while (left) {
		size_t half = left / 2;

		if (ranges[after + half].start <= address) {
			after += half + 1;
			left -= half + 1;
		} else {
			left = half;
		}
	}
	if (!after || address - ranges[after - 1].start >= ranges[after - 1].size)
		return false;
	*ret_names = ranges[after - 1].names;
	return true;
}

/* Reads the string at @offset into @name: cut at SYMBOL_NAME_MAX, empty if it cannot be read. */
static void read_name(const struct symbol_strings *strings, int fd, uint64_t offset, char *name)
{
	uint64_t left = offset < strings->size ? strings->size - offset : 0;
	size_t wanted = left < SHORT_NAME ? (size_t)left : SHORT_NAME;
	ssize_t size = pread(fd, name, wanted, (off_t)(strings->offset + offset));

	if (size == SHORT_NAME && !memchr(name, '\0', SHORT_NAME)) {
		wanted = left < SYMBOL_NAME_MAX ? (size_t)left : SYMBOL_NAME_MAX;
		size = pread(fd, name, wanted, (off_t)(strings->offset + offset));
	}
	name[size > 0 ? size : 0] = '\0';
}

bool symbol_table_name(const struct symbol_table *table, int fd, uint32_t names, char *name)
{
	const uint32_t *at = &table->names.items[names];
	struct alias best = { .name = name, .is_weak = *at & SYMBOL_WEAK };
	char candidate[SYMBOL_NAME_MAX + 1];

	read_name(&table->strings, fd, *at & (SYMBOL_WEAK - 1), name);
	while (!(*at++ & LAST_NAME)) {
		struct alias other = { .name = candidate, .is_weak = *at & SYMBOL_WEAK };

		read_name(&table->strings, fd, *at & (SYMBOL_WEAK - 1), candidate);
		if (!*candidate || (*name && alias_compare(&best, &other) <= 0))
			continue;
		memcpy(name, candidate, strlen(candidate) + 1);
		best.is_weak = other.is_weak;
	}
	return *name;
}

size_t symbol_table_bytes(const struct symbol_table *table)
{
	return sizeof(*table) + table->ranges.capacity * sizeof(*table->ranges.items) +
	       table->names.capacity * sizeof(*table->names.items);
}

void symbol_table_free(struct symbol_table *table)
{
	if (!table)
		return;
	free(table->ranges.items);
	free(table->names.items);
	free(table);
}
