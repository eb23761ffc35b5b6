/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * progress - one line on a terminal that is drawn over itself; nothing in a pipe.
 */
struct progress {
	bool is_shown;
	uint64_t total_ns; /* 0: no end is known */
};

/* progress_start() - shown if standard error is a terminal and @wanted. */
struct progress progress_start(bool wanted, uint64_t total_ns);

void progress_draw(const struct progress *progress, uint64_t elapsed_ns, uint64_t samples);

/* progress_end() - leaves an empty line for what comes next. */
void progress_end(const struct progress *progress);
