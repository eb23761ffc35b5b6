/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/*
 * child - a command that is started, but does not run before it is told to.
 *
 * Between spawn and release there is a process with an id and nothing else, so that it can be
 * made a target before its first instruction. If this process dies meanwhile, so does it.
 */
struct child {
	pid_t pid;      /* 0: none */
	int pidfd;      /* readable when it has ended */
	int release_fd; /* write end: a byte lets it run */
	int error_fd;   /* read end: its errno if it cannot be executed */
};
#define CHILD_NONE ((struct child){ .pidfd = -1, .release_fd = -1, .error_fd = -1 })

/* child_spawn() - a process that waits. @argv is NULL-terminated. 0 or -errno. */
int child_spawn(struct child *ret, char *const *argv);

/* child_release() - let it run. 0, or -errno if the command cannot be executed. */
int child_release(struct child *child);

/* child_wait() - its wait(2) status, once its pidfd is readable. 0 or -errno. */
int child_wait(struct child *child, int *ret_status);

/* child_close() - forget it; one that was not released ends, one that runs goes on. */
void child_close(struct child *child);
