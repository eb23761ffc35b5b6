// SPDX-License-Identifier: Apache-2.0
#include "tests/replay/kernel/address_space.h"

#include <errno.h>
#include <stdlib.h>

enum {
	NODE_BYTES = 256,
	LEAF = 1,
	ARANGE = 3,
	LEAF_SLOTS = 16,
	ARANGE_SLOTS = 10,
};

/* What a slot holds, and the last address that it is for. */
struct range {
	uint64_t last;
	void *what;
};

/* Areas and the gaps between them: at most two ranges for each area, and one at the end. */
static uint32_t ranges_of(const struct address_space *space, struct range *ranges)
{
	uint32_t count = 0;
	uint64_t next = 0;

	for (uint32_t i = 0; i < space->area_count; i++) {
		struct vm_area_struct *area = &space->areas[i];

		if (area->vm_start > next)
			ranges[count++] = (struct range){ area->vm_start - 1, NULL };
		ranges[count++] = (struct range){ area->vm_end - 1, area };
		next = area->vm_end;
	}
	ranges[count++] = (struct range){ UINT64_MAX, NULL };
	return count;
}

static void *encode(void *node, uint32_t type)
{
	return (void *)((uintptr_t)node | type << 3);
}

/* One node over @count ranges. The pivot of the last range is left out where there is none for it. */
static void *fill(void *node, uint32_t type, const struct range *ranges, uint32_t count)
{
	uint64_t *words = node;
	uint32_t pivots = type == LEAF ? LEAF_SLOTS - 1 : ARANGE_SLOTS - 1;

	for (uint32_t i = 0; i < count; i++) {
		if (i < pivots && ranges[i].last != UINT64_MAX)
			words[i] = ranges[i].last;
		words[pivots + i] = (uint64_t)ranges[i].what;
	}
	return encode(node, type);
}

/* Puts nodes over @ranges, which become those of the level above; gives their count. */
static uint32_t build_level(struct range *ranges, uint32_t count, uint32_t type, char **next_node)
{
	uint32_t slots = type == LEAF ? LEAF_SLOTS : ARANGE_SLOTS;
	uint32_t nodes = 0;

	for (uint32_t from = 0; from < count; from += slots) {
		uint32_t size = count - from < slots ? count - from : slots;
		struct range above = { .last = ranges[from + size - 1].last };

		above.what = fill(*next_node, type, &ranges[from], size);
		*next_node += NODE_BYTES;
		ranges[nodes++] = above;
	}
	return nodes;
}

int address_space_build(struct address_space *space)
{
	uint32_t count = 2 * space->area_count + 1;
	struct range *ranges = calloc(count, sizeof(*ranges));
	size_t bytes = (size_t)NODE_BYTES * (count + 2);
	char *next = NULL;

	space->nodes = aligned_alloc(NODE_BYTES, bytes);
	if (!ranges || !space->nodes) {
		free(ranges);
		return -ENOMEM;
	}
	next = memset(space->nodes, 0, bytes);
	count = build_level(ranges, ranges_of(space, ranges), LEAF, &next);
	while (count > 1)
		count = build_level(ranges, count, ARANGE, &next);
	/* The root's pointer alone is marked as a node. */
	space->mm.mm_mt.ma_root = (void *)((uintptr_t)ranges[0].what | 2);
	free(ranges);
	return 0;
}

void address_space_clear(struct address_space *space)
{
	free(space->areas);
	free(space->nodes);
	*space = (struct address_space){};
}
