// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_cache.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MAX_FILES = 256
};

/* Names the content of a file for as long as nobody changes it. */
struct identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

struct entry {
	struct identity identity;
	struct elf_file *file;        /* owned */
	struct symbol_table *symbols; /* owned */
	size_t bytes;
	uint64_t last_use;
};

struct symbol_cache {
	struct entry entries[MAX_FILES];
	size_t count;
	size_t bytes;
	size_t max_bytes;
	uint64_t max_symbol_bytes;
	uint64_t uses; /* the clock of last_use */
};

int symbol_cache_new(struct symbol_cache **out, size_t max_bytes, uint64_t max_symbol_bytes)
{
	struct symbol_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	cache->max_bytes = max_bytes;
	cache->max_symbol_bytes = max_symbol_bytes;

	*out = cache;
	return 0;
}

static int identify(int fd, struct identity *ret)
{
	struct stat status;

	if (fstat(fd, &status))
		return -EIO;
	*ret = (struct identity){
		.device = status.st_dev,
		.inode = status.st_ino,
		.size = status.st_size,
		.modified = status.st_mtim,
		.changed = status.st_ctim,
	};
	return 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
	return a->inode == b->inode && a->device == b->device && a->size == b->size &&
	       same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

static struct entry *find(struct symbol_cache *cache, const struct identity *identity)
{
	for (size_t i = 0; i < cache->count; i++)
		if (same_identity(&cache->entries[i].identity, identity))
			return &cache->entries[i];
	return NULL;
}

static void drop_oldest(struct symbol_cache *cache)
{
	struct entry *oldest = &cache->entries[0];

	for (size_t i = 1; i < cache->count; i++)
		if (cache->entries[i].last_use < oldest->last_use)
			oldest = &cache->entries[i];
	elf_file_free(oldest->file);
	symbol_table_free(oldest->symbols);
	cache->bytes -= oldest->bytes;
	*oldest = cache->entries[--cache->count];
}

static int read_symbols(struct symbol_table **out, int fd, const struct elf_file *file,
			uint64_t max_symbol_bytes)
{
	enum elf_kind kind = elf_file_kind(file);
	struct symbol_list list = { 0 };
	int err = 0;

	/* Symbols of other kinds are not addresses. */
	if (kind == ELF_EXECUTABLE || kind == ELF_SHARED)
		err = symbol_list_read(&list, fd, file, max_symbol_bytes);
	if (!err)
		err = symbol_table_new(out, &list);
	free(list.items);
	return err;
}

static int add(struct symbol_cache *cache, int fd, const struct identity *identity)
{
	AUTO(elf_file) file = NULL;
	AUTO(symbol_table) symbols = NULL;
	struct entry entry = { .identity = *identity };
	int err = elf_file_new(&file, fd);

	if (!err)
		err = read_symbols(&symbols, fd, file, cache->max_symbol_bytes);
	if (err)
		return err;
	if (cache->count == MAX_FILES)
		drop_oldest(cache);
	entry.bytes = elf_file_bytes(file) + symbol_table_bytes(symbols);
	entry.file = take(file);
	entry.symbols = take(symbols);
	cache->bytes += entry.bytes;
	cache->entries[cache->count++] = entry;
	return 0;
}

int symbol_cache_get(struct symbol_cache *cache, int fd, struct symbol_source *ret)
{
	struct identity identity;
	struct entry *entry;
	int err = identify(fd, &identity);

	if (err)
		return err;
	entry = find(cache, &identity);
	if (!entry) {
		err = add(cache, fd, &identity);
		if (err)
			return err;
		entry = &cache->entries[cache->count - 1];
	}
	entry->last_use = ++cache->uses;
	ret->file = entry->file;
	ret->symbols = entry->symbols;
	return 0;
}

void symbol_cache_trim(struct symbol_cache *cache)
{
	while (cache->count && cache->bytes > cache->max_bytes)
		drop_oldest(cache);
}

size_t symbol_cache_bytes(const struct symbol_cache *cache)
{
	return sizeof(*cache) + cache->bytes;
}

void symbol_cache_free(struct symbol_cache *cache)
{
	if (!cache)
		return;
	while (cache->count)
		drop_oldest(cache);
	free(cache);
}
