// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_intervals.h"

#include <stdlib.h>

/* Of those that start together the innermost, which is the smallest, comes last. */
static int compare(const void *left, const void *right)
{
	const struct dwarf_interval *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return (a->value > b->value) - (a->value < b->value);
}

void dwarf_intervals_sort(struct dwarf_intervals *intervals)
{
	uint64_t highest = 0;

	if (intervals->count)
		qsort(intervals->items, intervals->count, sizeof(*intervals->items), compare);
	for (size_t i = 0; i < intervals->count; i++) {
		if (intervals->items[i].end > highest)
			highest = intervals->items[i].end;
		intervals->items[i].highest_end = highest;
	}
}

const struct dwarf_interval *dwarf_intervals_find(const struct dwarf_intervals *intervals,
						  uint64_t address)
{
	size_t low = 0, high = intervals->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (intervals->items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low && intervals->items[low - 1].highest_end > address; low--) {
		if (intervals->items[low - 1].end > address)
			return &intervals->items[low - 1];
	}
	return NULL;
}
