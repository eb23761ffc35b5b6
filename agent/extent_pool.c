// SPDX-License-Identifier: Apache-2.0
#include "agent/extent_pool.h"

#include <errno.h>
#include <string.h>

#include "agent/base/array.h"

struct extent {
	uint32_t first;
	uint32_t count;
};

struct extent_list {
	struct extent *items;
	size_t count;
	size_t capacity;
};

struct extent_pool {
	struct extent_list free;       /* ascending, never adjacent */
	struct extent_list resting[2]; /* given back since the last turn; and before it */
	uint32_t used;
};

int extent_pool_new(struct extent_pool **out, uint32_t first, uint32_t end)
{
	AUTO(extent_pool) pool = calloc(1, sizeof(*pool));
	int err;

	if (!pool)
		return -ENOMEM;
	err = array_add(&pool->free, ((struct extent){ first, end - first }));
	if (err)
		return err;
	*out = take(pool);
	return 0;
}

static void remove_at(struct extent_list *list, size_t at)
{
	list->count--;
	memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof(*list->items));
}

bool extent_pool_take(struct extent_pool *pool, uint32_t count, uint32_t *ret_first)
{
	for (size_t i = 0; i < pool->free.count; i++) {
		struct extent *extent = &pool->free.items[i];

		if (extent->count < count)
			continue;
		*ret_first = extent->first;
		extent->first += count;
		extent->count -= count;
		if (!extent->count)
			remove_at(&pool->free, i);
		pool->used += count;
		return true;
	}
	return false;
}

int extent_pool_give(struct extent_pool *pool, uint32_t first, uint32_t count)
{
	pool->used -= count;
	return array_add(&pool->resting[0], ((struct extent){ first, count }));
}

/* Into its place among the free ones, one with its neighbours. */
static int insert_free(struct extent_list *list, struct extent extent)
{
	size_t at = 0;
	int err;

	while (at < list->count && list->items[at].first < extent.first)
		at++;
	if (at > 0 && list->items[at - 1].first + list->items[at - 1].count == extent.first) {
		extent.first = list->items[at - 1].first;
		extent.count += list->items[at - 1].count;
		remove_at(list, --at);
	}
	if (at < list->count && extent.first + extent.count == list->items[at].first) {
		list->items[at].first = extent.first;
		list->items[at].count += extent.count;
		return 0;
	}
	err = array_grow(&list->items, &list->capacity, list->count, sizeof(*list->items));
	if (err)
		return err;
	memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof(*list->items));
	list->items[at] = extent;
	list->count++;
	return 0;
}

void extent_pool_turn(struct extent_pool *pool)
{
	struct extent_list old = pool->resting[1];

	for (size_t i = 0; i < old.count; i++)
		insert_free(&pool->free, old.items[i]); /* without memory, the range is lost */
	old.count = 0;
	pool->resting[1] = pool->resting[0];
	pool->resting[0] = old;
}

uint32_t extent_pool_used(const struct extent_pool *pool)
{
	return pool->used;
}

uint32_t extent_pool_pending(const struct extent_pool *pool)
{
	uint32_t sum = 0;

	for (size_t list = 0; list < 2; list++) {
		for (size_t i = 0; i < pool->resting[list].count; i++)
			sum += pool->resting[list].items[i].count;
	}
	return sum;
}

void extent_pool_free(struct extent_pool *pool)
{
	if (!pool)
		return;
	free(pool->free.items);
	free(pool->resting[0].items);
	free(pool->resting[1].items);
	free(pool);
}
