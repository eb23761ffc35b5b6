// SPDX-License-Identifier: Apache-2.0
/*
 * spawner SECONDS PROGRAM [ARG...] - run a program again and again, one process at a time.
 *
 * Prints how many there were, and the CPU time that the kernel charged to them, in seconds.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	double end = now() + (argc > 2 ? atof(argv[1]) : 0);
	struct rusage used;
	long count = 0;

	alarm(60);
	for (; now() < end; count++) {
		int status;
		pid_t pid;

		if (posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environ) ||
		    waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	getrusage(RUSAGE_CHILDREN, &used);
	printf("%ld %.6f\n", count, seconds(used.ru_utime) + seconds(used.ru_stime));
	return 0;
}
