// SPDX-License-Identifier: Apache-2.0
#include "agent/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/quantity.h"

struct output_file {
	FILE *stream; /* writes to fd */
	int fd;
	int error; /* of the first write that failed, as -errno */
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

/* stdio keeps only the fact that a write failed; the reason is kept here. */
static ssize_t write_and_remember(void *cookie, const char *bytes, size_t size)
{
	struct output_file *file = cookie;
	size_t written = 0;

	while (written < size) {
		ssize_t part = write(file->fd, bytes + written, size - written);

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0) {
			file->error = part ? -errno : -EIO;
			return 0;
		}
		written += (size_t)part;
	}
	return (ssize_t)size;
}

int output_file_open(struct output_file **out, const char *path)
{
	const cookie_io_functions_t functions = { .write = write_and_remember };
	AUTO(output_file) file = calloc(1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	file->fd = -1;
	file->path = strdup(path);
	if (!file->path)
		return -ENOMEM;
	file->fd = open_place(file);
	if (file->fd < 0)
		return file->fd;
	file->stream = fopencookie(file, "w", functions);
	if (!file->stream)
		return -ENOMEM;
	*out = take(file);
	return 0;
}

FILE *output_file_stream(struct output_file *file)
{
	return file->stream;
}

int output_file_error(const struct output_file *file)
{
	return file->error;
}

int output_file_commit(struct output_file *file)
{
	int failed = fclose(take(file->stream));

	if (failed || file->error)
		return file->error ? file->error : -EIO;
	/* Some file systems tell only now that there was no room. */
	if (close(take_fd(&file->fd)))
		return -errno;
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
	if (file->fd >= 0)
		close(file->fd);
	if (file->temporary)
		unlink(file->temporary);
	free(file->temporary);
	free(file->path);
	free(file);
}
