/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/symbol_list.h"

/*
 * symbol_table - which function stands at an address of an ELF file.
 *
 * Disjoint ranges in ascending order, each of one function; an address in none of them has
 * no name, for a wrong name is worse than none. Where functions overlap, the one that starts
 * last is meant. A symbol without a size names only what no other covers: up to
 * the next symbol or the end of its section. About 20 bytes a symbol; the names stay in the
 * file. Immutable.
 *
 * Of several names for one range, in this order: one with a size, a global or weak one before
 * a local one, a function before an untyped symbol, the larger one, and then the better
 * alias (alias.h).
 */
struct symbol_table;

enum {
	/* Longer names are cut: nobody reads them, and a hostile one may be as long as its file. */
	SYMBOL_NAME_MAX = 4096,
};

/* symbol_table_new() - sorts @list, which stays the caller's. Return: 0 or -ENOMEM. */
int symbol_table_new(struct symbol_table **out, struct symbol_list *list);

/*
 * symbol_table_find() - the function that holds @address.
 * @ret_names: its names, for symbol_table_name(); equal numbers are equal functions
 */
bool symbol_table_find(const struct symbol_table *table, uint64_t address, uint32_t *ret_names);

/*
 * symbol_table_name() - the best name of a function.
 * @fd: the file from which the table was made, borrowed
 * @name: receives SYMBOL_NAME_MAX + 1 bytes at most
 *
 * Return: false if it has none that can be read.
 */
bool symbol_table_name(const struct symbol_table *table, int fd, uint32_t names, char *name);

/* symbol_table_bytes() - memory held. */
size_t symbol_table_bytes(const struct symbol_table *table);

void symbol_table_free(struct symbol_table *table);
DEFINE_AUTO(symbol_table);
