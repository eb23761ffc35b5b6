// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbolizer/unwind_table.h"
#include "tests/fuzz/go_image.h"

/*
 * Any bytes as the table of a Go program, with its code and data around it: what comes of it is
 * sound. The file has no sections, so that the table is looked for.
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
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct go_image image;
	const struct unwind_options options = { .max_rows = 4096, .max_bytes = 4 << 20 };
	AUTO(unwind_table) table = NULL;
	AUTO_FD fd = memfd_create("fuzz", MFD_CLOEXEC);

	go_image_make(&image, bytes, size);
	if (fd < 0 || write(fd, &image, sizeof(image)) != (ssize_t)sizeof(image))
		return 0;
	if (unwind_table_compile(&table, fd, &options))
		return 0;
	if (table->peak_bytes > options.max_bytes)
		abort();
	check(table);
	return 0;
}
