// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/debug_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "agent/base/cleanup.h"

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

enum {
	LINK_PATH_BYTES = 64
};

static int open_at(int directory_fd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = flags | O_PATH | O_CLOEXEC,
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, directory_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* First without any effect on the file, then, if it is harmless, for reading. */
static int open_regular(int directory_fd, const char *path, uint64_t resolve)
{
	AUTO_FD path_fd = open_at(directory_fd, path, 0, resolve | RESOLVE_NO_XDEV);
	char reopen[LINK_PATH_BYTES];
	struct statfs filesystem;
	struct stat status;
	int fd;

	if (path_fd < 0)
		return path_fd;
	if (fstatfs(path_fd, &filesystem) || filesystem.f_type == FUSE_SUPER_MAGIC ||
	    fstat(path_fd, &status) || !S_ISREG(status.st_mode))
		return -ENOENT;
	snprintf(reopen, sizeof(reopen), "/proc/self/fd/%d", path_fd);
	fd = open(reopen, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Length of the directories, the last slash included, that both paths begin with. */
static size_t common_directories(const char *a, const char *b)
{
	size_t length = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
		if (a[i] == '/')
			length = i + 1;
	}
	return length;
}

int debug_open(int root_fd, const char *known, const char *path)
{
	int fd = open_regular(root_fd, path, RESOLVE_IN_ROOT);
	size_t common = known ? common_directories(known, path) : 0;
	char directory[PATH_MAX];
	AUTO_FD directory_fd = -1;

	if (fd != -EXDEV || !common || common >= sizeof(directory))
		return fd;
	memcpy(directory, path, common);
	directory[common] = '\0';
	directory_fd = open_at(root_fd, directory, O_DIRECTORY, RESOLVE_IN_ROOT);
	if (directory_fd < 0)
		return directory_fd;
	return open_regular(directory_fd, path + common, RESOLVE_BENEATH);
}
