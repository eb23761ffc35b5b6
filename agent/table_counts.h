/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/table_loader.h"

/*
 * table_counts - what became of the unwind tables that were asked for.
 *
 * A plain value, first all 0.
 */
struct table_counts {
	size_t loaded[TABLE_SOURCE_COUNT]; /* by where they came from */
	size_t expected;                   /* of them, before a sample was in their file */
	size_t partial;                    /* of them, cut to fit the limits */
	size_t failed;                     /* files that could not be read, or are broken */
	size_t evicted;
	uint64_t cpu_ns;          /* used by the loader's threads */
	uint64_t slowest_ns;      /* from the first sight of a file to its table */
	uint64_t expected_cpu_ns; /* of cpu_ns, for files that no sample was in */
};

/*
 * table_counts_add() - a table is in the memory now.
 * @path: of its file, for the log
 * @first_seen_ns: CLOCK_MONOTONIC; 0: no sample was in it
 */
void table_counts_add(struct table_counts *counts, const struct table_result *result,
		      const char *path, uint64_t first_seen_ns);

/* table_counts_log() - all of it, for whoever wants to know what goes on inside. */
void table_counts_log(const struct table_counts *counts);
