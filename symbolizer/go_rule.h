/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "symbolizer/go_code.h"
#include "symbolizer/unwind_table.h"

/* What the rule of an instruction in a Go function depends on. */
struct go_place {
	enum go_kind kind;
	enum go_state state;
	int32_t stack;     /* bytes between the stack pointer and the return address */
	int32_t max_stack; /* the most in this function */
};

/* go_rule_make() - the rule that says how the caller of @place is found, written to @rule. */
void go_rule_make(struct unwind_rule *rule, const struct go_place *place,
		  const struct go_offsets *offsets);
