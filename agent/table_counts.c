// SPDX-License-Identifier: Apache-2.0
#include "agent/table_counts.h"

#include "agent/base/clock.h"
#include "agent/base/log.h"

static const char *const source_names[TABLE_SOURCE_COUNT] = {
	[TABLE_COMPILED] = "compiled",
	[TABLE_CACHED] = "read",
	[TABLE_FROM_DEBUG_FILE] = "compiled with its debug file",
};

void table_counts_add(struct table_counts *counts, const struct table_result *result,
		      const char *path, uint64_t first_seen_ns)
{
	uint64_t since = first_seen_ns ? clock_ns(CLOCK_MONOTONIC) - first_seen_ns : 0;

	counts->loaded[result->source]++;
	counts->partial += result->table->lost[UNWIND_LOST_SIZE] != 0;
	if (since > counts->slowest_ns)
		counts->slowest_ns = since;
	log_debug("unwind table of %s: %zu rows, %.1f ms after first sight "
		  "(waited %.1f, %s in %.1f, %.1f of CPU)",
		  path, result->table->row_count, (double)since / 1e6,
		  (double)result->waited_ns / 1e6, source_names[result->source],
		  (double)result->took_ns / 1e6, (double)result->cpu_ns / 1e6);
}

void table_counts_log(const struct table_counts *counts)
{
	log_debug("unwind tables: %zu compiled, %zu of them with a debug file, %zu read from the "
		  "cache; %zu before a sample; %zu partial, %zu evicted, %zu files broken; "
		  "%.1f ms of CPU; the slowest was there %.1f ms after first sight",
		  counts->loaded[TABLE_COMPILED] + counts->loaded[TABLE_FROM_DEBUG_FILE],
		  counts->loaded[TABLE_FROM_DEBUG_FILE], counts->loaded[TABLE_CACHED],
		  counts->expected, counts->partial, counts->evicted, counts->failed,
		  (double)counts->cpu_ns / 1e6, (double)counts->slowest_ns / 1e6);
}
