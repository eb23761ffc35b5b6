// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/debug_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "symbolizer/cfi_image.h"
#include "symbolizer/checksum.h"
#include "symbolizer/debug_open.h"
#include "symbolizer/elf_file.h"

#define DEBUG_DIRECTORY "/usr/lib/debug"

/* What a program says of its debug file. */
struct debug_link {
	uint8_t build_id[BUILD_ID_MAX];
	size_t build_id_size;    /* 0: none */
	char name[NAME_MAX + 1]; /* of .gnu_debuglink; "": none */
	uint32_t checksum;       /* of the file with that name */
};

/* A name, zeros up to a multiple of 4, and the checksum. */
static int read_named_link(struct debug_link *ret, int fd)
{
	char bytes[NAME_MAX + 1 + 2 * sizeof(uint32_t)];
	const struct cfi_extent *section;
	struct cfi_image image;
	int64_t size;
	size_t at;
	int err = cfi_image_read(&image, fd);

	section = &image.sections[CFI_SECTION_DEBUG_LINK];
	if (err || !section->size || section->size > sizeof(bytes))
		return err == -ENOEXEC ? 0 : err;
	size = cfi_read_file(fd, bytes, section->size, section->offset);
	if (size < 0)
		return (int)size;
	at = strnlen(bytes, (size_t)size) / sizeof(ret->checksum) * sizeof(ret->checksum) +
	     sizeof(ret->checksum);
	if (at > NAME_MAX || at + sizeof(ret->checksum) > (size_t)size)
		return 0;
	memcpy(&ret->checksum, bytes + at, sizeof(ret->checksum));
	memcpy(ret->name, bytes, at);
	return 0;
}

static int read_link(struct debug_link *ret, int fd)
{
	AUTO(elf_file) file = NULL;
	const uint8_t *build_id;
	int err = elf_file_new(&file, fd);

	if (err)
		return err;
	*ret = (struct debug_link){};
	build_id = elf_file_build_id(file, &ret->build_id_size);
	if (ret->build_id_size)
		memcpy(ret->build_id, build_id, ret->build_id_size);
	return read_named_link(ret, fd);
}

/* ---- finding -------------------------------------------------------------------------------------- */

static bool has_build_id(int fd, const struct debug_link *link)
{
	AUTO(elf_file) file = NULL;
	const uint8_t *build_id;
	size_t size;

	if (elf_file_new(&file, fd))
		return false;
	build_id = elf_file_build_id(file, &size);
	return size == link->build_id_size && !memcmp(build_id, link->build_id, size);
}

/* @known: NULL, or a path to which mounts may be crossed */
static int find_by_build_id(int *ret_fd, const struct debug_link *link, int root_fd,
			    const char *known)
{
	char path[sizeof(DEBUG_DIRECTORY) + 2 * BUILD_ID_MAX + 32];
	int at = snprintf(path, sizeof(path), DEBUG_DIRECTORY "/.build-id/");
	AUTO_FD fd = -1;

	if (link->build_id_size < 2)
		return -ENOENT;
	for (size_t i = 0; i < link->build_id_size; i++)
		at += snprintf(path + at, sizeof(path) - (size_t)at, "%02x%s", link->build_id[i],
			       i ? "" : "/");
	snprintf(path + at, sizeof(path) - (size_t)at, ".debug");
	fd = debug_open(root_fd, known, path);
	if (fd < 0 || !has_build_id(fd, link))
		return -ENOENT;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The program itself may have the name, and lie there: its checksum is another one. */
static int find_by_name(int *ret_fd, const struct debug_link *link, int root_fd, const char *path,
			const char *known)
{
	static const char *const before[] = { "", "", DEBUG_DIRECTORY };
	static const char *const between[] = { "", ".debug/", "" };
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (!slash || !link->name[0] || strchr(link->name, '/'))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		char candidate[PATH_MAX];
		AUTO_FD fd = -1;
		uint32_t sum;

		if (snprintf(candidate, sizeof(candidate), "%s%.*s/%s%s", before[i],
			     (int)(slash - path), path, between[i],
			     link->name) >= (int)sizeof(candidate))
			continue;
		fd = debug_open(root_fd, known, candidate);
		if (fd < 0 || checksum_of_file(fd, &sum) || sum != link->checksum)
			continue;
		*ret_fd = take_fd(&fd);
		return 0;
	}
	return -ENOENT;
}

int debug_file_find(int *ret_fd, int fd, int root_fd, const char *path)
{
	AUTO_FD host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const int roots[] = { host, root_fd };
	struct debug_link link;
	int err = read_link(&link, fd);

	if (err)
		return err;
	err = -ENOENT;
	for (size_t i = 0; err == -ENOENT && i < 2; i++) {
		if (roots[i] < 0)
			continue;
		/* The host's directories are its own: only a container may have mounted a trap there. */
		err = find_by_build_id(ret_fd, &link, roots[i], i ? NULL : DEBUG_DIRECTORY "/");
		if (err == -ENOENT)
			err = find_by_name(ret_fd, &link, roots[i], path, i ? NULL : path);
	}
	return err;
}
