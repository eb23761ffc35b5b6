// SPDX-License-Identifier: Apache-2.0
#include "agent/place_table.h"

#include <errno.h>

#include "agent/base/array.h"
#include "agent/frame_word.h"

/* Files first, anonymous code last: what comes first in a profile is taken for its main program. */
static uint64_t rank_of(uint64_t word)
{
	return word - (ABI_FRAME_FILE << ABI_FRAME_KIND_SHIFT);
}

static int compare_places(const void *left, const void *right)
{
	uint64_t a = rank_of(((const struct place *)left)->word);
	uint64_t b = rank_of(((const struct place *)right)->word);

	return (a > b) - (a < b);
}

static int add_stack(struct intern *words, const struct abi_stack *stack)
{
	uint32_t frames = (uint32_t)stack->kernel_frames + stack->user_frames;
	uint32_t number;

	for (uint32_t i = 0; i < frames; i++) {
		uint64_t word = frame_of_stack(stack, i);
		int err = intern_add(words, &word, sizeof(word), &number);

		if (err)
			return err;
	}
	return 0;
}

static int collect(struct place_table *table, const struct window *window)
{
	AUTO(intern) words = NULL;
	int err = intern_new(&words, SIZE_MAX);

	for (uint32_t i = 0; !err && i < window_stack_count(window); i++)
		err = add_stack(words, window_stack(window, i));
	for (uint32_t i = 0; !err && i < intern_count(words); i++) {
		const uint64_t *word = intern_get(words, i, NULL);

		err = array_add(table, ((struct place){ .word = *word }));
	}
	return err;
}

int place_table_new(struct place_table **out, const struct window *window)
{
	AUTO(place_table) table = calloc(1, sizeof(*table));
	int err;

	if (!table)
		return -ENOMEM;
	err = collect(table, window);
	if (err)
		return err;
	if (table->count)
		qsort(table->items, table->count, sizeof(*table->items), compare_places);
	*out = take(table);
	return 0;
}

const struct place *place_table_find(const struct place_table *table, uint64_t word)
{
	struct place key = { .word = word };

	return bsearch(&key, table->items, table->count, sizeof(*table->items), compare_places);
}

void place_table_free(struct place_table *table)
{
	if (!table)
		return;
	free(table->items);
	free(table);
}
