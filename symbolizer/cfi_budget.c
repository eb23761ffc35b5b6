// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_budget.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAPACITY = 1024
};

int cfi_budget_take(struct cfi_budget *budget, size_t bytes)
{
	if (bytes > budget->max_bytes - budget->bytes)
		return -E2BIG;
	budget->bytes += bytes;
	if (budget->bytes > budget->peak_bytes)
		budget->peak_bytes = budget->bytes;
	return 0;
}

void cfi_budget_give(struct cfi_budget *budget, size_t bytes)
{
	budget->bytes -= bytes;
}

/* Half as much again, or less where the limit is near: the last steps are small. */
static size_t next_capacity(const struct cfi_budget *budget, size_t capacity, size_t item_size)
{
	size_t room = (budget->max_bytes - budget->bytes) / item_size;
	size_t wanted = capacity / 2 > FIRST_CAPACITY ? capacity / 2 : FIRST_CAPACITY;

	return capacity + (wanted < room ? wanted : room);
}

int cfi_budget_grow(struct cfi_budget *budget, void *items, size_t *capacity, size_t count,
		    size_t item_size)
{
	void *old, *grown;
	size_t wanted;

	if (count < *capacity)
		return 0;
	wanted = next_capacity(budget, *capacity, item_size);
	if (wanted == *capacity)
		return -E2BIG;

	/* Every object pointer has one representation here; memcpy keeps aliasing rules. */
	memcpy(&old, items, sizeof(old));
	grown = realloc(old, wanted * item_size);
	if (!grown)
		return -ENOMEM;
	memcpy(items, &grown, sizeof(grown));
	cfi_budget_take(budget, (wanted - *capacity) * item_size);
	*capacity = wanted;
	return 0;
}
