// SPDX-License-Identifier: Apache-2.0
#include "pprof/call_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/array.h"
#include "pprof/profile_tables.h"

/* Two calls are one node if they have the frame and the whole way to it in common. */
struct node_key {
	uint32_t parent; /* number of a node + 1, 0 at the root */
	uint32_t frame;
};
_Static_assert(sizeof(struct node_key) == 8, "compared bytewise: no hidden padding");

/* Nodes in the order of their first use: no parent comes after its child. */
struct growing {
	struct intern *keys;
	struct {
		struct call_node *items;
		size_t count;
		size_t capacity;
	} nodes;
	uint32_t *by_parent; /* nodes sorted by parent, then name */
	uint32_t *first;   /* children of parent p stand in by_parent from first[p] to first[p+1] */
	uint32_t *waiting; /* nodes to be placed, the next one last */
};

struct call_tree {
	struct call_node *nodes;
	size_t count;
};

static void growing_free(struct growing *growing)
{
	if (!growing)
		return;
	intern_free(growing->keys);
	free(growing->nodes.items);
	free(growing->by_parent);
	free(growing->first);
	free(growing->waiting);
	free(growing);
}
DEFINE_AUTO(growing);

static int add_child(struct growing *growing, struct node_key key, uint32_t depth,
		     uint32_t *ret_node)
{
	struct call_node node = { .frame = key.frame, .depth = depth };
	int err = intern_add(growing->keys, &key, sizeof(key), ret_node);

	if (err || *ret_node < growing->nodes.count)
		return err;
	return array_add(&growing->nodes, node);
}

static int add_stack(struct growing *growing, const uint32_t *stack, size_t depth,
		     const int64_t *values, size_t shown)
{
	struct call_node *leaf;
	uint32_t node = 0;

	for (size_t i = 0; i < depth; i++) {
		struct node_key key = { .parent = i ? node + 1 : 0, .frame = stack[i] };
		int err = add_child(growing, key, (uint32_t)i, &node);

		if (err)
			return err;
	}
	leaf = &growing->nodes.items[node];
	leaf->self = add_saturating(leaf->self, values[shown]);
	leaf->samples = add_saturating(leaf->samples, values[0]);
	return 0;
}

static int add_stacks(struct growing *growing, const struct profile *profile, struct frames *frames)
{
	size_t shown = profile_last_value(profile);

	for (size_t i = 0; i < profile_sample_count(profile); i++) {
		const int64_t *values = profile_values(profile, i);
		const uint32_t *stack;
		size_t depth;
		int err;

		if (values[shown] <= 0)
			continue;
		depth = frames_of_sample(frames, i, &stack);
		err = add_stack(growing, stack, depth, values, shown);
		if (err)
			return err;
	}
	return 0;
}

struct order {
	const struct growing *growing;
	const struct frames *frames;
};

static const struct node_key *key_of(const struct growing *growing, uint32_t node)
{
	return intern_get(growing->keys, node, NULL);
}

static int compare_frames(const struct frame *a, const struct frame *b)
{
	int difference = strcmp(a->name, b->name);

	if (!difference)
		difference = strcmp(a->module, b->module);
	return difference ? difference : strcmp(a->file, b->file);
}

static int compare_nodes(const void *left, const void *right, void *context)
{
	const struct order *order = context;
	const struct node_key *a = key_of(order->growing, *(const uint32_t *)left);
	const struct node_key *b = key_of(order->growing, *(const uint32_t *)right);
	int difference;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	difference = compare_frames(frames_get(order->frames, a->frame),
				    frames_get(order->frames, b->frame));
	return difference ? difference : (a->frame > b->frame) - (a->frame < b->frame);
}

static int sort_children(struct growing *growing, const struct frames *frames)
{
	struct order order = { growing, frames };
	size_t count = growing->nodes.count;

	growing->by_parent = calloc(count + 1, sizeof(*growing->by_parent));
	growing->waiting = calloc(count + 1, sizeof(*growing->waiting));
	growing->first = calloc(count + 2, sizeof(*growing->first));
	if (!growing->by_parent || !growing->waiting || !growing->first)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		growing->by_parent[i] = (uint32_t)i;
		growing->first[key_of(growing, (uint32_t)i)->parent + 1]++;
	}
	for (size_t i = 0; i <= count; i++)
		growing->first[i + 1] += growing->first[i];
	qsort_r(growing->by_parent, count, sizeof(*growing->by_parent), compare_nodes, &order);
	return 0;
}

/* Puts the children of @parent on the pile, the first one on top. */
static size_t pile_children(struct growing *growing, uint32_t parent, size_t waiting)
{
	for (uint32_t i = growing->first[parent + 1]; i > growing->first[parent]; i--)
		growing->waiting[waiting++] = growing->by_parent[i - 1];
	return waiting;
}

/* A pile and not recursion: depth is the profiled program's choice. */
static void place_nodes(struct growing *growing, struct call_tree *tree)
{
	size_t waiting = pile_children(growing, 0, 0);

	while (waiting) {
		uint32_t node = growing->waiting[--waiting];

		tree->nodes[tree->count++] = growing->nodes.items[node];
		waiting = pile_children(growing, node + 1, waiting);
	}
}

int call_tree_new(struct call_tree **out, const struct profile *profile, struct frames *frames)
{
	AUTO(growing) growing = calloc(1, sizeof(*growing));
	AUTO(call_tree) tree = calloc(1, sizeof(*tree));
	int err;

	if (!growing || !tree)
		return -ENOMEM;
	err = intern_new(&growing->keys, SIZE_MAX);
	if (!err)
		err = add_stacks(growing, profile, frames);
	if (!err)
		err = sort_children(growing, frames);
	if (err)
		return err;
	tree->nodes = calloc(growing->nodes.count + 1, sizeof(*tree->nodes));
	if (!tree->nodes)
		return -ENOMEM;
	place_nodes(growing, tree);

	*out = take(tree);
	return 0;
}

size_t call_tree_count(const struct call_tree *tree)
{
	return tree->count;
}

const struct call_node *call_tree_get(const struct call_tree *tree, size_t index)
{
	return &tree->nodes[index];
}

void call_tree_free(struct call_tree *tree)
{
	if (!tree)
		return;
	free(tree->nodes);
	free(tree);
}
