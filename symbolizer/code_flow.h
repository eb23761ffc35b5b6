/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/cfi_budget.h"
#include "symbolizer/code_lead.h"
#include "symbolizer/code_state.h"

/*
 * code_flow - the state before each instruction of a stretch of code that nothing describes.
 *
 * Follows calls and jumps from what must be the begin of a function: what is called, the entry point,
 * what stands behind the end of another function. What is reached by a table of jumps only is told
 * by where it goes itself: to code that is known, or to a return, where the stack pointer is
 * where the call left it. A function in which that is not so is taken for unknown as a whole, so that hand-written
 * and damaged code lose their own rows and do not lead anywhere else.
 */
struct code_flow;

/*
 * code_flow_new() - follow @region, which must stay until the flow goes.
 *
 * Return: 0, -E2BIG beyond the budget's memory, or -ENOMEM.
 */
int code_flow_new(struct code_flow **out, const struct code_region *region,
		  struct cfi_budget *budget);

/* code_flow_find() - the state before the instruction at @offset, borrowed; NULL if it is unknown. */
const struct code_state *code_flow_find(const struct code_flow *flow, size_t offset);

void code_flow_free(struct code_flow *flow);
DEFINE_AUTO(code_flow);
