// SPDX-License-Identifier: Apache-2.0
#include "agent/base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAPACITY = 16
};

int array_grow(void *items, size_t *capacity, size_t count, size_t item_size)
{
	size_t wanted = *capacity ? *capacity * 2 : FIRST_CAPACITY;
	void *old, *grown;

	if (count < *capacity)
		return 0;
	if (wanted > SIZE_MAX / item_size)
		return -ENOMEM;

	/* Every object pointer has one representation here; memcpy keeps aliasing rules. */
	memcpy(&old, items, sizeof(old));
	grown = realloc(old, wanted * item_size);
	if (!grown)
		return -ENOMEM;
	memcpy(items, &grown, sizeof(grown));
	*capacity = wanted;
	return 0;
}
