/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/cfi_budget.h"
#include "symbolizer/cfi_program.h"

/*
 * cfi_rule_make() - the rule that says what @state does, written to @rule.
 *
 * Where there is none, the rule is UNWIND_RULE_NONE, and a register that cannot be told is lost
 * alone; both are counted.
 */
void cfi_rule_make(struct unwind_rule *rule, const struct cfi_state *state, bool is_signal_frame,
		   struct cfi_budget *budget);
