/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/cfi_budget.h"
#include "symbolizer/go_module.h"

/*
 * go_pclntab - the functions of a Go program, as its own runtime knows them.
 *
 * Reads the file some kilobytes at a time and keeps a megabyte of it, so that going along all functions
 * reads each part of the table about once. Nothing in it is believed: whatever is broken is
 * that function's loss alone.
 */
struct go_pclntab;

/* Flags of a function. Go 1.16 has none of them, 1.17 not the last. */
#define GO_FLAG_TOP_FRAME 1 /* the first of a stack */
#define GO_FLAG_SP_WRITE  2 /* writes to the stack pointer in ways that the stack sizes do not say */
#define GO_FLAG_ASSEMBLER 4

struct go_function {
	uint64_t address; /* ELF virtual address of its first byte */
	uint64_t size;    /* bytes up to the next function: padding is a part of it */
	uint32_t name;    /* position among the names */
	uint32_t stack;   /* position of its stack sizes among the values; 0: it has none (C) */
	uint8_t flags;
};

/*
 * go_pclntab_new() - read from the table of @module.
 * @module, @image, @budget: borrowed until the table goes
 *
 * Return: 0, -E2BIG or -ENOMEM.
 */
int go_pclntab_new(struct go_pclntab **out, const struct go_module *module,
		   const struct cfi_image *image, struct cfi_budget *budget);

/* go_pclntab_get() - function @index. Return: 0; -ENODATA if it is broken; -EIO. */
int go_pclntab_get(struct go_pclntab *table, uint64_t index, struct go_function *ret);

/*
 * go_pclntab_find_names() - where names stand, by one look at all of them.
 * @names: some names, ended by NULL
 * @ret_positions: of each; UINT32_MAX if it is not there
 *
 * Return: 0, -EIO or -ENOMEM.
 */
int go_pclntab_find_names(const struct go_pclntab *table, const char *const *names,
			  uint32_t *ret_positions);

/*
 * A walk along one of a function's tables of values: @value holds from byte @start of the function
 * up to @end. A value; it borrows the table.
 */
struct go_values {
	struct go_pclntab *table;
	uint64_t position; /* in the file's table, of the next byte */
	uint64_t limit;    /* bytes of the function */
	uint64_t start;
	uint64_t end;
	int32_t value;
	bool is_first;
	int error; /* -EIO, or -ENODATA where the table makes no sense; the walk has ended */
};

/* go_values_begin() - before the first value of the table at @values. */
struct go_values go_values_begin(struct go_pclntab *table, const struct go_function *function,
				 uint32_t values);

/* go_values_next() - on to the next value; false at the end. */
bool go_values_next(struct go_values *values);

void go_pclntab_free(struct go_pclntab *table);
DEFINE_AUTO(go_pclntab);
