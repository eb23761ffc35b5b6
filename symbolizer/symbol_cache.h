/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/dwarf_file.h"
#include "symbolizer/elf_file.h"
#include "symbolizer/symbol_answers.h"
#include "symbolizer/symbol_layers.h"

/*
 * symbol_cache - what is known of the files that were asked about lately.
 *
 * Every few seconds a profile has some new places in the files it always had; their tables
 * are sorted once. A file is recognised by device, inode, size and the times of its last
 * changes, and its debug file in the same way. Bounded in bytes and files, the one not used for longest goes
 * first.
 */
struct symbol_cache;

struct symbol_source {
	const struct elf_file *file;
	const struct symbol_layers *symbols; /* empty for what is no executable */
	struct dwarf_file *dwarf; /* NULL: it has no debug information, or none is wanted */
	struct symbol_answers *answers;
};

struct symbol_cache_options {
	size_t max_bytes;          /* that it keeps between questions */
	uint64_t max_symbol_bytes; /* symbol tables that are larger are not read */
	uint64_t max_effort;       /* in debug information; 0: as dwarf_file.h says */
	bool no_dwarf;
};

/* symbol_cache_new() - an empty cache. Return: 0 or -ENOMEM. */
int symbol_cache_new(struct symbol_cache **out, const struct symbol_cache_options *options);

/*
 * symbol_cache_get() - what is known of open files, read now if it is not there.
 * @ret: borrowed until the next call on the cache
 *
 * Return: 0, -EIO if the executable cannot be read, or -ENOMEM.
 */
int symbol_cache_get(struct symbol_cache *cache, const struct symbol_files *files,
		     struct symbol_source *ret);

/* symbol_cache_trim() - after a question: bring it below its limit, which large files may exceed. */
void symbol_cache_trim(struct symbol_cache *cache);

/* symbol_cache_bytes() - memory held. */
size_t symbol_cache_bytes(const struct symbol_cache *cache);

void symbol_cache_free(struct symbol_cache *cache);
DEFINE_AUTO(symbol_cache);
