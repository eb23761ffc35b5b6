/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbolizer/unwind_table.h"

/*
 * cfi_budget - what compiling one file may use, and what it has lost so far.
 *
 * The bytes of a file decide how much work they are, so all memory that depends on them and all
 * work goes through here. A value; it owns nothing.
 */
struct cfi_budget {
	size_t max_bytes; /* memory */
	size_t bytes;
	size_t peak_bytes;
	uint64_t effort; /* bytes that may still be read or looked at */
	uint32_t lost[UNWIND_LOSS_COUNT];
};

/* cfi_budget_take() - about to allocate; 0, or -E2BIG if that is beyond the limit. */
int cfi_budget_take(struct cfi_budget *budget, size_t bytes);

/* cfi_budget_give() - has freed. */
void cfi_budget_give(struct cfi_budget *budget, size_t bytes);

/*
 * cfi_budget_grow() - make room for one more item in an owned {items, count, capacity} array.
 * @items: address of the array pointer
 *
 * Return: 0, -E2BIG or -ENOMEM, with the array as it was.
 */
int cfi_budget_grow(struct cfi_budget *budget, void *items, size_t *capacity, size_t count,
		    size_t item_size);

/* cfi_budget_lose() - count something that does not get into the table. */
static inline void cfi_budget_lose(struct cfi_budget *budget, enum unwind_loss loss)
{
	if (budget->lost[loss] != UINT32_MAX)
		budget->lost[loss]++;
}

/* cfi_budget_spend() - about to look at @bytes; false, and counted, if that is too much. */
static inline bool cfi_budget_spend(struct cfi_budget *budget, uint64_t bytes)
{
	if (bytes > budget->effort) {
		cfi_budget_lose(budget, UNWIND_LOST_EFFORT);
		return false;
	}
	budget->effort -= bytes;
	return true;
}
