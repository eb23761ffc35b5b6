// SPDX-License-Identifier: Apache-2.0
#include "agent/place_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/debug_files.h"
#include "agent/frame_word.h"
#include "agent/vdso.h"

#define VSYSCALL_WORD 0x0fffffffff600000ULL /* its page, as an anonymous frame */
#define VSYSCALL_SIZE 0x1000

enum {
	MAX_LINES = 64, /* inlined functions at one place */
	NAME_BYTES = 512,
};

/* Places that one source can name: @count of them from @first on. */
struct batch {
	struct place *first;
	size_t count;
	const char *filename; /* of the mapping */
	const char *module;   /* how an address without a symbol is introduced */
};

/* The functions with which processes and threads begin: below them there is nothing to find. */
static bool is_entry_function(const char *name)
{
	static const char *const names[] = {
		"_start",
		"__libc_start_main",
		"__libc_start_call_main",
		"__libc_start_main_impl",
		"__libc_start_main_stage2",
		"libc_start_main_stage2",
		"clone",
		"__clone",
		"clone3",
		"__clone3",
		"__clone_internal",
		"start_thread",
		"thread_start",
		"_dl_start_user",
		"_dl_start",
		"runtime.goexit",
		"runtime.goexit.abi0",
		"runtime.mstart",
		"runtime.mstart.abi0",
		"runtime.rt0_go.abi0",
		"_rt0_amd64_linux",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void print_build_id(char *hex, const struct symbol_answer *answer)
{
	*hex = '\0';
	for (size_t i = 0; i < answer->build_id_size; i++)
		snprintf(hex + 2 * i, 3, "%02x", answer->build_id[i]);
}

/* A location with one line that has no source. */
static int add_plain(struct profile *profile, uint64_t mapping, uint64_t address, const char *name,
		     uint64_t *ret)
{
	struct profile_function function = { .name = name, .system_name = name, .filename = "" };
	struct profile_line line = {};
	struct profile_location location = {
		.mapping = mapping,
		.address = address,
		.lines = &line,
		.line_count = 1,
	};
	int err = profile_add_function(profile, &function, &line.function);

	return err ? err : profile_add_location(profile, &location, ret);
}

int place_names_mark(struct profile *profile, const char *text, uint64_t *ret_location)
{
	return add_plain(profile, 0, 0, text, ret_location);
}

/* A location with the functions that the symbolizer found. */
static int add_named(struct profile *profile, uint64_t mapping, const struct symbol_answer *answer,
		     const struct symbol_place *found, struct place *place)
{
	struct profile_line lines[MAX_LINES];
	struct profile_location location = {
		.mapping = mapping,
		.address = found->address,
		.lines = lines,
	};

	for (size_t i = 0; i < found->line_count && i < MAX_LINES; i++) {
		const struct symbol_line *line = &answer->lines[found->first_line + i];
		struct profile_function function = {
			.name = line->name,
			.system_name = line->system_name,
			.filename = line->file ? line->file : "",
		};
		int err = profile_add_function(profile, &function, &lines[i].function);

		if (err)
			return err;
		lines[i].line = line->line;
		location.line_count++;
		place->is_entry |= is_entry_function(line->name);
	}
	place->is_named = true;
	return profile_add_location(profile, &location, &place->location);
}

static int add_unnamed(struct profile *profile, uint64_t mapping, const char *module,
		       uint64_t address, struct place *place)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%s+0x%llx", module, (unsigned long long)address);
	return add_plain(profile, mapping, address, name, &place->location);
}

/* ---- files ---------------------------------------------------------------------------------- */

static int add_answers(struct profile *profile, const struct batch *batch,
		       const struct symbol_answer *answer)
{
	char build_id[2 * BUILD_ID_MAX + 1] = "";
	struct profile_mapping mapping = {
		.filename = batch->filename,
		.build_id = build_id,
		.has_functions = true,
	};
	uint64_t number;
	int err;

	if (answer)
		print_build_id(build_id, answer);
	err = profile_add_mapping(profile, &mapping, &number);
	for (size_t i = 0; !err && i < batch->count; i++) {
		struct place *place = &batch->first[i];

		if (answer && answer->places[i].line_count)
			err = add_named(profile, number, answer, &answer->places[i], place);
		else
			err = add_unnamed(profile, number, batch->module,
					  answer ? answer->places[i].address
						 : frame_place(place->word),
					  place);
	}
	return err;
}

/* @files->fd may be -1: then the places keep their offsets. */
static int name_file(const struct place_sources *sources, const struct batch *batch,
		     const struct symbol_files *files)
{
	AUTO(symbol_answer) answer = NULL;
	uint64_t *offsets;
	int err = 0;

	if (files->fd >= 0) {
		offsets = calloc(batch->count, sizeof(*offsets));
		if (!offsets)
			return -ENOMEM;
		for (size_t i = 0; i < batch->count; i++)
			offsets[i] = frame_place(batch->first[i].word);
		err = symbolizer_resolve_file(sources->symbolizer, &answer, files, offsets,
					      batch->count);
		free(offsets);
	}
	if (err)
		log_debug("no names from %s: %s", batch->filename, strerror(-err));
	return err == -ENOMEM ? err : add_answers(sources->profile, batch, answer);
}

static int name_executable(const struct place_sources *sources, struct batch *batch)
{
	uint32_t id = frame_executable(batch->first->word);
	const struct executable *executable = executable_table_find(sources->executables, id);
	struct debug_files files;
	int err;

	batch->filename = executable ? executable->path : "[forgotten file]";
	batch->module = base_name(batch->filename);
	if (!executable || !executable_is_unchanged(executable) || executable->fd < 0)
		return name_file(sources, batch, &SYMBOL_FILES(-1));
	debug_files_open(&files, executable);
	err = name_file(sources, batch, &files.files);
	debug_files_close(&files);
	return err;
}

static int name_vdso(const struct place_sources *sources, struct batch *batch)
{
	AUTO_FD fd = vdso_open();

	batch->filename = batch->module = "[vdso]";
	return name_file(sources, batch, &SYMBOL_FILES(fd));
}

/* ---- the kernel ------------------------------------------------------------------------------ */

static int add_kernel_place(struct profile *profile, const struct symbol_answer *answer,
			    const struct symbol_place *found, struct place *place)
{
	char filename[NAME_BYTES] = "[kernel.kallsyms]";
	struct profile_mapping mapping = {
		.filename = filename,
		.build_id = "",
		.has_functions = true,
		.is_kernel = true,
	};
	uint64_t number;
	int err;

	if (found && found->module)
		snprintf(filename, sizeof(filename), "[%s]", found->module);
	err = profile_add_mapping(profile, &mapping, &number);
	if (err)
		return err;
	if (found && found->line_count)
		return add_named(profile, number, answer, found, place);
	return add_plain(profile, number, place->word, "[kernel]", &place->location);
}

static int name_kernel(const struct place_sources *sources, const struct batch *batch)
{
	AUTO(symbol_answer) answer = NULL;
	uint64_t *addresses = calloc(batch->count, sizeof(*addresses));
	int err;

	if (!addresses)
		return -ENOMEM;
	for (size_t i = 0; i < batch->count; i++)
		addresses[i] = batch->first[i].word;
	err = symbolizer_resolve_kernel(sources->symbolizer, &answer, addresses, batch->count);
	free(addresses);
	if (err == -ENOMEM)
		return err;
	if (err)
		log_warn(err, "kernel functions have no names: /proc/kallsyms %s",
			 err == -EPERM ? "hides its addresses (kernel.kptr_restrict, or no "
					 "CAP_SYSLOG)"
				       : "cannot be read");
	err = 0;
	for (size_t i = 0; !err && i < batch->count; i++)
		err = add_kernel_place(sources->profile, answer, answer ? &answer->places[i] : NULL,
				       &batch->first[i]);
	return err;
}

/* ---- neither ---------------------------------------------------------------------------------- */

static int name_without_file(const struct place_sources *sources, const struct batch *batch)
{
	struct profile_mapping mapping = {
		.filename = "//anon",
		.build_id = "",
		.has_functions = true,
	};
	uint64_t number;
	int err = profile_add_mapping(sources->profile, &mapping, &number);

	for (size_t i = 0; !err && i < batch->count; i++) {
		struct place *place = &batch->first[i];
		const char *name = "[anonymous code]";

		if (place->word - VSYSCALL_WORD < VSYSCALL_SIZE)
			name = "[vsyscall]";
		else if (frame_kind(place->word) == ABI_FRAME_UNKNOWN)
			name = "[unknown file]";
		err = add_plain(sources->profile, number, frame_place(place->word), name,
				&place->location);
	}
	return err;
}

/* What one source can name: the same kind, and the same file if it is one. */
static uint64_t group_of(uint64_t word)
{
	if (frame_kind(word) == ABI_FRAME_FILE)
		return word >> ABI_FRAME_OFFSET_BITS;
	return word >> ABI_FRAME_KIND_SHIFT << (ABI_FRAME_KIND_SHIFT - ABI_FRAME_OFFSET_BITS);
}

static int name_batch(const struct place_sources *sources, struct batch *batch)
{
	switch (frame_kind(batch->first->word)) {
	case ABI_FRAME_FILE:
		return name_executable(sources, batch);
	case ABI_FRAME_VDSO:
		return name_vdso(sources, batch);
	case ABI_FRAME_KERNEL:
		return name_kernel(sources, batch);
	default:
		return name_without_file(sources, batch);
	}
}

int place_names_add(const struct place_sources *sources, struct place_table *table)
{
	size_t next;

	for (size_t start = 0; start < table->count; start = next) {
		uint64_t group = group_of(table->items[start].word);
		struct batch batch = { .first = &table->items[start] };
		int err;

		for (next = start; next < table->count; next++) {
			if (group_of(table->items[next].word) != group)
				break;
		}
		batch.count = next - start;
		err = name_batch(sources, &batch);
		if (err)
			return err;
	}
	return 0;
}
