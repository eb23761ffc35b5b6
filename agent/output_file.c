// SPDX-License-Identifier: Apache-2.0
#include "agent/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/quantity.h"

struct output_file {
	FILE *stream;
	char *path;
	char *temporary; /* NULL: written in place */
};

/* The user who called sudo, if that is how we got here, so that they can read the file. */
static void give_to_caller(int fd)
{
	const char *user = getenv("SUDO_UID");
	const char *group = getenv("SUDO_GID");
	uint64_t uid, gid;

	if (geteuid() || !user || !group || quantity_parse_count(&uid, user, 0, UINT32_MAX - 1) ||
	    quantity_parse_count(&gid, group, 0, UINT32_MAX - 1))
		return;
	if (fchown(fd, (uid_t)uid, (gid_t)gid))
		return; /* a file system without owners: nothing is lost */
}

static int open_beside(struct output_file *file)
{
	int fd;

	if (asprintf(&file->temporary, "%s.XXXXXX", file->path) < 0) {
		file->temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(file->temporary, O_CLOEXEC);
	if (fd < 0) {
		int err = -errno;

		free(take(file->temporary));
		return err;
	}
	give_to_caller(fd);
	return fd;
}

/* Opening must not wait for a pipe's reader that never comes; writing may wait for a slow one. */
static int open_in_place(const char *path)
{
	AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fcntl(fd, F_SETFL, 0))
		return -errno;
	return take_fd(&fd);
}

static int open_place(struct output_file *file)
{
	struct stat status;
	int fd;

	if (!strcmp(file->path, "-")) {
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? -errno : fd;
	}
	if (stat(file->path, &status) || S_ISREG(status.st_mode))
		return open_beside(file);
	return S_ISDIR(status.st_mode) ? -EISDIR : open_in_place(file->path);
}

int output_file_open(struct output_file **out, const char *path)
{
	AUTO(output_file) file = calloc(1, sizeof(*file));
	AUTO_FD fd = -1;

	if (!file)
		return -ENOMEM;
	file->path = strdup(path);
	if (!file->path)
		return -ENOMEM;
	fd = open_place(file);
	if (fd < 0)
		return fd;
	file->stream = fdopen(fd, "w");
	if (!file->stream)
		return -errno;
	take_fd(&fd);
	*out = take(file);
	return 0;
}

FILE *output_file_stream(struct output_file *file)
{
	return file->stream;
}

int output_file_commit(struct output_file *file)
{
	errno = 0;
	if (fclose(take(file->stream)))
		return errno ? -errno : -EIO;
	if (!file->temporary)
		return 0;
	if (rename(file->temporary, file->path))
		return -errno;
	free(take(file->temporary));
	return 0;
}

void output_file_free(struct output_file *file)
{
	if (!file)
		return;
	if (file->stream)
		fclose(file->stream);
	if (file->temporary)
		unlink(file->temporary);
	free(file->temporary);
	free(file->path);
	free(file);
}
