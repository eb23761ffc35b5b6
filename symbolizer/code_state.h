/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "symbolizer/unwind_table.h"
#include "symbolizer/x86_instruction.h"

/*
 * code_state - where the caller's frame is before one instruction, as far as code tells.
 *
 * What CFI would say, worked out from the instructions that led there. A depth is how far below
 * the canonical frame address something is, in bytes. Equal states have equal bytes.
 */
#define CODE_UNKNOWN INT32_MIN

enum {
	CODE_DEPTH_AT_CALL = 8 /* the return address is on top */
};

struct code_state {
	int32_t depth;    /* of the stack pointer */
	int32_t fp_depth; /* of rbp, where it holds an address in the frame */
	/* of the caller's rbp and rbx in the frame; 0: still in the register; or unknown */
	int32_t saved_fp;
	int32_t saved_bx;
	int32_t copy_depth; /* of the register copy, which keeps an address in the frame */
	/* the word at slot_register + slot_offset holds an address of depth slot_depth, or unknown */
	int32_t slot_offset;
	int32_t slot_depth;
	int32_t room;          /* rbp - the stack pointer, where has_record; or unknown */
	uint8_t copy;          /* enum x86_register, or none */
	uint8_t slot_register; /* the stack pointer or rbp */
	uint8_t is_root;       /* nobody called this code */
	uint8_t is_signal;     /* a signal handler returned to this code */
	/* in a realigned frame, whose depth nobody knows: what is at rbp, or on top, is the caller's rbp */
	uint8_t has_record;
	uint8_t has_fp_on_top;
	uint16_t padding;
};
_Static_assert(sizeof(struct code_state) == 40, "compared bytewise: no hidden padding");

/* code_state_at_call() - the first instruction of a function. */
struct code_state code_state_at_call(void);

/*
 * code_state_of_rule() - what @rule says of its place.
 *
 * False if that is more than a state can hold.
 */
bool code_state_of_rule(struct code_state *ret, const struct unwind_rule *rule);

/* code_state_is_simple() - no address of the frame is kept in other places than the stack pointer and rbp. */
static inline bool code_state_is_simple(const struct code_state *state)
{
	return state->copy == X86_NO_REGISTER && state->slot_depth == CODE_UNKNOWN;
}

/* code_state_step() - from before @instruction to after it, where it goes on or to its target. */
void code_state_step(struct code_state *state, const struct x86_instruction *instruction);

/*
 * code_state_merge() - what holds when an instruction is reached with @other too.
 *
 * False if the two do not fit: then nothing is known there.
 */
bool code_state_merge(struct code_state *state, const struct code_state *other);

/* code_state_rule() - as a rule; UNWIND_RULE_NONE if the frame is not known. */
void code_state_rule(const struct code_state *state, struct unwind_rule *ret);
