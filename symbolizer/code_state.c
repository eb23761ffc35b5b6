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
		.room = CODE_UNKNOWN,
		.copy = X86_NO_REGISTER,
		.slot_register = X86_RSP,
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

static void set_slot(struct code_state *state, uint8_t number, int32_t offset, int32_t depth)
{
	state->slot_register = number;
	state->slot_offset = offset;
	state->slot_depth = depth;
}

/* @number no longer says where the slot is. */
static void forget_slot(struct code_state *state, uint8_t number)
{
	if (state->slot_register == number)
		set_slot(state, X86_RSP, 0, CODE_UNKNOWN);
}

/* What register @number + @offset points to holds an address of the frame: its depth, or unknown. */
static int32_t slot_at(const struct code_state *state, uint8_t number, int64_t offset)
{
	return number == state->slot_register && offset == state->slot_offset ? state->slot_depth
									      : CODE_UNKNOWN;
}

/* The same of what is on top of the stack. */
static int32_t slot_on_top(const struct code_state *state)
{
	if (state->slot_register == X86_RSP)
		return slot_at(state, X86_RSP, 0);
	return state->room == CODE_UNKNOWN ? CODE_UNKNOWN
					   : slot_at(state, X86_RBP, -(int64_t)state->room);
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
	forget_slot(state, number);
	if (number == state->copy)
		forget_copy(state);
	if (number == X86_RBP) {
		state->fp_depth = CODE_UNKNOWN;
		state->has_record = false;
	}
	if (number == X86_RSP)
		state->depth = CODE_UNKNOWN;
	if (number == X86_RBP || number == X86_RSP) {
		state->room = CODE_UNKNOWN;
		state->has_fp_on_top = false;
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

/* @number comes from a place that held an address of @depth, or unknown. */
static void load_copy(struct code_state *state, uint8_t number, int32_t depth)
{
	if (depth == CODE_UNKNOWN || number == X86_RBP || number == X86_NO_REGISTER)
		return;
	if (number == X86_RSP) {
		state->depth = depth;
		return;
	}
	state->copy = number;
	state->copy_depth = depth;
}

/* The stack pointer goes up by @bytes. */
static void move_stack(struct code_state *state, int64_t bytes)
{
	int64_t slot = (int64_t)state->slot_offset - bytes;

	state->depth = moved(state->depth, bytes);
	state->room = moved(state->room, bytes);
	state->has_fp_on_top = false;
	if (state->slot_depth == CODE_UNKNOWN || state->slot_register != X86_RSP)
		return;
	if (slot < 0 || slot > MAX_DEPTH)
		forget_slot(state, X86_RSP);
	else
		state->slot_offset = (int32_t)slot;
}

static void step_push(struct code_state *state, uint8_t source)
{
	bool is_copy = source != X86_NO_REGISTER && source == state->copy;

	move_stack(state, -WORD);
	save(state, source, state->depth);
	if (state->depth != CODE_UNKNOWN)
		return;
	state->has_fp_on_top = source == X86_RBP && !state->saved_fp;
	if (is_copy && state->room != CODE_UNKNOWN)
		set_slot(state, X86_RBP, -state->room, state->copy_depth);
	else if (is_copy)
		set_slot(state, X86_RSP, 0, state->copy_depth);
}

static void step_pop(struct code_state *state, uint8_t destination)
{
	bool is_record = destination == X86_RBP && state->has_record && !state->room;
	int32_t slot = slot_on_top(state);

	restore(state, destination, state->depth);
	if (is_record)
		state->saved_fp = 0;
	if (destination != X86_RSP)
		move_stack(state, WORD);
	load_copy(state, destination, slot);
}

static void step_leave(struct code_state *state)
{
	state->depth = state->fp_depth;
	state->room = state->has_record ? 0 : CODE_UNKNOWN;
	forget_slot(state, X86_RSP);
	step_pop(state, X86_RBP);
}

/* rbp = rsp + offset, or the other way round. */
static void step_frame(struct code_state *state, uint8_t destination, int64_t offset)
{
	bool is_record = state->has_fp_on_top && !offset;
	bool has_record = state->has_record;

	overwrite(state, destination);
	if (destination == X86_RBP && is_record) {
		state->has_record = true;
		state->room = 0;
	} else if (destination == X86_RSP && has_record) {
		state->room = moved(0, offset);
	}
}

static void step_move(struct code_state *state, const struct x86_instruction *instruction)
{
	int32_t depth = moved(depth_of(state, instruction->source), instruction->offset);
	uint8_t destination = instruction->destination, source = instruction->source;

	if (destination == X86_RSP && source == X86_RSP) {
		move_stack(state, instruction->offset);
		return;
	}
	if ((destination == X86_RBP && source == X86_RSP) ||
	    (destination == X86_RSP && source == X86_RBP))
		step_frame(state, destination, instruction->offset);
	else
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
	int32_t slot = slot_at(state, instruction->source, instruction->offset);

	restore(state, instruction->destination,
		moved(depth_of(state, instruction->source), instruction->offset));
	load_copy(state, instruction->destination, slot);
}

static void step_store(struct code_state *state, const struct x86_instruction *instruction)
{
	uint8_t base = instruction->destination;

	save(state, instruction->source, moved(depth_of(state, base), instruction->offset));
	if (instruction->source != state->copy || instruction->source == X86_NO_REGISTER)
		return;
	if ((base == X86_RSP && instruction->offset >= 0) || (base == X86_RBP && state->has_record))
		set_slot(state, base, instruction->offset, state->copy_depth);
}

/* A function gives back what it was given, but for these. */
static void step_call(struct code_state *state)
{
	if (state->copy != X86_RBX && state->copy < 12)
		forget_copy(state);
}

static void step_other(struct code_state *state, const struct x86_instruction *instruction)
{
	uint32_t followed = 1U << X86_RBX | 1U << X86_RSP | 1U << X86_RBP | 1U << state->copy;

	/* Mostly it is none of these. */
	for (uint32_t left = instruction->written & followed; left; left &= left - 1)
		overwrite(state, (uint8_t)__builtin_ctz(left));
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
	if (state->slot_offset != other->slot_offset || state->slot_depth != other->slot_depth ||
	    state->slot_register != other->slot_register)
		forget_slot(state, state->slot_register);
	state->room = merge_depth(state->room, other->room);
	state->has_record &= other->has_record;
	state->has_fp_on_top &= other->has_fp_on_top;
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
		set_cfa(ret, state->slot_register, state->slot_offset);
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
	if (state->has_record && state->saved_fp == CODE_UNKNOWN) {
		ret->fp_saved = UNWIND_SAVED_AT_REGISTER;
		ret->saved_base = DWARF_RBP;
	}
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
