// SPDX-License-Identifier: Apache-2.0
#include "agent/window.h"

#include <errno.h>
#include <string.h>

#include "agent/base/array.h"

/* What makes two samples the same; hashed bytewise, so without padding. */
struct sample_key {
	uint64_t cgroup_id;
	uint32_t pid;
	uint32_t tid;
	char comm[ABI_COMM_BYTES];
	uint32_t stack;
	uint32_t padding;
};

struct window {
	struct intern *stacks;  /* abi_stack and its frames */
	struct intern *samples; /* sample_key */
	uint64_t *items;        /* how often each sample came */
	size_t count;
	size_t capacity;
	uint64_t sample_count;
	uint64_t dropped;
};

int window_new(struct window **out, size_t max_bytes)
{
	AUTO(window) window = calloc(1, sizeof(*window));
	int err;

	if (!window)
		return -ENOMEM;
	err = intern_new(&window->stacks, max_bytes / 4 * 3);
	if (!err)
		err = intern_new(&window->samples, max_bytes / 4);
	if (err)
		return err;
	*out = take(window);
	return 0;
}

static int add_key(struct window *window, const struct abi_sample *sample, uint32_t stack)
{
	struct sample_key key = {
		.cgroup_id = sample->cgroup_id,
		.pid = sample->tgid,
		.tid = sample->tid,
		.stack = stack,
	};
	uint32_t number;
	int err;

	memcpy(key.comm, sample->comm, sizeof(key.comm));
	err = intern_add(window->samples, &key, sizeof(key), &number);
	if (!err && number == window->count)
		err = array_add(window, 0);
	if (!err)
		window->items[number]++;
	return err;
}

int window_add(struct window *window, const struct abi_sample *sample, bool *ret_is_new_stack)
{
	size_t frames = (size_t)sample->stack.kernel_frames + sample->stack.user_frames;
	uint32_t before = intern_count(window->stacks);
	uint32_t stack;
	int err;

	err = intern_add(window->stacks, &sample->stack,
			 sizeof(sample->stack) + frames * sizeof(uint64_t), &stack);
	if (!err)
		err = add_key(window, sample, stack);
	if (err) {
		window->dropped++;
		return err;
	}
	window->sample_count++;
	*ret_is_new_stack = stack == before;
	return 0;
}

uint32_t window_entry_count(const struct window *window)
{
	return (uint32_t)window->count;
}

struct window_entry window_entry(const struct window *window, uint32_t number)
{
	const struct sample_key *key = intern_get(window->samples, number, NULL);
	struct window_entry entry = {
		.pid = key->pid,
		.tid = key->tid,
		.cgroup_id = key->cgroup_id,
		.stack = key->stack,
		.count = window->items[number],
	};

	memcpy(entry.comm, key->comm, sizeof(entry.comm));
	return entry;
}

uint32_t window_stack_count(const struct window *window)
{
	return intern_count(window->stacks);
}

const struct abi_stack *window_stack(const struct window *window, uint32_t number)
{
	return intern_get(window->stacks, number, NULL);
}

uint64_t window_samples(const struct window *window)
{
	return window->sample_count;
}

uint64_t window_dropped(const struct window *window)
{
	return window->dropped;
}

void window_free(struct window *window)
{
	if (!window)
		return;
	intern_free(window->stacks);
	intern_free(window->samples);
	free(window->items);
	free(window);
}
