// SPDX-License-Identifier: Apache-2.0
#include "agent/mapped_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "agent/file_identity.h"

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

enum {
	LINK_PATH_BYTES = 80
};

static int check_readable(int path_fd)
{
	struct stat status;
	struct statfs filesystem;

	if (fstat(path_fd, &status) || fstatfs(path_fd, &filesystem))
		return -errno;
	return S_ISREG(status.st_mode) && filesystem.f_type != FUSE_SUPER_MAGIC ? 0 : -ENODEV;
}

/* First without any effect on the file, then, if it is harmless, for reading. */
static int open_link(const char *link)
{
	AUTO_FD path_fd = open(link, O_PATH | O_CLOEXEC);
	char reopen[LINK_PATH_BYTES];
	int err, fd;

	if (path_fd < 0)
		return -errno;
	err = check_readable(path_fd);
	if (err)
		return err;
	snprintf(reopen, sizeof(reopen), "/proc/self/fd/%d", path_fd);
	fd = open(reopen, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Maps one page, which is never touched, so that the kernel side can look at it. */
static int identify(int fd, struct sampler *sampler, struct mapped_file *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *address = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0);
	int err = 0;

	if (address == MAP_FAILED)
		return -errno;
	ret->id = sampler_identify(sampler, address);
	if (ret->id)
		err = sampler_identified(sampler, &ret->file);
	munmap(address, page);
	return ret->id ? err : -ESTALE;
}

/* Whether it is the file of @event. */
static int identify_event(int fd, struct sampler *sampler, const struct abi_executable_event *event,
			  struct mapped_file *ret)
{
	int err;

	if (sampler_tier(sampler) == STACK_TIER_FULL) {
		err = identify(fd, sampler, ret);
		return !err && ret->id != event->id ? -ESTALE : err;
	}
	/* There the agent itself gave the file its number, by what it can tell too. */
	ret->id = event->id;
	err = file_identity_of_fd(&ret->file, fd);
	return !err && memcmp(&ret->file, &event->file, sizeof(event->file)) ? -ESTALE : err;
}

static int read_path(const char *link, char **ret)
{
	static const char deleted[] = " (deleted)";
	char path[PATH_MAX];
	ssize_t length = readlink(link, path, sizeof(path));

	if (length < 0)
		return -errno;
	if ((size_t)length > strlen(deleted) &&
	    !memcmp(path + length - strlen(deleted), deleted, strlen(deleted)))
		length -= (ssize_t)strlen(deleted);
	*ret = strndup(path, (size_t)length);
	return *ret ? 0 : -ENOMEM;
}

static int open_through(const char *link, struct mapped_file *ret, struct sampler *sampler,
			const struct abi_executable_event *event)
{
	AUTO_FD fd = open_link(link);
	AUTO_STRING path = NULL;
	struct mapped_file file = MAPPED_FILE_NONE;
	struct stat status;
	int err;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status))
		return -errno;
	err = identify_event(fd, sampler, event, &file);
	if (!err)
		err = read_path(link, &path);
	if (err)
		return err;
	file.fd = take_fd(&fd);
	file.path = take(path);
	file.modified = status.st_mtim;
	*ret = file;
	return 0;
}

int mapped_file_open_path(struct mapped_file *ret, struct sampler *sampler, const char *path)
{
	AUTO_FD fd = open_link(path);
	AUTO_STRING own_path = NULL;
	char magic[SELFMAG], link[LINK_PATH_BYTES];
	struct mapped_file file = MAPPED_FILE_NONE;
	struct stat status;
	int err;

	if (fd < 0)
		return fd;
	if (pread(fd, magic, sizeof(magic), 0) != sizeof(magic) || memcmp(magic, ELFMAG, SELFMAG))
		return -ENOEXEC;
	if (fstat(fd, &status))
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	err = identify(fd, sampler, &file);
	if (!err)
		err = read_path(link, &own_path);
	if (err)
		return err;
	file.fd = take_fd(&fd);
	file.path = take(own_path);
	file.modified = status.st_mtim;
	*ret = file;
	return 0;
}

int mapped_file_open(struct mapped_file *ret, struct sampler *sampler,
		     const struct abi_executable_event *event)
{
	char link[LINK_PATH_BYTES];
	int err;

	/* By thread id: the link works from any thread, and the first one may be gone. */
	snprintf(link, sizeof(link), "/proc/%u/map_files/%llx-%llx", event->tid, event->start,
		 event->end);
	err = open_through(link, ret, sampler, event);
	if (err != -ENOENT && err != -EPERM && err != -EACCES)
		return err;

	/* The mapping may have been split or merged since; most files are the main program. */
	snprintf(link, sizeof(link), "/proc/%u/exe", event->tid);
	return open_through(link, ret, sampler, event) ? err : 0;
}

int mapped_file_open_root(pid_t pid)
{
	char path[LINK_PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	return pid ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

void mapped_file_close(struct mapped_file *file)
{
	if (file->fd >= 0)
		close(take_fd(&file->fd));
	free(take(file->path));
}
