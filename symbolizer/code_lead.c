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

size_t code_lead_size(const struct code_lead *lead)
{
	return lead->region.size;
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

bool code_lead_is_aligned(const struct code_lead *lead, size_t offset)
{
	return (lead->region.file_offset + offset) % FUNCTION_ALIGNMENT == 0;
}

bool code_lead_looks_like_function(const struct code_lead *lead, size_t offset)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	struct x86_instruction first;

	if (!code_lead_is_aligned(lead, offset) || !code_lead_read(lead, offset, &first))
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
	return at == lead->region.size ||
	       (code_lead_is_aligned(lead, at) && !(lead->marks[at] & MARK_LOOP));
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
			note_instruction(
				lead, offset, &instruction,
				has_ended || (was_padding && code_lead_is_aligned(lead, offset)));
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

bool code_lead_is_signal_return(const struct code_lead *lead, size_t offset)
{
	static const uint8_t long_form[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t short_form[] = { 0xb8, 15, 0, 0, 0, 0x0f, 0x05 };
	const uint8_t *code = lead->region.code + offset;
	size_t left = lead->region.size - offset;

	return (left >= sizeof(long_form) && !memcmp(code, long_form, sizeof(long_form))) ||
	       (left >= sizeof(short_form) && !memcmp(code, short_form, sizeof(short_form)));
}

bool code_lead_enter(struct code_lead *lead, size_t offset)
{
	if (offset >= lead->region.size || lead->marks[offset] & MARK_NOWHERE || !lead->steps)
		return false;
	lead->steps--;
	return true;
}

void code_lead_note_nowhere(struct code_lead *lead, size_t offset)
{
	lead->marks[offset] |= MARK_NOWHERE;
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
