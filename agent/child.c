// SPDX-License-Identifier: Apache-2.0
#include "agent/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/base/cleanup.h"

enum {
	EXIT_CANNOT_EXECUTE = 127
};

/* In the new process: waits for the byte, then becomes the command. */
static void become(char *const *argv, int release_fd, int error_fd)
{
	sigset_t none;
	char byte;
	int err;

	if (read(release_fd, &byte, 1) != 1)
		_exit(EXIT_CANNOT_EXECUTE);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	err = errno;
	if (write(error_fd, &err, sizeof(err)) < 0)
		_exit(EXIT_CANNOT_EXECUTE);
	_exit(EXIT_CANNOT_EXECUTE);
}

int child_spawn(struct child *ret, char *const *argv)
{
	AUTO_FD release_read = -1;
	AUTO_FD release_write = -1;
	AUTO_FD error_read = -1;
	AUTO_FD error_write = -1;
	int release[2], error[2];
	pid_t pid;
	long pidfd;

	if (pipe2(release, O_CLOEXEC))
		return -errno;
	release_read = release[0];
	release_write = release[1];
	if (pipe2(error, O_CLOEXEC))
		return -errno;
	error_read = error[0];
	error_write = error[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		/* Its own copy of the write end would keep the pipe open when we die. */
		close(release_write);
		become(argv, release_read, error_write);
	}
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	*ret = (struct child){ pid, (int)pidfd, take_fd(&release_write), take_fd(&error_read) };
	return 0;
}

int child_release(struct child *child)
{
	ssize_t size;
	int err = 0;

	if (write(child->release_fd, "", 1) != 1)
		return -errno;
	/* Ends without a byte when execution succeeds: the other end closes itself then. */
	do {
		size = read(child->error_fd, &err, sizeof(err));
	} while (size < 0 && errno == EINTR);
	return size == sizeof(err) ? -err : 0;
}

int child_wait(struct child *child, int *ret_status)
{
	pid_t pid = waitpid(child->pid, ret_status, 0);

	return pid < 0 ? -errno : 0;
}

void child_close(struct child *child)
{
	if (child->pidfd >= 0)
		close(take_fd(&child->pidfd));
	if (child->release_fd >= 0)
		close(take_fd(&child->release_fd));
	if (child->error_fd >= 0)
		close(take_fd(&child->error_fd));
	child->pid = 0;
}
