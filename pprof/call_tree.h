/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "pprof/frames.h"

/*
 * call_tree - equal beginnings of stacks merged, as a flame graph shows them.
 *
 * Nodes stand depth first, children sorted by name, so order and depth alone are the tree.
 */
struct call_tree;

struct call_node {
	uint32_t frame;  /* number in the frames it was made from */
	uint32_t depth;  /* 0: first frame of a stack; there may be several */
	int64_t self;    /* of the last value type, without children */
	int64_t samples; /* of the first value type, without children */
};

/* call_tree_new() - 0 or -ENOMEM. Samples whose last value is not positive are left out. */
int call_tree_new(struct call_tree **out, const struct profile *profile, struct frames *frames);

size_t call_tree_count(const struct call_tree *tree);

/* call_tree_get() - borrowed until call_tree_free(). */
const struct call_node *call_tree_get(const struct call_tree *tree, size_t index);

void call_tree_free(struct call_tree *tree);
DEFINE_AUTO(call_tree);
