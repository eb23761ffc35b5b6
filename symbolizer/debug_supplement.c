// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/debug_supplement.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "symbolizer/debug_open.h"
#include "symbolizer/elf_file.h"

#define BUILD_ID_DIRECTORY "/usr/lib/debug/.build-id/"

enum {
	LINK_PATH_BYTES = 64,
	MAX_LINK_BYTES = PATH_MAX + BUILD_ID_MAX,
};

/* A path, a NUL, and the build id of the file that is meant. */
struct link {
	char bytes[MAX_LINK_BYTES + 1];
	const uint8_t *build_id; /* in @bytes */
	size_t build_id_size;
};

static int read_link(struct link *link, int fd)
{
	AUTO(elf_file) file = NULL;
	const struct elf_section *section;
	size_t length;
	int err = elf_file_new(&file, fd);

	if (err)
		return err;
	section = elf_file_find_section(file, ".gnu_debugaltlink");
	if (!section || section->size > MAX_LINK_BYTES)
		return -ENOENT;
	if (pread(fd, link->bytes, section->size, (off_t)section->offset) != (ssize_t)section->size)
		return -EIO;
	link->bytes[section->size] = '\0';
	length = strlen(link->bytes);
	if (!length || length >= PATH_MAX || length + 2 >= section->size)
		return -ENOENT;
	link->build_id = (const uint8_t *)link->bytes + length + 1;
	link->build_id_size = section->size - length - 1;
	return link->build_id_size <= BUILD_ID_MAX ? 0 : -ENOENT;
}

static bool is_meant(const struct link *link, int fd)
{
	AUTO(elf_file) file = NULL;
	const uint8_t *build_id;
	size_t size;

	if (elf_file_new(&file, fd))
		return false;
	build_id = elf_file_build_id(file, &size);
	return size == link->build_id_size && !memcmp(build_id, link->build_id, size);
}

static int try_path(int *ret_fd, const struct link *link, int root_fd, const char *known,
		    const char *path)
{
	AUTO_FD fd = debug_open(root_fd, known, path);

	if (fd < 0 || !is_meant(link, fd))
		return -ENOENT;
	*ret_fd = take_fd(&fd);
	return 0;
}

static void print_build_id_path(char *path, size_t size, const struct link *link)
{
	int at = snprintf(path, size, BUILD_ID_DIRECTORY);

	for (size_t i = 0; i < link->build_id_size; i++)
		at += snprintf(path + at, size - (size_t)at, "%02x%s", link->build_id[i],
			       i ? "" : "/");
	snprintf(path + at, size - (size_t)at, ".debug");
}

/* As its process sees it, or as near to that as the kernel says. */
static void read_own_path(char *path, int fd)
{
	char link[LINK_PATH_BYTES];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, PATH_MAX - 1);
	path[length > 0 ? length : 0] = '\0';
}

static int find_in(int *ret_fd, const struct link *link, int fd, int root_fd, bool is_host)
{
	char own[PATH_MAX], path[2 * PATH_MAX];
	const char *slash, *known = is_host ? own : NULL;
	int err;

	read_own_path(own, fd);
	print_build_id_path(path, sizeof(path), link);
	err = try_path(ret_fd, link, root_fd, known, path);
	if (err != -ENOENT)
		return err;
	slash = strrchr(own, '/');
	if (*link->bytes == '/' || !slash)
		snprintf(path, sizeof(path), "%s", link->bytes);
	else
		snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - own), own, link->bytes);
	return try_path(ret_fd, link, root_fd, known, path);
}

int debug_supplement_find(int *ret_fd, int fd, int root_fd)
{
	AUTO_FD host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct link link;
	int err = read_link(&link, fd);

	if (err)
		return err;
	err = host >= 0 ? find_in(ret_fd, &link, fd, host, true) : -ENOENT;
	if (err == -ENOENT && root_fd >= 0)
		err = find_in(ret_fd, &link, fd, root_fd, false);
	return err;
}
