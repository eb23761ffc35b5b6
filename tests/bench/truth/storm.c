// SPDX-License-Identifier: Apache-2.0
/*
 * storm COUNT PER_SECOND MILLISECONDS PROGRAM... - runs COUNT processes, so many a second, each of so much
 * CPU time, from the PROGRAMs in turn. Prints, as JSON, what the kernel charged to them, and what they spent
 * in main().
 */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static uint64_t children_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static void wait_until(struct timespec *due, long period_ns)
{
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL);
	due->tv_nsec += period_ns;
	while (due->tv_nsec >= 1000000000) {
		due->tv_nsec -= 1000000000;
		due->tv_sec++;
	}
}

int main(int argc, char **argv)
{
	long count, per_second, done = 0;
	uint64_t in_main_ns = 0, before = children_ns(), one;
	struct timespec due;
	int ends[2], status;
	char fd[12];

	if (argc < 5 || pipe(ends))
		return 2;
	count = strtol(argv[1], NULL, 10);
	per_second = strtol(argv[2], NULL, 10);
	snprintf(fd, sizeof(fd), "%d", ends[1]);
	clock_gettime(CLOCK_MONOTONIC, &due);
	for (long i = 0; i < count; i++) {
		char *program = argv[4 + i % (argc - 4)];
		char *arguments[] = { program, argv[3], fd, NULL };
		pid_t child;

		wait_until(&due, 1000000000 / (per_second > 0 ? per_second : 1));
		if (posix_spawn(&child, program, NULL, NULL, arguments, environ) ||
		    waitpid(child, &status, 0) != child || status ||
		    read(ends[0], &one, sizeof(one)) != sizeof(one)) {
			fprintf(stderr, "no truth: %s cannot be run\n", program);
			return 2;
		}
		in_main_ns += one;
		done++;
	}
	printf("{\"processes\": %ld, \"charged_seconds\": %.6f, \"main_seconds\": %.6f}\n", done,
	       (double)(children_ns() - before) / 1e9, (double)in_main_ns / 1e9);
	return 0;
}
