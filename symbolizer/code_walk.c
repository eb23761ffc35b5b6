// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/code_walk.h"

enum {
	MAX_WALK = 1000, /* instructions, to where code ends */
	MAX_WALKS = 4,   /* ways to go from one place */
};

/* Another way to go, and what is left to find out about it. */
struct branch {
	size_t offset;
	int32_t depth;
};

/* A way from where code begins to where it ends. */
struct walk {
	size_t offset;
	struct code_state
		state;   /* as if the stack pointer were where the call left it at the begin */
	int32_t pops_fp; /* depth at which rbp is taken from the stack; 0: it is not */
	int32_t pops_bx;
	struct branch branches[MAX_WALKS]; /* that were not taken */
	size_t branch_count;
	bool stops_at_calls;
	bool is_endless; /* it has come back to where it was, without a way out */
	size_t steps;
	uint32_t trail[MAX_WALK];
};

enum walk_end {
	WALK_ON,
	WALK_FOUND,
	WALK_NOWHERE,
};

/* It was @true_depth all the time and not what the walk took it for at its end. */
static bool shift(const struct walk *walk, int32_t true_depth, struct code_state *ret)
{
	int32_t shift;

	if (walk->state.depth == CODE_UNKNOWN || true_depth == CODE_UNKNOWN)
		return false;
	shift = true_depth - walk->state.depth;
	ret->depth = CODE_DEPTH_AT_CALL + shift;
	if (walk->pops_fp)
		ret->saved_fp = walk->pops_fp + shift;
	if (walk->pops_bx)
		ret->saved_bx = walk->pops_bx + shift;
	return ret->depth >= CODE_DEPTH_AT_CALL;
}

/* rbp is used as a frame pointer, as every function that has one sets it up. */
static void set_frame(struct code_state *ret)
{
	ret->depth = CODE_UNKNOWN;
	ret->fp_depth = 2 * CODE_DEPTH_AT_CALL;
	ret->saved_fp = 2 * CODE_DEPTH_AT_CALL;
}

/* The walk has come to code of which @known holds. */
static bool join(const struct walk *walk, const struct code_state *known, struct code_state *ret)
{
	ret->fp_depth = known->fp_depth;
	ret->saved_fp = known->saved_fp;
	ret->saved_bx = known->saved_bx;
	if (shift(walk, known->depth, ret))
		return true;
	ret->depth = CODE_UNKNOWN;
	return known->fp_depth != CODE_UNKNOWN;
}

static bool takes_frame_down(const struct x86_instruction *instruction)
{
	return instruction->kind == X86_LEAVE ||
	       (instruction->kind == X86_MOVE && instruction->destination == X86_RSP &&
		instruction->source == X86_RBP);
}

static bool has_been_at(const struct walk *walk, uint32_t offset)
{
	size_t i = 0;

	while (i < walk->steps && walk->trail[i] != offset)
		i++;
	return i < walk->steps;
}

/* Goes to the jump's target, or ends where it leaves the function: then it is a call without return. */
static enum walk_end walk_jump(const struct code_lead *lead, struct walk *walk,
			       const struct x86_instruction *instruction, struct code_state *ret)
{
	int64_t target = (int64_t)walk->offset + instruction->target;
	bool leaves = !instruction->has_target || target < 0 ||
		      (uint64_t)target >= code_lead_size(lead) ||
		      code_lead_is_function(lead, (size_t)target);

	if (!instruction->has_target && !instruction->is_rip_relative)
		return WALK_NOWHERE;
	if (leaves)
		return shift(walk, CODE_DEPTH_AT_CALL, ret) ? WALK_FOUND : WALK_NOWHERE;
	walk->is_endless = !walk->branch_count && has_been_at(walk, (uint32_t)target);
	walk->offset = (size_t)target;
	return walk->is_endless ? WALK_NOWHERE : WALK_ON;
}

static void note_pop(struct walk *walk, const struct x86_instruction *instruction)
{
	if (instruction->kind != X86_POP || walk->state.depth == CODE_UNKNOWN)
		return;
	if (instruction->destination == X86_RBP && !walk->pops_fp)
		walk->pops_fp = walk->state.depth;
	if (instruction->destination == X86_RBX && !walk->pops_bx)
		walk->pops_bx = walk->state.depth;
}

static void note_branch(const struct code_lead *lead, struct walk *walk, int64_t target)
{
	if (target >= 0 && (uint64_t)target < code_lead_size(lead) &&
	    walk->branch_count < MAX_WALKS)
		walk->branches[walk->branch_count++] =
			(struct branch){ (size_t)target, walk->state.depth };
}

static enum walk_end walk_step(const struct code_lead *lead, struct walk *walk,
			       struct code_state *ret)
{
	struct x86_instruction instruction;
	size_t plain = code_lead_plain(lead, walk->offset);

	if (plain && code_state_is_simple(&walk->state)) {
		walk->offset += plain;
		return WALK_ON;
	}
	if (!code_lead_read(lead, walk->offset, &instruction))
		return WALK_NOWHERE;
	if (walk->state.fp_depth == CODE_UNKNOWN && !walk->state.has_record &&
	    takes_frame_down(&instruction)) {
		set_frame(ret);
		return WALK_FOUND;
	}
	note_pop(walk, &instruction);
	if (instruction.kind == X86_RETURN)
		return shift(walk, CODE_DEPTH_AT_CALL, ret) ? WALK_FOUND : WALK_NOWHERE;
	if (instruction.kind == X86_JUMP || instruction.kind == X86_JUMP_INDIRECT)
		return walk_jump(lead, walk, &instruction, ret);
	if (!code_lead_goes_on(lead, walk->offset, &instruction) ||
	    (walk->stops_at_calls && instruction.kind == X86_CALL))
		return WALK_NOWHERE;
	code_state_step(&walk->state, &instruction);
	if (instruction.kind == X86_BRANCH)
		note_branch(lead, walk, (int64_t)walk->offset + instruction.target);
	walk->offset += instruction.length;
	return WALK_ON;
}

static bool walk_from(struct code_lead *lead, struct walk *walk, code_walk_known known,
		      void *context, struct code_state *ret)
{
	walk->steps = 0;
	while (walk->steps < MAX_WALK) {
		const struct code_state *state = known(context, walk->offset);
		enum walk_end end;

		if (state && walk->steps)
			return join(walk, state, ret);
		if (!code_lead_enter(lead, walk->offset))
			return false;
		walk->trail[walk->steps++] = (uint32_t)walk->offset;
		end = walk_step(lead, walk, ret);
		if (end != WALK_ON)
			return end == WALK_FOUND;
	}
	return false;
}

/* So that no instruction is walked over again and again. */
static void note_nowhere(struct code_lead *lead, const struct walk *walk)
{
	if (walk->stops_at_calls)
		return;
	for (size_t i = 0; i < walk->steps; i++)
		code_lead_note_nowhere(lead, walk->trail[i]);
}

static void turn_walk(struct walk *walk, size_t offset, int32_t depth)
{
	walk->offset = offset;
	walk->state = code_state_at_call();
	walk->state.depth = depth;
	walk->pops_fp = walk->pops_bx = 0;
}

static void start_walk(struct walk *walk, size_t offset, bool stops_at_calls)
{
	turn_walk(walk, offset, CODE_DEPTH_AT_CALL);
	walk->branch_count = 0;
	walk->is_endless = false;
	walk->stops_at_calls = stops_at_calls;
}

static bool walk_all(struct code_lead *lead, struct walk *walk, code_walk_known known,
		     void *context, struct code_state *ret)
{
	for (size_t i = 0;; i++) {
		*ret = code_state_at_call();
		if (walk_from(lead, walk, known, context, ret))
			return true;
		note_nowhere(lead, walk);
		if (i == walk->branch_count)
			return false;
		turn_walk(walk, walk->branches[i].offset, walk->branches[i].depth);
	}
}

bool code_walk_state(struct code_lead *lead, size_t offset, code_walk_known known, void *context,
		     struct code_state *ret)
{
	struct walk walk;

	*ret = code_state_at_call();
	if (code_lead_is_function(lead, offset))
		return true;
	if (code_lead_is_signal_return(lead, offset)) {
		ret->is_signal = true;
		return true;
	}
	start_walk(&walk, offset, false);
	if (walk_all(lead, &walk, known, context, ret))
		return true;
	*ret = code_state_at_call();
	return code_lead_looks_like_function(lead, offset) ||
	       (walk.is_endless && code_lead_is_aligned(lead, offset));
}

bool code_walk_sure_state(struct code_lead *lead, size_t offset, code_walk_known known,
			  void *context, struct code_state *ret)
{
	struct walk walk;

	start_walk(&walk, offset, true);
	return walk_all(lead, &walk, known, context, ret);
}
