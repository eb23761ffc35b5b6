/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * dwarf_intervals - what belongs to which addresses, where one thing may lie in another.
 *
 * Filled with array_add() by its holder, who frees @items, then sorted, then asked.
 */
struct dwarf_interval {
	uint64_t start;
	uint64_t end;         /* one past the last */
	uint64_t highest_end; /* of this and all before, once sorted */
	uint64_t value;
};

struct dwarf_intervals {
	struct dwarf_interval *items; /* owned */
	size_t count;
	size_t capacity;
};

void dwarf_intervals_sort(struct dwarf_intervals *intervals);

/* dwarf_intervals_find() - of those that hold @address the one that starts last, or NULL. */
const struct dwarf_interval *dwarf_intervals_find(const struct dwarf_intervals *intervals,
						  uint64_t address);

static inline size_t dwarf_intervals_bytes(const struct dwarf_intervals *intervals)
{
	return intervals->capacity * sizeof(*intervals->items);
}
