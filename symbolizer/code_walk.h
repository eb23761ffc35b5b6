/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "symbolizer/code_lead.h"
#include "symbolizer/code_state.h"

/*
 * code_walk - what must hold where code begins, told by how it ends.
 *
 * A way from there to a return, where the stack pointer is where the call left it, or to code that is known.
 */

/* What is known of an offset so far, borrowed; NULL if nothing is. */
typedef const struct code_state *(*code_walk_known)(void *context, size_t offset);

/*
 * code_walk_state() - what must hold at @offset, where code begins, for it to end as it does.
 *
 * False if that cannot be told.
 */
bool code_walk_state(struct code_lead *lead, size_t offset, code_walk_known known, void *context,
		     struct code_state *ret);

/* code_walk_sure_state() - the same, found out without going on behind a call: it may not return. */
bool code_walk_sure_state(struct code_lead *lead, size_t offset, code_walk_known known,
			  void *context, struct code_state *ret);
