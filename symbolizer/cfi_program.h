/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbolizer/cfi_expression.h"
#include "symbolizer/cfi_reader.h"

/*
 * cfi_program - runs the instructions that say, place after place, where the caller's registers are.
 *
 * Only those registers are followed that lead from frame to frame.
 */
enum cfi_slot {
	CFI_SLOT_RBX,
	CFI_SLOT_RBP,
	CFI_SLOT_RSP,
	CFI_SLOT_RA,
	CFI_SLOT_COUNT,
};

enum cfi_saved_kind {
	CFI_SAVED_DEFAULT, /* nothing was said */
	CFI_SAVED_SAME,
	CFI_SAVED_UNDEFINED,
	CFI_SAVED_AT, /* in memory, at the address that the form is */
	CFI_SAVED_IS, /* the value of the form */
};

struct cfi_saved {
	uint32_t kind; /* enum cfi_saved_kind */
	struct cfi_form form;
};

/* The answer at one place. Nothing is known where the cfa's form is unknown. */
struct cfi_state {
	struct cfi_form cfa;
	struct cfi_saved saved[CFI_SLOT_COUNT];
};

/* What the instructions of a function share with others: from its common information entry. */
struct cfi_dialect {
	uint64_t code_alignment;
	int64_t data_alignment;
	uint8_t pointer_encoding;
	bool is_signal_frame;
	struct cfi_bases bases;
	struct cfi_state initial; /* at the first instruction of a function */
};

enum {
	CFI_MAX_REMEMBERED = 16 /* compilers nest one or two deep */
};

struct cfi_program {
	const struct cfi_dialect *dialect;
	struct cfi_reader reader;
	uint64_t location; /* ELF virtual address that the state holds from */
	uint64_t next;     /* until there */
	bool is_broken;    /* it makes no sense from here on */
	struct cfi_state state;
	size_t remembered_count;
	struct cfi_state remembered[CFI_MAX_REMEMBERED];
};

/*
 * cfi_program_start() - make ready to run @instructions.
 * @dialect: borrowed, as are the bytes of @instructions, until it has run
 */
void cfi_program_start(struct cfi_program *program, const struct cfi_dialect *dialect,
		       struct cfi_reader instructions, uint64_t location);

/*
 * cfi_program_run() - on to the next place where something may change.
 *
 * The state then holds from @location up to @next, which is higher.
 *
 * Return: false at the end: the state holds from @location on, unless the program is broken.
 */
bool cfi_program_run(struct cfi_program *program);
