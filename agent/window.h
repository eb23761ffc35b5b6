/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/intern.h"
#include "bpf/abi.h"

/*
 * window - the samples of one interval, equal ones folded to a count.
 *
 * Equal means: same process, thread, name, cgroup and stack. Bounded in bytes; a sample that does
 * not fit is dropped and counted.
 */
struct window;

/* Whose samples these are, and what they hit: @count times. */
struct window_entry {
	uint32_t pid;
	uint32_t tid;
	uint64_t cgroup_id;
	char comm[ABI_COMM_BYTES]; /* not always NUL-terminated */
	uint32_t stack;            /* number of a stack */
	uint64_t count;
};

/* window_new() - an empty window of at most about @max_bytes. 0 or -ENOMEM. */
int window_new(struct window **out, size_t max_bytes);

/*
 * window_add() - count a sample.
 * @ret_is_new_stack: whether its stack had not been in the window before
 *
 * Return: 0; -ENOSPC when the window is full, which is counted; or -ENOMEM.
 */
int window_add(struct window *window, const struct abi_sample *sample, bool *ret_is_new_stack);

/* Entries and stacks are numbered from 0. What is returned is borrowed until the next add. */
uint32_t window_entry_count(const struct window *window);
struct window_entry window_entry(const struct window *window, uint32_t number);
uint32_t window_stack_count(const struct window *window);
const struct abi_stack *window_stack(const struct window *window, uint32_t number);

/* window_samples() - samples counted; window_dropped() - samples that did not fit. */
uint64_t window_samples(const struct window *window);
uint64_t window_dropped(const struct window *window);

void window_free(struct window *window);
DEFINE_AUTO(window);
