// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/code_state.h"

enum {
	WORD = 8,
	MAX_DEPTH = 1 << 24, /* of a frame, in bytes */
	DWARF_RBP = 6,
	DWARF_RSP = 7,
};

struct code_state code_state_at_call(void)
{
	return (struct code_state){
		.depth = WORD,
		.fp_depth = CODE_UNKNOWN,
		.copy_depth = CODE_UNKNOWN,
		.slot_depth = CODE_UNKNOWN,
		.copy = X86_NO_REGISTER,
	};
}

/* @depth - @offset; unknown where the one is, or beyond any frame. */
static int32_t moved(int32_t depth, int64_t offset)
{
	int64_t sum = (int64_t)depth - offset;

	return depth == CODE_UNKNOWN || sum > MAX_DEPTH || sum < -MAX_DEPTH ? CODE_UNKNOWN
									    : (int32_t)sum;
}

/* How deep the address is that @number holds. */
static int32_t depth_of(const struct code_state *state, uint8_t number)
{
	if (number == X86_RSP)
		return state->depth;
	if (number == X86_RBP && state->fp_depth != CODE_UNKNOWN)
		return state->fp_depth;
	return number == state->copy ? state->copy_depth : CODE_UNKNOWN;
}

static void forget_slot(struct code_state *state)
{
	state->slot_offset = 0;
	state->slot_depth = CODE_UNKNOWN;
}

static void forget_copy(struct code_state *state)
{
	state->copy = X86_NO_REGISTER;
	state->copy_depth = CODE_UNKNOWN;
}

/* Where the caller's value of @number is kept, if that is followed. */
static int32_t *saved_place(struct code_state *state, uint8_t number)
{
	if (number == X86_RBP)
		return &state->saved_fp;
	return number == X86_RBX ? &state->saved_bx : NULL;
}

/* @number has another value now. */
static void overwrite(struct code_state *state, uint8_t number)
{
	int32_t *saved = saved_place(state, number);

	if (saved && !*saved)
		*saved = CODE_UNKNOWN;
	if (number == X86_RBP)
		state->fp_depth = CODE_UNKNOWN;
	if (number == state->copy)
		forget_copy(state);
	if (number == X86_RSP) {
		state->depth = CODE_UNKNOWN;
		forget_slot(state);
	}
}

/* @number goes to a place of @depth. */
static void save(struct code_state *state, uint8_t number, int32_t depth)
{
	int32_t *saved = saved_place(state, number);

	if (saved && !*saved && depth != CODE_UNKNOWN && depth > 0)
		*saved = depth;
}

/* @number comes from a place of @depth: the caller's value, if it was saved there. */
static void restore(struct code_state *state, uint8_t number, int32_t depth)
{
	int32_t *saved = saved_place(state, number);
	bool is_back = saved && *saved > 0 && *saved == depth;

	overwrite(state, number);
	if (is_back)
		*saved = 0;
}

/* The stack pointer goes up by @bytes. */
static void move_stack(struct code_state *state, int64_t bytes)
{
	int64_t slot = (int64_t)state->slot_offset - bytes;

	state->depth = moved(state->depth, bytes);
	if (state->slot_depth == CODE_UNKNOWN)
		return;
	if (slot < 0 || slot > MAX_DEPTH)
		forget_slot(state);
	else
		state->slot_offset = (int32_t)slot;
}

static void step_push(struct code_state *state, uint8_t source)
{
	move_stack(state, -WORD);
	save(state, source, state->depth);
	if (source != X86_NO_REGISTER && source == state->copy && state->depth == CODE_UNKNOWN) {
		state->slot_offset = 0;
		state->slot_depth = state->copy_depth;
	}
}

static void step_pop(struct code_state *state, uint8_t destination)
{
	restore(state, destination, state->depth);
	if (destination != X86_RSP)
		move_stack(state, WORD);
}

static void step_leave(struct code_state *state)
{
	state->depth = state->fp_depth;
	forget_slot(state);
	step_pop(state, X86_RBP);
}

static void step_move(struct code_state *state, const struct x86_instruction *instruction)
{
	int32_t depth = moved(depth_of(state, instruction->source), instruction->offset);
	uint8_t destination = instruction->destination;

	if (destination == X86_RSP && instruction->source == X86_RSP) {
		move_stack(state, instruction->offset);
		return;
	}
	overwrite(state, destination);
	if (destination == X86_RSP) {
		state->depth = depth;
	} else if (destination == X86_RBP) {
		state->fp_depth = depth;
	} else if (depth != CODE_UNKNOWN) {
		state->copy = destination;
		state->copy_depth = depth;
	}
}

static void step_load(struct code_state *state, const struct x86_instruction *instruction)
{
	int32_t slot = state->slot_depth;
	bool is_slot = instruction->source == X86_RSP && slot != CODE_UNKNOWN &&
		       instruction->offset == state->slot_offset;

	restore(state, instruction->destination,
		moved(depth_of(state, instruction->source), instruction->offset));
	if (instruction->destination == X86_RSP && is_slot)
		state->depth = slot;
}

static void step_store(struct code_state *state, const struct x86_instruction *instruction)
{
	save(state, instruction->source,
	     moved(depth_of(state, instruction->destination), instruction->offset));
	if (instruction->source == state->copy && instruction->destination == X86_RSP &&
	    instruction->offset >= 0) {
		state->slot_offset = instruction->offset;
		state->slot_depth = state->copy_depth;
	}
}

/* A function gives back what it was given, but for these. */
static void step_call(struct code_state *state)
{
	if (state->copy != X86_RBX && state->copy < 12)
		forget_copy(state);
}

static void step_other(struct code_state *state, const struct x86_instruction *instruction)
{
	for (uint8_t number = 0; number < X86_NO_REGISTER; number++) {
		if (instruction->written >> number & 1)
			overwrite(state, number);
	}
}

void code_state_step(struct code_state *state, const struct x86_instruction *instruction)
{
	switch (instruction->kind) {
	case X86_PUSH:
		step_push(state, instruction->source);
		break;
	case X86_POP:
		step_pop(state, instruction->destination);
		break;
	case X86_LEAVE:
		step_leave(state);
		break;
	case X86_MOVE:
		step_move(state, instruction);
		break;
	case X86_ALIGN:
		overwrite(state, instruction->destination);
		break;
	case X86_LOAD:
		step_load(state, instruction);
		break;
	case X86_STORE:
		step_store(state, instruction);
		break;
	case X86_CALL:
		step_call(state);
		break;
	default:
		step_other(state, instruction);
		break;
	}
}

static int32_t merge_depth(int32_t a, int32_t b)
{
	return a == b ? a : CODE_UNKNOWN;
}

bool code_state_merge(struct code_state *state, const struct code_state *other)
{
	state->depth = merge_depth(state->depth, other->depth);
	state->fp_depth = merge_depth(state->fp_depth, other->fp_depth);
	state->saved_fp = merge_depth(state->saved_fp, other->saved_fp);
	state->saved_bx = merge_depth(state->saved_bx, other->saved_bx);
	if (state->copy != other->copy || state->copy_depth != other->copy_depth)
		forget_copy(state);
	if (state->slot_offset != other->slot_offset || state->slot_depth != other->slot_depth)
		forget_slot(state);
	if (state->is_root != other->is_root || state->is_signal != other->is_signal)
		return false;
	return state->depth != CODE_UNKNOWN || state->fp_depth != CODE_UNKNOWN ||
	       state->slot_depth != CODE_UNKNOWN || state->copy != X86_NO_REGISTER;
}

static void set_saved(int32_t depth, uint8_t *ret_saved, int32_t *ret_offset)
{
	*ret_saved = !depth                  ? UNWIND_SAVED_SAME
		     : depth == CODE_UNKNOWN ? UNWIND_SAVED_UNDEFINED
					     : UNWIND_SAVED_AT_CFA;
	*ret_offset = *ret_saved == UNWIND_SAVED_AT_CFA ? -depth : 0;
}

static void set_cfa(struct unwind_rule *rule, uint8_t number, int32_t offset)
{
	static const uint8_t dwarf[] = { 0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

	rule->cfa = UNWIND_RULE_REGISTER;
	rule->cfa_register = dwarf[number];
	rule->cfa_offset = offset;
}

void code_state_rule(const struct code_state *state, struct unwind_rule *ret)
{
	*ret = (struct unwind_rule){ .cfa = UNWIND_RULE_NONE };
	if (state->is_root || state->is_signal) {
		ret->cfa = state->is_root ? UNWIND_RULE_END : UNWIND_RULE_SIGNAL;
		return;
	}
	if (state->fp_depth != CODE_UNKNOWN && state->fp_depth >= WORD) {
		set_cfa(ret, X86_RBP, state->fp_depth);
	} else if (state->depth != CODE_UNKNOWN && state->depth >= WORD) {
		set_cfa(ret, X86_RSP, state->depth);
	} else if (state->slot_depth != CODE_UNKNOWN) {
		set_cfa(ret, X86_RSP, state->slot_offset);
		ret->cfa = UNWIND_RULE_DEREF;
		ret->cfa_addend = state->slot_depth;
	} else if (state->copy != X86_NO_REGISTER) {
		set_cfa(ret, state->copy, state->copy_depth);
	} else {
		return;
	}
	ret->is_guess = true;
	ret->ra_saved = UNWIND_SAVED_AT_CFA;
	ret->ra_offset = -WORD;
	set_saved(state->saved_fp, &ret->fp_saved, &ret->fp_offset);
	set_saved(state->saved_bx, &ret->bx_saved, &ret->bx_offset);
}

static int32_t depth_saved(uint8_t saved, int32_t offset)
{
	if (saved == UNWIND_SAVED_SAME)
		return 0;
	return saved == UNWIND_SAVED_AT_CFA && offset < 0 ? moved(0, offset) : CODE_UNKNOWN;
}

bool code_state_of_rule(struct code_state *ret, const struct unwind_rule *rule)
{
	*ret = code_state_at_call();
	if (rule->cfa != UNWIND_RULE_REGISTER || rule->ra_saved != UNWIND_SAVED_AT_CFA ||
	    rule->ra_offset != -WORD)
		return false;
	ret->depth = CODE_UNKNOWN;
	if (rule->cfa_register == DWARF_RSP)
		ret->depth = moved(0, -(int64_t)rule->cfa_offset);
	else if (rule->cfa_register == DWARF_RBP)
		ret->fp_depth = moved(0, -(int64_t)rule->cfa_offset);
	else
		return false;
	ret->saved_fp = depth_saved(rule->fp_saved, rule->fp_offset);
	ret->saved_bx = depth_saved(rule->bx_saved, rule->bx_offset);
	return true;
}
