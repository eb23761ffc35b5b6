// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/code_lead.h"

#include <stdlib.h>
#include <string.h>

enum {
	MARK_INSTRUCTION = 1, /* one begins here */
	MARK_CALLED = 2,
	MARK_BRANCHED = 4, /* some branch goes here: this is within a function */
	MARK_BEGIN = 8,    /* behind the end of other code, and what pads it */
	MARK_SAVES = 16,   /* ... and saves a register for a caller */
	MARK_NOWHERE = 32, /* a walk from here has told nothing */
	MARK_LOOP = 64,    /* some branch goes back here */
	FUNCTION_ALIGNMENT = 16,
	MAX_WALK = 1000,    /* instructions, to where code ends */
	MAX_WALKS = 4,      /* ways to go from one place */
	STEPS_PER_BYTE = 8, /* of all walks together */
	MIN_STEPS = 4096,
};

struct code_lead {
	struct code_region region;
	struct cfi_budget *budget;
	uint8_t *marks; /* by offset */
	uint8_t *plain; /* by offset: length of an instruction that is plain; or 0 */
	uint64_t steps; /* that walks may still take */
};

/* Two zeros are an instruction that nobody writes, and what linkers put between sections. */
static bool is_filling(const struct code_lead *lead, size_t offset)
{
	return offset + 1 < lead->region.size && !lead->region.code[offset] &&
	       !lead->region.code[offset + 1];
}

/* Where the zeros end that begin at @offset. */
static size_t skip_filling(const struct code_lead *lead, size_t offset)
{
	while (offset < lead->region.size && !lead->region.code[offset])
		offset++;
	return offset;
}

bool code_lead_read(const struct code_lead *lead, size_t offset, struct x86_instruction *ret)
{
	return offset < lead->region.size && !is_filling(lead, offset) &&
	       x86_instruction_read(ret, lead->region.code + offset, lead->region.size - offset);
}

bool code_lead_is_function(const struct code_lead *lead, size_t offset)
{
	uint8_t marks = offset < lead->region.size ? lead->marks[offset] : 0;

	if (!(marks & MARK_INSTRUCTION))
		return false;
	return marks & MARK_CALLED || (marks & (MARK_SAVES | MARK_BRANCHED)) == MARK_SAVES;
}

static bool is_of_frame(uint8_t number)
{
	return number == X86_RSP || number == X86_RBP || number == X86_RBX;
}

/* Whether it neither goes anywhere nor has to do with registers of which a state without copies knows. */
static bool is_plain(const struct x86_instruction *instruction)
{
	static const uint16_t of_frame = 1 << X86_RSP | 1 << X86_RBP | 1 << X86_RBX;

	switch (instruction->kind) {
	case X86_OTHER:
	case X86_PADDING:
		return !(instruction->written & of_frame);
	case X86_LOAD:
		return !is_of_frame(instruction->destination);
	case X86_STORE:
		return !is_of_frame(instruction->source);
	case X86_MOVE:
		return !is_of_frame(instruction->destination) && !is_of_frame(instruction->source);
	default:
		return false;
	}
}

size_t code_lead_next(const struct code_lead *lead, size_t offset, bool only_functions)
{
	size_t size = lead->region.size;

	if (only_functions) {
		while (offset < size && !code_lead_is_function(lead, offset))
			offset++;
	} else {
		while (offset < size && !(lead->marks[offset] & MARK_BEGIN))
			offset++;
	}
	return offset;
}

size_t code_lead_plain(const struct code_lead *lead, size_t offset)
{
	return offset < lead->region.size ? lead->plain[offset] : 0;
}

/* What only the begin of a function does: it saves a register for its caller. */
static bool saves_register(const struct x86_instruction *instruction)
{
	return instruction->kind == X86_PUSH &&
	       (instruction->source == X86_RBX || instruction->source == X86_RBP ||
		(instruction->source >= 12 && instruction->source < X86_NO_REGISTER));
}

static bool ends_code(const struct x86_instruction *instruction)
{
	switch (instruction->kind) {
	case X86_RETURN:
	case X86_JUMP:
	case X86_JUMP_INDIRECT:
	case X86_STOP:
		return true;
	default:
		return false;
	}
}

/* A call of the next instruction is no call of a function: it asks where it is. */
static void note_target(struct code_lead *lead, size_t offset,
			const struct x86_instruction *instruction)
{
	int64_t target = (int64_t)offset + instruction->target;

	if (!instruction->has_target || target < 0 || (uint64_t)target >= lead->region.size ||
	    instruction->target == instruction->length)
		return;
	if (instruction->kind == X86_CALL)
		lead->marks[target] |= MARK_CALLED;
	else if (instruction->kind == X86_BRANCH)
		lead->marks[target] |= MARK_BRANCHED | (instruction->target < 0 ? MARK_LOOP : 0);
}

/* Whether compilers would let a function begin at @offset. */
static bool is_aligned(const struct code_lead *lead, size_t offset)
{
	return (lead->region.file_offset + offset) % FUNCTION_ALIGNMENT == 0;
}

/* What a function begins with, and hardly anything else that is aligned as one. */
static bool looks_like_function(const struct code_lead *lead, size_t offset)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	struct x86_instruction first;

	if (!is_aligned(lead, offset) || !code_lead_read(lead, offset, &first))
		return false;
	if (first.length == sizeof(endbr64) &&
	    !memcmp(lead->region.code + offset, endbr64, sizeof(endbr64)))
		return true;
	return first.kind == X86_PUSH || first.kind == X86_JUMP_INDIRECT ||
	       (first.kind == X86_MOVE && first.destination == X86_RSP && first.offset < 0);
}

/*
 * Whether from @offset on there is nothing but padding, up to where a function may begin, and not a loop of
 * this one.
 */
static bool is_padding(const struct code_lead *lead, size_t offset)
{
	struct x86_instruction instruction;
	size_t at = offset;

	while (code_lead_read(lead, at, &instruction) && instruction.kind == X86_PADDING)
		at += instruction.length;
	if (at == offset)
		return false;
	return at == lead->region.size || (is_aligned(lead, at) && !(lead->marks[at] & MARK_LOOP));
}

bool code_lead_saves(const struct code_lead *lead, size_t offset)
{
	struct x86_instruction instruction;

	return code_lead_read(lead, offset, &instruction) && saves_register(&instruction);
}

void code_lead_add_begin(struct code_lead *lead, size_t offset)
{
	if (offset >= lead->region.size)
		return;
	lead->marks[offset] |= MARK_BEGIN;
	if (code_lead_saves(lead, offset))
		lead->marks[offset] |= MARK_SAVES;
}

/* An instruction that is no padding. @is_first: nothing runs into it, as far as can be told. */
static void note_instruction(struct code_lead *lead, size_t offset,
			     const struct x86_instruction *instruction, bool is_first)
{
	if (is_first)
		code_lead_add_begin(lead, offset);
	note_target(lead, offset, instruction);
}

static void look_through(struct code_lead *lead)
{
	bool has_ended = true, was_padding = false;

	for (size_t offset = 0; offset < lead->region.size;) {
		struct x86_instruction instruction;

		if (!code_lead_read(lead, offset, &instruction)) {
			has_ended = true;
			offset = is_filling(lead, offset) ? skip_filling(lead, offset) : offset + 1;
			continue;
		}
		lead->marks[offset] |= MARK_INSTRUCTION;
		lead->plain[offset] = is_plain(&instruction) ? instruction.length : 0;
		if (instruction.kind != X86_PADDING) {
			note_instruction(lead, offset, &instruction,
					 has_ended || (was_padding && is_aligned(lead, offset)));
			has_ended = ends_code(&instruction) ||
				    (instruction.kind == X86_CALL &&
				     is_padding(lead, offset + instruction.length));
		}
		was_padding = instruction.kind == X86_PADDING;
		offset += instruction.length;
	}
}

int code_lead_new(struct code_lead **out, const struct code_region *region,
		  struct cfi_budget *budget)
{
	int err = cfi_budget_take(budget, 2 * region->size);
	AUTO(code_lead) lead = err ? NULL : calloc(1, sizeof(*lead));

	if (err)
		return err;
	if (!lead) {
		cfi_budget_give(budget, 2 * region->size);
		return -ENOMEM;
	}
	lead->region = *region;
	lead->steps = (uint64_t)region->size * STEPS_PER_BYTE + MIN_STEPS;
	lead->budget = budget;
	lead->marks = calloc(region->size, 1);
	lead->plain = calloc(region->size, 1);
	if (!lead->marks || !lead->plain)
		return -ENOMEM;
	look_through(lead);

	*out = take(lead);
	return 0;
}

bool code_lead_goes_on(const struct code_lead *lead, size_t offset,
		       const struct x86_instruction *instruction)
{
	size_t next = offset + instruction->length;

	if (ends_code(instruction))
		return false;
	return instruction->kind != X86_CALL ||
	       (!code_lead_is_function(lead, next) && !is_padding(lead, next));
}

/* ---- backwards --------------------------------------------------------------------------------- */

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
		      (uint64_t)target >= lead->region.size ||
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
	if (target >= 0 && (uint64_t)target < lead->region.size && walk->branch_count < MAX_WALKS)
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

static bool walk_from(struct code_lead *lead, struct walk *walk, code_lead_known known,
		      void *context, struct code_state *ret)
{
	for (walk->steps = 0; walk->steps < MAX_WALK && lead->steps; lead->steps--) {
		const struct code_state *state = known(context, walk->offset);
		enum walk_end end;

		if (state && walk->steps)
			return join(walk, state, ret);
		if (walk->offset >= lead->region.size || lead->marks[walk->offset] & MARK_NOWHERE)
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
		lead->marks[walk->trail[i]] |= MARK_NOWHERE;
}

/* What the C library has a signal handler return to: mov $15,%rax or %eax, and syscall. */
static bool is_signal_return(const struct code_lead *lead, size_t offset)
{
	static const uint8_t long_form[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t short_form[] = { 0xb8, 15, 0, 0, 0, 0x0f, 0x05 };
	const uint8_t *code = lead->region.code + offset;
	size_t left = lead->region.size - offset;

	return (left >= sizeof(long_form) && !memcmp(code, long_form, sizeof(long_form))) ||
	       (left >= sizeof(short_form) && !memcmp(code, short_form, sizeof(short_form)));
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

static bool walk_all(struct code_lead *lead, struct walk *walk, code_lead_known known,
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

bool code_lead_state(struct code_lead *lead, size_t offset, code_lead_known known, void *context,
		     struct code_state *ret)
{
	struct walk walk;

	*ret = code_state_at_call();
	if (code_lead_is_function(lead, offset))
		return true;
	if (is_signal_return(lead, offset)) {
		ret->is_signal = true;
		return true;
	}
	start_walk(&walk, offset, false);
	if (walk_all(lead, &walk, known, context, ret))
		return true;
	*ret = code_state_at_call();
	return looks_like_function(lead, offset) || (walk.is_endless && is_aligned(lead, offset));
}

bool code_lead_sure_state(struct code_lead *lead, size_t offset, code_lead_known known,
			  void *context, struct code_state *ret)
{
	struct walk walk;

	start_walk(&walk, offset, true);
	return walk_all(lead, &walk, known, context, ret);
}

void code_lead_free(struct code_lead *lead)
{
	if (!lead)
		return;
	cfi_budget_give(lead->budget, 2 * lead->region.size);
	free(lead->marks);
	free(lead->plain);
	free(lead);
}
