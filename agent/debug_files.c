// SPDX-License-Identifier: Apache-2.0
#include "agent/debug_files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "symbolizer/debug_file.h"
#include "symbolizer/debug_open.h"
#include "symbolizer/debug_supplement.h"

enum {
	ROOT_PATH_BYTES = 32
};

/* The root directory of a process, unless it is that of this host too, or -1. */
static int open_root(uint32_t tid, int host_fd)
{
	char path[ROOT_PATH_BYTES];
	struct stat root, host;
	AUTO_FD fd = -1;

	snprintf(path, sizeof(path), "/proc/%u/root", tid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &root) || fstat(host_fd, &host) ||
	    (root.st_dev == host.st_dev && root.st_ino == host.st_ino))
		return -1;
	return take_fd(&fd);
}

/* On the host, or else where the process sees it; what is found proves itself by an id. */
static int open_anywhere(const struct debug_files *files, const char *path)
{
	int fd = debug_open(files->host_fd, files->path, path);

	if (fd < 0 && files->root_fd >= 0)
		fd = debug_open(files->root_fd, NULL, path);
	return fd < 0 ? -1 : fd;
}

static int open_split(void *context, const char *directory, const char *name)
{
	char path[2 * PATH_MAX];

	if (*name == '/')
		return open_anywhere(context, name);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return open_anywhere(context, path);
}

static int open_package(const struct debug_files *files)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s.dwp", files->path) >= (int)sizeof(path))
		return -1;
	return open_anywhere(files, path);
}

void debug_files_open(struct debug_files *ret, const struct executable *executable)
{
	struct symbol_files *files = &ret->files;
	int fd;

	*ret = (struct debug_files){ .files = SYMBOL_FILES(executable->fd), .root_fd = -1 };
	ret->path = executable->path;
	ret->host_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->host_fd < 0)
		return;
	ret->root_fd = open_root(executable->tid, ret->host_fd);
	if (!debug_file_find(&fd, executable->fd, ret->root_fd, executable->path))
		files->debug_fd = fd;
	if (!debug_supplement_find(&fd, files->debug_fd >= 0 ? files->debug_fd : executable->fd,
				   ret->root_fd))
		files->supplement_fd = fd;
	files->package_fd = open_package(ret);
	files->open_split = open_split;
	files->context = ret;
}

void debug_files_close(struct debug_files *files)
{
	const int owned[] = { files->files.debug_fd, files->files.supplement_fd,
			      files->files.package_fd, files->host_fd, files->root_fd };

	for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++) {
		if (owned[i] >= 0)
			close(owned[i]);
	}
}
