/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/executable_table.h"
#include "agent/place_table.h"
#include "pprof/profile.h"
#include "symbolizer/symbolizer.h"

/*
 * place_names - the places of a window become locations of a profile.
 *
 * All places of one executable are asked in one batch. What has no symbol is called by its file
 * and address, libfoo.so+0x1231, never by a bare number.
 */
struct place_sources {
	const struct executable_table *executables; /* borrowed, like the rest */
	struct symbolizer *symbolizer;
	struct profile *profile;
};

/* place_names_add() - give every place of @table its location. 0 or -ENOMEM. */
int place_names_add(const struct place_sources *sources, struct place_table *table);

/* place_names_mark() - a location for a remark in brackets, such as "[truncated]". 0 or -ENOMEM. */
int place_names_mark(struct profile *profile, const char *text, uint64_t *ret_location);
