/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/executable_table.h"
#include "agent/quality.h"
#include "agent/window.h"
#include "pprof/profile.h"
#include "symbolizer/symbolizer.h"

/*
 * report - a window and names, made into a profile.
 *
 * The one place that knows places in executables as well as locations of a profile. Every distinct
 * place is named once. Each sample becomes a stack with at least one frame; a stack that is not
 * whole gets a frame in brackets that says why where the missing part would be.
 */

/* Where the parts come from; all borrowed. */
struct report_sources {
	const struct window *window;
	const struct executable_table *executables;
	struct symbolizer *symbolizer;
};

/* report_add() - fill @profile, and the parts of @quality that only the stacks can tell.
 *
 * Return: 0, or -ENOMEM. What cannot be named is no failure.
 */
int report_add(const struct report_sources *sources, struct profile *profile, uint64_t period_ns,
	       struct quality *quality);
