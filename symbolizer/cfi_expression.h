/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "symbolizer/cfi_reader.h"

/*
 * cfi_expression - what a DWARF expression comes to, if it is one of the few that occur.
 *
 * Compilers and people write them for realigned stacks, hand-written assembler, signal frames
 * and procedure linkage tables. All of these are a sum of registers and constants, or the
 * memory there and a constant: a form. It is found by running the expression with
 * forms in place of values.
 */
enum cfi_form_kind {
	CFI_FORM_UNKNOWN, /* none of the below */
	CFI_FORM_SUM,     /* base + index * scale + offset */
	CFI_FORM_DEREF,   /* *(base + index * scale + offset) + addend */
	CFI_FORM_PLT,     /* rsp + 8 + ((rip & 15) >= offset ? 8 : 0) */
};

enum {
	CFI_REGISTER_RAX,
	CFI_REGISTER_RBX = 3,
	CFI_REGISTER_RBP = 6,
	CFI_REGISTER_RSP = 7,
	CFI_REGISTER_RIP = 16,
	CFI_BASE_CFA = 0xfe, /* in place of a register: the canonical frame address */
	CFI_BASE_NONE = 0xff,
};

struct cfi_form {
	uint8_t kind;  /* enum cfi_form_kind */
	uint8_t base;  /* register, or CFI_BASE_... */
	uint8_t index; /* register, if scale is not 0 */
	uint8_t scale;
	int32_t offset;
	int32_t addend;
};

/* cfi_form_of_register() - @base + @offset; unknown if it is no general register, or too far. */
struct cfi_form cfi_form_of_register(uint64_t base, int64_t offset);

/* cfi_form_add() - @form + @value; unknown if that is too far. */
struct cfi_form cfi_form_add(struct cfi_form form, int64_t value);

/* cfi_form_is_register() - whether it is a register (or the cfa) and a constant, no more. */
bool cfi_form_is_register(const struct cfi_form *form);

/*
 * cfi_expression_read() - the form of an expression.
 * @expression: a reader of its bytes, all of them
 * @starts_with_cfa: whether it finds the canonical frame address on its stack
 */
struct cfi_form cfi_expression_read(struct cfi_reader expression, bool starts_with_cfa);
