/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"

/*
 * shadow_stack - who called whom, from what the instructions did and not from what lies in memory.
 *
 * A call puts its return address on it, and it is gone as soon as the stack pointer is above the place
 * where that lies. Nothing is guessed, so this is the truth to measure an unwinder by, from the
 * first instruction of a process on. Stacks other than the one that the process began with are
 * announced, since only a program knows them.
 */
struct shadow_stack;

struct shadow_frame {
	uint64_t pc;
	bool is_exact; /* the instruction itself: the first frame, or one that a signal interrupted */
};

int shadow_stack_new(struct shadow_stack **out);

/*
 * shadow_stack_announce() - memory from @start up to @end is another stack.
 * @is_linked: its first function has a caller, on the stack that is left for it
 */
void shadow_stack_announce(struct shadow_stack *shadow, uint64_t start, uint64_t end,
			   bool is_linked);

/* shadow_stack_call() - a call put @return_address to @slot, where the stack pointer is now. */
void shadow_stack_call(struct shadow_stack *shadow, uint64_t slot, uint64_t return_address);

/*
 * shadow_stack_signal() - a handler begins with its stack pointer at @slot, where it finds the
 * address of the code that ends it, @restorer; interrupted was @pc with its stack pointer at @sp.
 */
void shadow_stack_signal(struct shadow_stack *shadow, uint64_t slot, uint64_t restorer, uint64_t pc,
			 uint64_t sp);

/* shadow_stack_signal_return() - rt_sigreturn() is called with the stack pointer at @sp. */
void shadow_stack_signal_return(struct shadow_stack *shadow, uint64_t sp);

/*
 * shadow_stack_move() - the stack pointer is @sp now. @word: what it points to, which on a
 * stack never used before is where its first function returns to.
 */
void shadow_stack_move(struct shadow_stack *shadow, uint64_t sp, uint64_t word);

/* shadow_stack_chain() - the frames at @pc, innermost first, at most @limit; gives their count. */
size_t shadow_stack_chain(const struct shadow_stack *shadow, uint64_t pc,
			  struct shadow_frame *ret_frames, size_t limit);

/* shadow_stack_is_root() - whether @pc is in the code that ends a stack which the program made. */
bool shadow_stack_is_root(const struct shadow_stack *shadow, uint64_t pc);

void shadow_stack_free(struct shadow_stack *shadow);
DEFINE_AUTO(shadow_stack);
