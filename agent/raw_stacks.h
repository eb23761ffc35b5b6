/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/base/cleanup.h"
#include "agent/executable_table.h"
#include "agent/sampler.h"

/*
 * raw_stacks - stacks that came as addresses become places in files, as those of the full tier are.
 *
 * For STACK_TIER_FRAME_POINTERS. Files get their numbers here, and are opened when they are first seen. A
 * frame that lies in no code ends the stack, since it was no frame.
 */
struct raw_stacks;

/* raw_stacks_new() - @sampler and @executables are borrowed. 0 or -ENOMEM. */
int raw_stacks_new(struct raw_stacks **out, struct sampler *sampler,
		   struct executable_table *executables);

/*
 * raw_stacks_place() - @sample with its stack in places.
 * @ret: borrowed until the next call
 *
 * Return: 0 or -ENOMEM.
 */
int raw_stacks_place(struct raw_stacks *stacks, const struct abi_sample *sample,
		     const struct abi_sample **ret);

/* raw_stacks_turn() - to be called after every drain. */
void raw_stacks_turn(struct raw_stacks *stacks);

void raw_stacks_free(struct raw_stacks *stacks);
DEFINE_AUTO(raw_stacks);
