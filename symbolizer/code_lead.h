/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/cfi_budget.h"
#include "symbolizer/code_state.h"

/*
 * code_lead - where in a stretch of code functions begin, and other code that nothing runs into.
 *
 * From one pass over all instructions, one behind the other.
 */
struct code_lead;

/* A stretch of code, borrowed. */
struct code_region {
	const uint8_t *code;
	size_t size;              /* bytes, not 0, and below 4 GiB */
	uint64_t file_offset;     /* of the first byte; aligned as its address is */
	struct code_state before; /* at its first instruction, if what comes before runs into it */
	bool has_before;
	size_t entry; /* offset in the region of the program's first instruction, or size */
};

/*
 * code_lead_new() - look through @region, which must stay until the lead goes.
 *
 * Return: 0, -E2BIG beyond the budget's memory, or -ENOMEM.
 */
int code_lead_new(struct code_lead **out, const struct code_region *region,
		  struct cfi_budget *budget);

/* code_lead_read() - the instruction at @offset; false if there is none. */
bool code_lead_read(const struct code_lead *lead, size_t offset, struct x86_instruction *ret);

/* code_lead_is_function() - a function begins at @offset: it is called, or saves a register first. */
bool code_lead_is_function(const struct code_lead *lead, size_t offset);

/* code_lead_saves() - the instruction at @offset saves a register that a function keeps for its caller. */
bool code_lead_saves(const struct code_lead *lead, size_t offset);

/* code_lead_add_begin() - from now on, code begins at @offset. */
void code_lead_add_begin(struct code_lead *lead, size_t offset);

/*
 * code_lead_next() - where from @offset on the next function begins, or any code that the instruction before does
 * not run into; or the region's size.
 */
size_t code_lead_next(const struct code_lead *lead, size_t offset, bool only_functions);

/*
 * code_lead_plain() - the length of the instruction at @offset, if it goes to the next one and leaves a simple
 * state as it is; else 0. Most do, and need not be read again.
 */
size_t code_lead_plain(const struct code_lead *lead, size_t offset);

/*
 * code_lead_goes_on() - the instruction behind this one is run after it.
 *
 * A call in front of what pads the code up to the next function is one that does not return.
 */
bool code_lead_goes_on(const struct code_lead *lead, size_t offset,
		       const struct x86_instruction *instruction);

/* code_lead_size() - of the region. */
size_t code_lead_size(const struct code_lead *lead);

/* code_lead_is_aligned() - compilers would let a function begin at @offset. */
bool code_lead_is_aligned(const struct code_lead *lead, size_t offset);

/* code_lead_looks_like_function() - what a function begins with, and hardly anything else that is aligned so. */
bool code_lead_looks_like_function(const struct code_lead *lead, size_t offset);

/* code_lead_is_signal_return() - what the C library has a handler return to: mov $15,%rax or %eax, and syscall. */
bool code_lead_is_signal_return(const struct code_lead *lead, size_t offset);

/* code_lead_enter() - a walk may go to @offset: it was not told to lead nowhere, nor are there too many steps. */
bool code_lead_enter(struct code_lead *lead, size_t offset);

/* code_lead_note_nowhere() - a walk over @offset has told nothing, so that none need go there again. */
void code_lead_note_nowhere(struct code_lead *lead, size_t offset);

void code_lead_free(struct code_lead *lead);
DEFINE_AUTO(code_lead);
