/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/elf_file.h"
#include "symbolizer/symbol_table.h"

/*
 * symbol_cache - what is known of the files that were asked about lately.
 *
 * Every few seconds a profile has some new places in the files it always had; their tables
 * are sorted once. A file is recognised by device, inode, size and the times of its last
 * changes. Bounded in bytes and files, the one not used for longest goes first.
 */
struct symbol_cache;

struct symbol_source {
	const struct elf_file *file;
	const struct symbol_table *symbols; /* empty for what is no executable */
};

/*
 * symbol_cache_new() - an empty cache.
 * @max_bytes: what it keeps between questions
 * @max_symbol_bytes: symbol tables of files that are larger are not read
 *
 * Return: 0 or -ENOMEM.
 */
int symbol_cache_new(struct symbol_cache **out, size_t max_bytes, uint64_t max_symbol_bytes);

/*
 * symbol_cache_get() - what is known of an open file, read now if it is not there.
 * @ret: borrowed until the next call on the cache
 *
 * Return: 0, -EIO if the file cannot be read, or -ENOMEM.
 */
int symbol_cache_get(struct symbol_cache *cache, int fd, struct symbol_source *ret);

/* symbol_cache_trim() - bring it below its limit, which one large file may exceed after a get. */
void symbol_cache_trim(struct symbol_cache *cache);

/* symbol_cache_bytes() - memory held. */
size_t symbol_cache_bytes(const struct symbol_cache *cache);

void symbol_cache_free(struct symbol_cache *cache);
DEFINE_AUTO(symbol_cache);
