// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbolizer/symbolizer.h"

/*
 * Any bytes as an executable, as its debug file, as a supplement and as a package: an answer comes, whose
 * lines are there. Small limits, so that running into them is tried too.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
	PLACES = 64,
	PLACE_BYTES = 0x24 /* between two of them; odd multiples meet every kind of place */
};

static void check(const struct symbol_answer *answer)
{
	for (size_t i = 0; i < answer->place_count; i++) {
		const struct symbol_place *place = &answer->places[i];

		if (place->first_line + (size_t)place->line_count > answer->line_count)
			abort();
		for (uint32_t j = 0; j < place->line_count; j++) {
			const struct symbol_line *line = &answer->lines[place->first_line + j];

			if (!*line->name || !*line->system_name || (line->file && !*line->file))
				abort();
		}
	}
}

static int open_split(void *context, const char *directory, const char *name)
{
	if (strlen(directory) > 4096 || strlen(name) > 4096)
		abort();
	return dup(*(int *)context);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct symbolizer_options options = { .max_effort = 200000 };
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;
	AUTO_FD fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct symbol_files files = SYMBOL_FILES(fd);
	uint64_t offsets[PLACES];

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		return 0;
	files.debug_fd = files.supplement_fd = files.package_fd = fd;
	files.open_split = open_split;
	files.context = &fd;
	for (size_t i = 0; i < PLACES; i++)
		offsets[i] = 0x401000 + i * PLACE_BYTES / (i % 2 ? 1 : 9);
	if (symbolizer_new(&symbolizer, &options))
		return 0;
	if (symbolizer_resolve_file(symbolizer, &answer, &files, offsets, PLACES))
		return 0;
	check(answer);
	return 0;
}
