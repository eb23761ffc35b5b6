// SPDX-License-Identifier: Apache-2.0
#include "agent/command_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "symbolizer/elf_needs.h"

#define CACHE_FILE    "/etc/ld.so.cache"
#define CACHE_MAGIC   "glibc-ld.so.cache1.1"
#define USUAL_PATH    "/lib64:/usr/lib64:/lib:/usr/lib:/usr/local/lib"
#define USUAL_COMMAND "/usr/local/bin:/usr/bin:/bin"

enum {
	MAX_FILES = 96,
	MAX_SCRIPTS = 4, /* that are each other's interpreter; the kernel allows as many */
	LINE_BYTES = 256,
	MAX_CACHE_BYTES = 4 << 20,
	CACHE_X86_64 = 0x0303, /* flags of an entry: glibc's, of 64 bits */
};

/* ldconfig's file: this, the entries, then strings, whose offsets count from here. */
struct cache_header {
	char magic[20];
	uint32_t entry_count;
	uint32_t string_bytes;
	uint32_t unused[5];
};

struct cache_entry {
	int32_t flags;
	uint32_t name;
	uint32_t path;
	uint32_t os_version;
	uint64_t hardware; /* 0: for any */
};
_Static_assert(sizeof(struct cache_header) == 48 && sizeof(struct cache_entry) == 24, "as written");

struct search {
	struct intern *paths;
	char *cache; /* owned; a header and what follows it, with a 0 behind it */
	size_t cache_size;
};

static int add_path(struct intern *paths, const char *path)
{
	uint32_t number;
	int err = 0;

	if (intern_count(paths) < MAX_FILES)
		err = intern_add(paths, path, strlen(path), &number);
	return err == -ENOSPC ? 0 : err;
}

static bool is_file(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISREG(status.st_mode);
}

/* The first file called @name in the directories of @list, "a:b:c"; false if there is none. */
static bool find_in(const char *list, const char *origin, const char *name, char *ret)
{
	while (list && *list) {
		const char *end = strchrnul(list, ':');
		int length = (int)(end - list);
		bool at_origin = !strncmp(list, "$ORIGIN", 7) || !strncmp(list, "${ORIGIN}", 9);
		int skip = at_origin ? (list[1] == '{' ? 9 : 7) : 0;

		if (snprintf(ret, PATH_MAX, "%s%.*s/%s", at_origin ? origin : "", length - skip,
			     list + skip, name) < PATH_MAX &&
		    is_file(ret))
			return true;
		list = *end ? end + 1 : end;
	}
	return false;
}

/* ---- libraries ----------------------------------------------------------------------------------- */

static int read_cache(struct search *search)
{
	AUTO_FD fd = open(CACHE_FILE, O_RDONLY | O_CLOEXEC);
	AUTO_STRING bytes = NULL;
	char *header;
	ssize_t size;

	if (fd < 0)
		return 0;
	bytes = malloc(MAX_CACHE_BYTES + 1);
	if (!bytes)
		return -ENOMEM;
	size = read(fd, bytes, MAX_CACHE_BYTES);
	/* A file of the old format may have the new one behind it. */
	header = size > 0 ? memmem(bytes, (size_t)size, CACHE_MAGIC, strlen(CACHE_MAGIC)) : NULL;
	if (!header)
		return 0;
	search->cache_size = (size_t)(bytes + size - header);
	search->cache = malloc(search->cache_size + 1);
	if (!search->cache)
		return -ENOMEM;
	memcpy(search->cache, header, search->cache_size);
	search->cache[search->cache_size] = '\0';
	return 0;
}

static bool find_in_cache(const struct search *search, const char *name, char *ret)
{
	struct cache_header header;
	struct cache_entry entry;

	if (search->cache_size < sizeof(header))
		return false;
	memcpy(&header, search->cache, sizeof(header));
	if (header.entry_count > (search->cache_size - sizeof(header)) / sizeof(entry))
		return false;
	for (uint32_t i = 0; i < header.entry_count; i++) {
		memcpy(&entry, search->cache + sizeof(header) + i * sizeof(entry), sizeof(entry));
		if (entry.flags != CACHE_X86_64 || entry.hardware ||
		    entry.name >= search->cache_size || entry.path >= search->cache_size ||
		    strcmp(search->cache + entry.name, name) != 0)
			continue;
		snprintf(ret, PATH_MAX, "%s", search->cache + entry.path);
		return is_file(ret);
	}
	return false;
}

static int add_library(struct search *search, const struct elf_needs *needs, const char *origin,
		       const char *name)
{
	char path[PATH_MAX];

	if (strchr(name, '/'))
		return is_file(name) ? add_path(search->paths, name) : 0;
	if (find_in(needs->search_path, origin, name, path) ||
	    find_in(getenv("LD_LIBRARY_PATH"), origin, name, path) ||
	    find_in_cache(search, name, path) || find_in(USUAL_PATH, origin, name, path))
		return add_path(search->paths, path);
	return 0;
}

static int add_needs_of(struct search *search, const char *path)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	AUTO_STRING origin = strdup(path);
	AUTO(elf_needs) needs = NULL;
	char *slash;
	int err;

	if (!origin)
		return -ENOMEM;
	if (fd < 0)
		return 0;
	slash = strrchr(origin, '/');
	if (slash)
		*slash = '\0';
	err = elf_needs_new(&needs, fd);
	if (err)
		return err == -EIO ? 0 : err;
	if (needs->interpreter && is_file(needs->interpreter))
		err = add_path(search->paths, needs->interpreter);
	for (size_t i = 0; !err && i < needs->library_count; i++)
		err = add_library(search, needs, slash ? origin : ".", needs->libraries[i]);
	return err;
}

/* ---- programs ------------------------------------------------------------------------------------ */

static bool find_program(const char *name, char *ret)
{
	const char *list = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(ret, PATH_MAX, "%s", name);
		return is_file(ret);
	}
	return find_in(list ? list : USUAL_COMMAND, "", name, ret);
}

/* What runs the script at @path, into it; false if it is no script. */
static bool find_interpreter(char *path)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char line[LINE_BYTES];
	char *state = NULL, *word, *argument;
	ssize_t size = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);

	if (size <= 2 || line[0] != '#' || line[1] != '!')
		return false;
	line[size] = '\0';
	*strchrnul(line, '\n') = '\0';
	word = strtok_r(line + 2, " \t", &state);
	argument = strtok_r(NULL, " \t", &state);
	if (!word)
		return false;
	/* #!/usr/bin/env NAME: what runs in the end is NAME. */
	if (argument && strlen(word) > 4 && !strcmp(word + strlen(word) - 4, "/env") &&
	    find_program(argument, path))
		return true;
	return find_program(word, path);
}

int command_files_find(struct intern *paths, char *const *command)
{
	struct search search = { .paths = paths };
	char path[PATH_MAX];
	int err = 0;

	if (!find_program(command[0], path))
		return 0;
	for (int i = 0; i < MAX_SCRIPTS && find_interpreter(path); i++)
		;
	err = add_path(paths, path);
	if (!err)
		err = read_cache(&search);
	/* What they need comes behind them, and so its turn comes too. */
	for (uint32_t i = 0; !err && i < intern_count(paths); i++)
		err = add_needs_of(&search, intern_get(paths, i, NULL));
	free(search.cache);
	return err;
}
