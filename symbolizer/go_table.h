/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "agent/base/cleanup.h"
#include "symbolizer/cfi_budget.h"
#include "symbolizer/cfi_image.h"
#include "symbolizer/cfi_spans.h"

/*
 * go_table - the stack sizes in a Go program's own table as a source of rows.
 *
 * The table says of each instruction how far the stack pointer is below the return address. A
 * compiled function pushes rbp first if it has a frame at all. Functions of the runtime that leave their stack
 * have rules of their own (UNWIND_RULE_GO), made of their code.
 */
struct go_table;

/*
 * go_table_new() - the source of the functions in the file of @image.
 * @image, @budget: borrowed until the table goes
 *
 * Return: 0; -ENOENT if it is no Go program, or of an unknown version; -E2BIG; -EIO; -ENOMEM.
 */
int go_table_new(struct go_table **out, const struct cfi_image *image, struct cfi_budget *budget);

/* go_table_add_spans() - add all functions to @spans, as those of source @number. */
int go_table_add_spans(struct go_table *table, struct cfi_spans *spans, size_t number);

/* go_table_source() - its side that writes rows, borrowed. */
struct cfi_source *go_table_source(struct go_table *table);

void go_table_free(struct go_table *table);
DEFINE_AUTO(go_table);
