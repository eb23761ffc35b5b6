// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_cache.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MAX_FILES = 256,
	SHARES = 4, /* a file may keep this part for answers, and as much for debug information */
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
	struct identity debug_identity; /* all 0: there is no debug file */
	struct elf_file *file;          /* owned */
	struct symbol_layers *symbols;  /* owned */
	struct dwarf_file *dwarf;       /* owned, or NULL */
	struct symbol_answers *answers; /* owned */
	size_t bytes;
	uint64_t last_use;
};

struct symbol_cache {
	struct entry entries[MAX_FILES];
	size_t count;
	size_t bytes;
	struct symbol_cache_options options;
	uint64_t uses; /* the clock of last_use */
};

int symbol_cache_new(struct symbol_cache **out, const struct symbol_cache_options *options)
{
	struct symbol_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	cache->options = *options;

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

static struct entry *find(struct symbol_cache *cache, const struct entry *key)
{
	for (size_t i = 0; i < cache->count; i++) {
		struct entry *entry = &cache->entries[i];

		if (same_identity(&entry->identity, &key->identity) &&
		    same_identity(&entry->debug_identity, &key->debug_identity))
			return entry;
	}
	return NULL;
}

static void free_parts(struct entry *entry)
{
	elf_file_free(entry->file);
	symbol_layers_free(entry->symbols);
	dwarf_file_free(entry->dwarf);
	symbol_answers_free(entry->answers);
}

static void drop_oldest(struct symbol_cache *cache)
{
	struct entry *oldest = &cache->entries[0];

	for (size_t i = 1; i < cache->count; i++)
		if (cache->entries[i].last_use < oldest->last_use)
			oldest = &cache->entries[i];
	free_parts(oldest);
	cache->bytes -= oldest->bytes;
	*oldest = cache->entries[--cache->count];
}

/* Of the file itself, or else of its debug file. */
static int read_dwarf(struct dwarf_file **out, const struct symbol_files *files,
		      uint64_t max_effort)
{
	const struct dwarf_options limits = { .max_effort = max_effort };
	struct dwarf_sources sources = {
		.fd = files->fd,
		.supplement_fd = files->supplement_fd,
		.package_fd = files->package_fd,
	};
	int err = dwarf_file_new(out, &sources, &limits);

	if (err != -ENOENT || files->debug_fd < 0)
		return err;
	sources.fd = files->debug_fd;
	return dwarf_file_new(out, &sources, &limits);
}

static int read_parts(struct entry *entry, const struct symbol_cache_options *options,
		      const struct symbol_files *files)
{
	int err = elf_file_new(&entry->file, files->fd);

	if (!err)
		err = symbol_layers_new(&entry->symbols, files, entry->file,
					options->max_symbol_bytes);
	if (!err)
		err = symbol_answers_new(&entry->answers);
	if (err || options->no_dwarf || elf_file_kind(entry->file) == ELF_NONE)
		return err;
	err = read_dwarf(&entry->dwarf, files, options->max_effort);
	return err == -ENOMEM ? err : 0;
}

static size_t parts_bytes(const struct entry *entry)
{
	return elf_file_bytes(entry->file) + symbol_layers_bytes(entry->symbols) +
	       symbol_answers_bytes(entry->answers) +
	       (entry->dwarf ? dwarf_file_bytes(entry->dwarf) : 0);
}

/* @entry has its identities, and gets the rest. */
static int add(struct symbol_cache *cache, const struct symbol_files *files, struct entry *entry)
{
	int err = read_parts(entry, &cache->options, files);

	if (err) {
		free_parts(entry);
		return err;
	}
	if (cache->count == MAX_FILES)
		drop_oldest(cache);
	entry->bytes = parts_bytes(entry);
	cache->bytes += entry->bytes;
	cache->entries[cache->count++] = *entry;
	return 0;
}

int symbol_cache_get(struct symbol_cache *cache, const struct symbol_files *files,
		     struct symbol_source *ret)
{
	struct entry key = { .last_use = 0 }, *entry;
	int err = identify(files->fd, &key.identity);

	if (!err && files->debug_fd >= 0)
		err = identify(files->debug_fd, &key.debug_identity);
	if (err)
		return err;
	entry = find(cache, &key);
	if (!entry) {
		err = add(cache, files, &key);
		if (err)
			return err;
		entry = &cache->entries[cache->count - 1];
	}
	entry->last_use = ++cache->uses;
	ret->file = entry->file;
	ret->symbols = entry->symbols;
	ret->dwarf = entry->dwarf;
	ret->answers = entry->answers;
	return 0;
}

/* Lets go of what one file has too much of. */
static void trim_entry(struct entry *entry, size_t max_bytes)
{
	struct symbol_answers *empty;

	if (entry->dwarf && dwarf_file_bytes(entry->dwarf) > max_bytes)
		dwarf_file_rest(entry->dwarf);
	if (symbol_answers_bytes(entry->answers) > max_bytes && !symbol_answers_new(&empty)) {
		symbol_answers_free(entry->answers);
		entry->answers = empty;
	}
}

/* Answers and what was read of debug information grow with the questions. */
static void count_again(struct symbol_cache *cache)
{
	cache->bytes = 0;
	for (size_t i = 0; i < cache->count; i++) {
		struct entry *entry = &cache->entries[i];

		trim_entry(entry, cache->options.max_bytes / SHARES);
		entry->bytes = parts_bytes(entry);
		cache->bytes += entry->bytes;
	}
}

void symbol_cache_trim(struct symbol_cache *cache)
{
	count_again(cache);
	while (cache->count && cache->bytes > cache->options.max_bytes)
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
