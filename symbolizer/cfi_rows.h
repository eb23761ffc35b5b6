/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/cfi_budget.h"
#include "symbolizer/unwind_table.h"

/*
 * cfi_rows - rows in the making: appended in the order of offsets, each rule kept once.
 */
struct cfi_rows;

/*
 * cfi_rows_new() - no rows yet.
 * @max_rows: more are -E2BIG
 * @budget: borrowed until the rows go
 *
 * Return: 0 or -ENOMEM.
 */
int cfi_rows_new(struct cfi_rows **out, size_t max_rows, struct cfi_budget *budget);

/*
 * cfi_rows_add() - from @offset on, @rule holds.
 *
 * Offsets never go down; of two at one offset the later one counts. A rule beyond what a table
 * may have is counted and becomes UNWIND_RULE_NONE.
 *
 * Return: 0, -E2BIG or -ENOMEM.
 */
int cfi_rows_add(struct cfi_rows *rows, uint64_t offset, const struct unwind_rule *rule);

/*
 * cfi_rows_cut() - after -E2BIG: keep what fits and can still be finished, and count the loss. From
 * the last row on nothing is known. Nothing can be added any more.
 *
 * Return: 0, or -E2BIG if nothing fits.
 */
int cfi_rows_cut(struct cfi_rows *rows);

/* cfi_rows_before() - the rule that held up to @offset, borrowed until rows are added. */
const struct unwind_rule *cfi_rows_before(const struct cfi_rows *rows, uint64_t offset);

/* cfi_rows_end() - from @offset on, nothing is known. */
int cfi_rows_end(struct cfi_rows *rows, uint64_t offset);

/*
 * cfi_rows_finish() - the rows as a table, which takes them; nothing can be added any more.
 *
 * Return: 0, -E2BIG or -ENOMEM.
 */
int cfi_rows_finish(struct cfi_rows *rows, struct unwind_table **out);

void cfi_rows_free(struct cfi_rows *rows);
DEFINE_AUTO(cfi_rows);
