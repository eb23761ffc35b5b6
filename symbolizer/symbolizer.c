// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbolizer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "symbolizer/kallsyms.h"
#include "symbolizer/symbol_answer.h"
#include "symbolizer/symbol_cache.h"
#include "symbolizer/symbol_naming.h"

enum {
	CACHE_BYTES = 32 * 1024 * 1024,
	MAX_FRAMES = 256,       /* at one place; compilers stop at some dozens */
	KERNEL_LIFETIME_S = 60, /* reading /proc/kallsyms takes 50 ms of CPU time */
	KERNEL_BUFFER_BYTES = 64 * 1024,
};

static const uint64_t default_max_symbol_bytes = 1ULL << 30;

struct symbolizer {
	struct symbol_cache *cache;
	struct kallsyms *kernel; /* NULL until it could be read */
	int kernel_error;        /* of the last reading */
	bool kernel_was_read;
	time_t kernel_read_at; /* monotonic seconds */
	struct symbol_naming naming;
};

int symbolizer_new(struct symbolizer **out, const struct symbolizer_options *options)
{
	AUTO(symbolizer) symbolizer = calloc(1, sizeof(*symbolizer));
	struct symbol_cache_options cache = {
		.max_bytes = options->cache_bytes ? options->cache_bytes : CACHE_BYTES,
		.max_symbol_bytes = options->max_symbol_bytes ? options->max_symbol_bytes
							      : default_max_symbol_bytes,
		.max_effort = options->max_effort,
		.no_dwarf = options->no_lines && options->no_inlines,
	};
	int err;

	if (!symbolizer)
		return -ENOMEM;
	symbolizer->naming = (struct symbol_naming){ options->no_lines, options->no_inlines };
	err = symbol_cache_new(&symbolizer->cache, &cache);
	if (err)
		return err;

	*out = take(symbolizer);
	return 0;
}

/* Where the offsets are loaded. */
static int place_addresses(struct symbol_answer *answer, const struct elf_file *file,
			   const uint64_t *offsets, uint64_t **ret_addresses)
{
	size_t count = answer->place_count;
	uint64_t *addresses = calloc(count ? count : 1, sizeof(*addresses));

	if (!addresses)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		addresses[i] = elf_file_address(file, offsets[i]);
		answer->places[i].address = addresses[i];
	}
	*ret_addresses = addresses;
	return 0;
}

static int answer_file(struct answer_builder *builder, const struct symbol_source *source,
		       const struct symbol_files *files, const uint64_t *offsets,
		       const struct symbol_naming *naming)
{
	struct symbol_answer *answer = builder->answer;
	const uint8_t *build_id = elf_file_build_id(source->file, &answer->build_id_size);
	uint64_t *addresses = NULL;
	int err = place_addresses(answer, source->file, offsets, &addresses);

	answer->kind = elf_file_kind(source->file);
	memcpy(answer->build_id, build_id, answer->build_id_size);
	if (!err)
		err = symbol_naming_answer(naming, source, files, addresses, answer->place_count);
	free(addresses);
	if (err == -ENOSPC)
		err = 0;
	for (size_t i = 0; i < answer->place_count && !err; i++)
		err = answer_builder_copy(builder, i, source->answers);
	return err;
}

int symbolizer_resolve_file(struct symbolizer *symbolizer, struct symbol_answer **out,
			    const struct symbol_files *files, const uint64_t *offsets, size_t count)
{
	AUTO_ANSWER_BUILDER builder = { 0 };
	struct symbol_source source;
	int err = symbol_cache_get(symbolizer->cache, files, &source);

	if (err)
		return err;
	err = answer_builder_init(&builder, count);
	if (!err)
		err = answer_file(&builder, &source, files, offsets, &symbolizer->naming);
	symbol_cache_trim(symbolizer->cache);
	if (err)
		return err;

	*out = take(builder.answer);
	return 0;
}

static int read_kernel(struct kallsyms **out)
{
	/* Left to itself, stdio reads /proc in pieces of 1 KB. */
	char buffer[KERNEL_BUFFER_BYTES];
	AUTO_FILE stream = fopen("/proc/kallsyms", "re");

	if (!stream && (errno == EACCES || errno == EPERM))
		return -EPERM;
	if (!stream)
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	setvbuf(stream, buffer, _IOFBF, sizeof(buffer));
	return kallsyms_new_from_stream(out, stream);
}

static time_t monotonic_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Modules and BPF programs come and go; the kernel proper stays. */
static bool may_have_changed(const struct kallsyms *kernel, const uint64_t *addresses, size_t count)
{
	struct kernel_symbol symbol;

	for (size_t i = 0; i < count; i++)
		if (!kallsyms_find(kernel, addresses[i], &symbol) || symbol.module)
			return true;
	return false;
}

/* Reads the kernel's symbols, unless those from before will do; a snapshot survives errors. */
static int refresh_kernel(struct symbolizer *symbolizer, const uint64_t *addresses, size_t count)
{
	time_t now = monotonic_seconds();
	bool is_old = !symbolizer->kernel_was_read ||
		      now - symbolizer->kernel_read_at >= KERNEL_LIFETIME_S;
	struct kallsyms *kernel = NULL;

	if (is_old &&
	    (!symbolizer->kernel || may_have_changed(symbolizer->kernel, addresses, count))) {
		symbolizer->kernel_error = read_kernel(&kernel);
		symbolizer->kernel_was_read = true;
		symbolizer->kernel_read_at = now;
	}
	if (kernel) {
		kallsyms_free(symbolizer->kernel);
		symbolizer->kernel = kernel;
	}
	return symbolizer->kernel ? 0 : symbolizer->kernel_error;
}

int symbolizer_resolve_kernel(struct symbolizer *symbolizer, struct symbol_answer **out,
			      const uint64_t *addresses, size_t count)
{
	AUTO_ANSWER_BUILDER builder = { 0 };
	int err = refresh_kernel(symbolizer, addresses, count);

	if (!err)
		err = answer_builder_init(&builder, count);
	for (size_t i = 0; i < count && !err; i++) {
		struct kernel_symbol symbol;

		builder.answer->places[i].address = addresses[i];
		if (kallsyms_find(symbolizer->kernel, addresses[i], &symbol))
			err = answer_builder_name(&builder, i, symbol.name, symbol.module);
	}
	if (err)
		return err;

	*out = take(builder.answer);
	return 0;
}

void symbolizer_free(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	symbol_cache_free(symbolizer->cache);
	kallsyms_free(symbolizer->kernel);
	free(symbolizer);
}
