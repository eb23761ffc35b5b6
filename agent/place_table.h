/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "agent/window.h"

/*
 * place_table - every distinct frame of a window, once, sorted.
 *
 * Files come first; the places of one executable lie together, ascending by offset.
 */
struct place {
	uint64_t word;
	uint64_t location; /* its number in the profile, 0 until it is named */
	bool is_named;     /* by a symbol, not just by module and offset */
	bool is_entry;     /* in the function that a process or thread starts with */
};

struct place_table {
	struct place *items;
	size_t count;
	size_t capacity;
};

/* place_table_new() - the places of @window, not yet named. 0 or -ENOMEM. */
int place_table_new(struct place_table **out, const struct window *window);

/* place_table_find() - the place of a frame word that is in the window. */
const struct place *place_table_find(const struct place_table *table, uint64_t word);

void place_table_free(struct place_table *table);
DEFINE_AUTO(place_table);
