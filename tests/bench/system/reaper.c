// SPDX-License-Identifier: Apache-2.0
/*
 * reaper FILE COMMAND...: run it, wait for it and for all that it leaves behind, and write the CPU
 * seconds that they all used into FILE: what a profile of them has to explain.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds_of(int who)
{
	struct rusage used;

	getrusage(who, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	FILE *out;

	if (argc < 3)
		return 2;
	out = fopen(argv[1], "we");
	if (!out || prctl(PR_SET_CHILD_SUBREAPER, 1))
		return 1;
	if (!fork()) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	while (wait(NULL) > 0)
		;
	fprintf(out, "%.6f\n", seconds_of(RUSAGE_SELF) + seconds_of(RUSAGE_CHILDREN));
	return fclose(out) ? 1 : 0;
}
