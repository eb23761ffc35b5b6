/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/base/cleanup.h"
#include "tests/replay/shadow_stack.h"

/*
 * dwfl_referee - the stack of a stopped process as libdw sees it, like eu-stack.
 *
 * It reads the same registers and memory, and shares no code with ours.
 */
struct dwfl_referee;

/* dwfl_referee_new() - attach to @pid, which this process traces, with the mappings it has now. */
int dwfl_referee_new(struct dwfl_referee **out, pid_t pid);

/* dwfl_referee_chain() - its frames, innermost first, at most @limit; gives their count. */
size_t dwfl_referee_chain(struct dwfl_referee *referee, struct shadow_frame *ret_frames,
			  size_t limit);

/* dwfl_referee_name() - of the function at @pc, or "?"; borrowed. */
const char *dwfl_referee_name(struct dwfl_referee *referee, uint64_t pc);

void dwfl_referee_free(struct dwfl_referee *referee);
DEFINE_AUTO(dwfl_referee);
