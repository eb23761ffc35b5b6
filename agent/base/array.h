/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <stddef.h>

/*
 * array - growth for plain {items, count, capacity} triples.
 *
 * The owner keeps the three fields in its own struct and frees @items with free(3).
 */

/*
 * array_grow() - make room for one more item.
 * @items: address of the owned array pointer, replaced when it grows
 * @capacity: items that fit, updated with it
 * @count: items in use
 *
 * Return: 0 or -ENOMEM, with the array as it was.
 */
int array_grow(void *items, size_t *capacity, size_t count, size_t item_size);

/* array_add() - append @value to @array's @items/@count/@capacity; 0 or -ENOMEM. */
#define array_add(array, value)                                                            \
	({                                                                                 \
		int err_ = array_grow(&(array)->items, &(array)->capacity, (array)->count, \
				      sizeof(*(array)->items));                            \
		if (!err_)                                                                 \
			(array)->items[(array)->count++] = (value);                        \
		err_;                                                                      \
	})
