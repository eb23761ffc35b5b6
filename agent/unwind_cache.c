// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/base/array.h"

#define SUFFIX     ".unwind"
#define TEMPORARY  ".tmp"
#define PROGRAM    "/proc/self/exe"
#define BOOT_ID    "/proc/sys/kernel/random/boot_id"
#define MAGIC      "wickrow1"
#define MIX_FACTOR 0x9e3779b97f4a7c15ULL

enum {
	NAME_BYTES = 64,
	BOOT_ID_BYTES = 36,
	SETTLED_SECONDS =
		2, /* a change younger than that may be followed by one of the same time */
	TEMPORARY_SECONDS = 60,
	NS_PER_SECOND = 1000000000,
};

struct unwind_cache {
	int directory;
	uint64_t max_bytes;
	char boot_id[BOOT_ID_BYTES];
	uint64_t compiler;    /* a sum of what makes this program the file that it is */
	pthread_mutex_t lock; /* of the following */
	uint64_t bytes;       /* of all entries, as far as we know: others may add some */
	unsigned stored;
};

/* An entry is this, the rules, and the rows. */
struct header {
	char magic[8];
	uint64_t checksum; /* of everything, with 0 here */
	uint64_t compiler; /* the program that made it */
	char boot_id[BOOT_ID_BYTES];
	uint32_t rule_count;
	struct abi_file file;
	uint64_t row_count;
	uint64_t entry_count;
	uint64_t code_bytes;
	uint64_t covered_bytes;
	uint64_t peak_bytes;
	uint32_t lost[UNWIND_LOSS_COUNT + UNWIND_LOSS_COUNT % 2];
};
_Static_assert(sizeof(struct header) % 8 == 0, "no hidden padding");

/* ---- names and sums ------------------------------------------------------------------------------- */

/* Each word decides the sum, whatever the others are: a change of one word never goes unseen. */
static uint64_t mix(uint64_t sum, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	uint64_t word;

	for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = (sum ^ word) * MIX_FACTOR;
		sum ^= sum >> 29;
	}
	word = (uint64_t)size << 56;
	memcpy(&word, at, size);
	sum = (sum ^ word) * MIX_FACTOR;
	return sum ^ sum >> 32;
}

static uint64_t checksum_of(const struct header *header, const struct unwind_table *table)
{
	struct header plain = *header;
	uint64_t sum;

	plain.checksum = 0;
	sum = mix(1, &plain, sizeof(plain));
	sum = mix(sum, table->rules, table->rule_count * sizeof(*table->rules));
	return mix(sum, table->rows, table->row_count * sizeof(*table->rows));
}

/* The key's part of a header. */
static struct header header_of(const struct unwind_cache *cache, const struct abi_file *file)
{
	struct header header = {
		.magic = MAGIC,
		.compiler = cache->compiler,
		.file = *file,
	};

	memcpy(header.boot_id, cache->boot_id, sizeof(header.boot_id));
	return header;
}

static void print_name(char name[NAME_BYTES], const struct header *key)
{
	uint64_t sum = mix(2, &key->file, sizeof(key->file));

	sum = mix(sum, &key->compiler, sizeof(key->compiler));
	sum = mix(sum, key->boot_id, sizeof(key->boot_id));
	snprintf(name, NAME_BYTES, "%016" PRIx64 SUFFIX, sum);
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t length = strlen(name), wanted = strlen(suffix);

	return length > wanted && !strcmp(name + length - wanted, suffix);
}

/* ---- bounds --------------------------------------------------------------------------------------- */

struct entry {
	char name[NAME_BYTES];
	int64_t used; /* seconds since 1970 */
	uint64_t size;
};

struct entries {
	struct entry *items;
	size_t count;
	size_t capacity;
};

static int compare_use(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	return (left->used > right->used) - (left->used < right->used);
}

/* What lies in the directory; what a killed process left unfinished goes. */
static int list_entries(struct unwind_cache *cache, struct entries *ret)
{
	AUTO_DIR directory = NULL;
	AUTO_FD fd = openat(cache->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *found;
	int err = 0;

	directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory)
		return -errno;
	take_fd(&fd);
	while (!err && (found = readdir(directory))) {
		struct entry entry = {};
		struct stat status;

		if (strlen(found->d_name) >= sizeof(entry.name) ||
		    fstatat(cache->directory, found->d_name, &status, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(status.st_mode))
			continue;
		if (ends_with(found->d_name, TEMPORARY) &&
		    status.st_mtim.tv_sec + TEMPORARY_SECONDS < time(NULL))
			unlinkat(cache->directory, found->d_name, 0);
		if (!ends_with(found->d_name, SUFFIX))
			continue;
		memcpy(entry.name, found->d_name, strlen(found->d_name));
		entry.used = status.st_mtim.tv_sec;
		entry.size = (uint64_t)status.st_size;
		err = array_add(ret, entry);
	}
	return err;
}

/* Removes what was not used for longest, until a quarter of the room is free; what is left. */
static uint64_t make_room(struct unwind_cache *cache, struct entries *entries, uint64_t bytes)
{
	uint64_t wanted = cache->max_bytes - cache->max_bytes / 4;

	if (entries->count)
		qsort(entries->items, entries->count, sizeof(*entries->items), compare_use);
	for (size_t i = 0; i < entries->count && bytes > wanted; i++) {
		unlinkat(cache->directory, entries->items[i].name, 0);
		bytes -= entries->items[i].size;
	}
	return bytes;
}

/* Counts anew, and makes room if there is too much. */
static void sweep(struct unwind_cache *cache)
{
	struct entries entries = {};
	uint64_t bytes = 0;

	if (!list_entries(cache, &entries)) {
		for (size_t i = 0; i < entries.count; i++)
			bytes += entries.items[i].size;
		if (bytes > cache->max_bytes)
			bytes = make_room(cache, &entries, bytes);
		cache->bytes = bytes;
	}
	free(entries.items);
}

static int open_directory(const char *path)
{
	AUTO_FD fd = -1;
	struct stat status;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (status.st_uid != geteuid() || status.st_mode & 077)
		return -EPERM;
	return take_fd(&fd);
}

/* Within one boot, whatever is compiled anew is another file. */
static int name_compiler(struct unwind_cache *cache)
{
	AUTO_FD boot = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	struct stat program;

	if (boot < 0 || read(boot, cache->boot_id, BOOT_ID_BYTES) != BOOT_ID_BYTES ||
	    stat(PROGRAM, &program))
		return -EIO;
	cache->compiler = mix(3, &program.st_dev, sizeof(program.st_dev));
	cache->compiler = mix(cache->compiler, &program.st_ino, sizeof(program.st_ino));
	cache->compiler = mix(cache->compiler, &program.st_size, sizeof(program.st_size));
	cache->compiler = mix(cache->compiler, &program.st_ctim, sizeof(program.st_ctim));
	return 0;
}

int unwind_cache_new(struct unwind_cache **out, const char *path, uint64_t max_bytes)
{
	AUTO(unwind_cache) cache = calloc(1, sizeof(*cache));
	int err;

	if (!cache)
		return -ENOMEM;
	pthread_mutex_init(&cache->lock, NULL);
	cache->max_bytes = max_bytes;
	cache->directory = open_directory(path);
	if (cache->directory < 0)
		return cache->directory;
	err = name_compiler(cache);
	if (err)
		return err;
	sweep(cache);
	*out = take(cache);
	return 0;
}

/* ---- reading -------------------------------------------------------------------------------------- */

static bool read_all(int fd, void *to, size_t size)
{
	char *at = to;

	while (size) {
		ssize_t got = read(fd, at, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		size -= (size_t)got;
	}
	return true;
}

/* The header of an entry that is ours, of this file, and as long as it says. */
static bool read_header(int fd, const struct header *key, struct header *ret)
{
	struct stat status;
	uint64_t size;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
	    status.st_mode & 077 || !read_all(fd, ret, sizeof(*ret)))
		return false;
	size = (uint64_t)status.st_size - sizeof(*ret);
	return !memcmp(ret->magic, key->magic, sizeof(ret->magic)) &&
	       ret->compiler == key->compiler &&
	       !memcmp(ret->boot_id, key->boot_id, sizeof(ret->boot_id)) &&
	       !memcmp(&ret->file, &key->file, sizeof(ret->file)) &&
	       ret->row_count <= size / sizeof(struct unwind_row) &&
	       size == ret->rule_count * sizeof(struct unwind_rule) +
			       ret->row_count * sizeof(struct unwind_row);
}

static bool rows_are_sound(const struct unwind_table *table)
{
	for (size_t i = 0; i < table->row_count; i++) {
		if (table->rows[i].rule >= table->rule_count ||
		    (i && table->rows[i].offset <= table->rows[i - 1].offset))
			return false;
	}
	return true;
}

/* Return: 0, -ENOENT if anything is wrong with it, or -ENOMEM. */
static int read_table(int fd, const struct header *header, struct unwind_table **out)
{
	AUTO(unwind_table) table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->row_count = header->row_count;
	table->rule_count = header->rule_count;
	table->rows = calloc(table->row_count + 1, sizeof(*table->rows));
	table->rules = calloc(table->rule_count + 1, sizeof(*table->rules));
	if (!table->rows || !table->rules)
		return -ENOMEM;
	if (!read_all(fd, table->rules, table->rule_count * sizeof(*table->rules)) ||
	    !read_all(fd, table->rows, table->row_count * sizeof(*table->rows)) ||
	    checksum_of(header, table) != header->checksum || !rows_are_sound(table))
		return -ENOENT;
	table->entry_count = header->entry_count;
	table->code_bytes = header->code_bytes;
	table->covered_bytes = header->covered_bytes;
	table->peak_bytes = header->peak_bytes;
	memcpy(table->lost, header->lost, sizeof(table->lost));
	*out = take(table);
	return 0;
}

int unwind_cache_load(struct unwind_cache *cache, const struct abi_file *file,
		      struct unwind_table **out)
{
	struct header key = header_of(cache, file), header;
	char name[NAME_BYTES];
	AUTO_FD fd = -1;
	int err;

	print_name(name, &key);
	fd = openat(cache->directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -ENOENT;
	err = read_header(fd, &key, &header) ? read_table(fd, &header, out) : -ENOENT;
	if (err == -ENOENT)
		unlinkat(cache->directory, name, 0);
	else if (!err)
		futimens(fd, NULL); /* used just now; if it cannot be said, it goes earlier */
	return err;
}

/* ---- writing -------------------------------------------------------------------------------------- */

static bool write_all(int fd, const void *from, size_t size)
{
	const char *at = from;

	while (size) {
		ssize_t written = write(fd, at, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		at += written;
		size -= (size_t)written;
	}
	return true;
}

/* Whether its bytes can only be those of @file, now and later. */
static bool is_settled(int fd, const struct abi_file *file)
{
	struct stat status;
	int64_t age;

	if (fstat(fd, &status))
		return false;
	age = time(NULL) - status.st_ctim.tv_sec;
	return (uint64_t)status.st_size == file->size &&
	       (uint64_t)status.st_ctim.tv_sec * NS_PER_SECOND + (uint64_t)status.st_ctim.tv_nsec ==
		       file->ctime_ns &&
	       age >= SETTLED_SECONDS;
}

/* Whole or not at all: under another name until it is complete. */
static int write_entry(struct unwind_cache *cache, const char *name, const char *temporary,
		       const struct header *header, const struct unwind_table *table)
{
	AUTO_FD fd = openat(cache->directory, temporary,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (!write_all(fd, header, sizeof(*header)) ||
	    !write_all(fd, table->rules, table->rule_count * sizeof(*table->rules)) ||
	    !write_all(fd, table->rows, table->row_count * sizeof(*table->rows)) ||
	    renameat(cache->directory, temporary, cache->directory, name))
		err = -errno;
	if (err)
		unlinkat(cache->directory, temporary, 0);
	return err;
}

static void count_stored(struct unwind_cache *cache, uint64_t size)
{
	pthread_mutex_lock(&cache->lock);
	cache->bytes += size;
	if (cache->bytes > cache->max_bytes)
		sweep(cache);
	pthread_mutex_unlock(&cache->lock);
}

int unwind_cache_store(struct unwind_cache *cache, const struct abi_file *file, int fd,
		       const struct unwind_table *table)
{
	struct header header = header_of(cache, file);
	uint64_t size = sizeof(header) + table->rule_count * sizeof(*table->rules) +
			table->row_count * sizeof(*table->rows);
	char name[NAME_BYTES], temporary[NAME_BYTES];
	unsigned number;
	int err;

	if (!is_settled(fd, file))
		return -EAGAIN;
	if (size > cache->max_bytes / 2)
		return -E2BIG;
	header.rule_count = (uint32_t)table->rule_count;
	header.row_count = table->row_count;
	header.entry_count = table->entry_count;
	header.code_bytes = table->code_bytes;
	header.covered_bytes = table->covered_bytes;
	header.peak_bytes = table->peak_bytes;
	memcpy(header.lost, table->lost, sizeof(table->lost));
	header.checksum = checksum_of(&header, table);
	pthread_mutex_lock(&cache->lock);
	number = cache->stored++;
	pthread_mutex_unlock(&cache->lock);
	print_name(name, &header);
	snprintf(temporary, sizeof(temporary), "%d-%u" TEMPORARY, (int)getpid(), number);
	err = write_entry(cache, name, temporary, &header, table);
	if (!err)
		count_stored(cache, size);
	return err;
}

void unwind_cache_free(struct unwind_cache *cache)
{
	if (!cache)
		return;
	if (cache->directory >= 0)
		close(cache->directory);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}
