/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/cleanup.h"

/*
 * extent_pool - ranges of a memory that somebody else may still be reading when they are given back.
 *
 * First fit over free ranges, neighbours merged. A range that is given back is free only after
 * the next two turns, so that a reader which began before has come to its end.
 */
struct extent_pool;

/* extent_pool_new() - units from @first to @end - 1 are free. 0 or -ENOMEM. */
int extent_pool_new(struct extent_pool **out, uint32_t first, uint32_t end);

/* extent_pool_take() - @count units in a row; false if there are none. */
bool extent_pool_take(struct extent_pool *pool, uint32_t count, uint32_t *ret_first);

/* extent_pool_give() - give a range back. 0, or -ENOMEM: then it is lost. */
int extent_pool_give(struct extent_pool *pool, uint32_t first, uint32_t count);

/* extent_pool_turn() - time has passed: what was given back before the last turn is free. */
void extent_pool_turn(struct extent_pool *pool);

/* extent_pool_used() - units that are neither free nor on the way to be. */
uint32_t extent_pool_used(const struct extent_pool *pool);

/* extent_pool_pending() - units that a turn or two will free. */
uint32_t extent_pool_pending(const struct extent_pool *pool);

void extent_pool_free(struct extent_pool *pool);
DEFINE_AUTO(extent_pool);
