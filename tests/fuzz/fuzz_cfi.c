// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbolizer/unwind_table.h"

/*
 * Any bytes as an executable: its table is sound or there is none. Small limits, so that running
 * into them is tried too.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(const struct unwind_table *table)
{
	for (size_t i = 0; i < table->row_count; i++) {
		const struct unwind_row *row = &table->rows[i];

		if (row->rule >= table->rule_count)
			abort();
		if (i && (row->offset <= row[-1].offset || row->rule == row[-1].rule))
			abort();
		if (unwind_table_find(table, row->offset) != &table->rules[row->rule])
			abort();
	}
}

static void compile(int fd, bool follow_code)
{
	const struct unwind_options options = { .max_rows = 4096,
						.max_bytes = 1 << 20,
						.follow_code = follow_code };
	AUTO(unwind_table) table = NULL;

	if (unwind_table_compile(&table, fd, &options))
		return;
	if (table->peak_bytes > options.max_bytes)
		abort();
	check(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO_FD fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		return 0;
	compile(fd, false);
	compile(fd, true);
	return 0;
}
