// SPDX-License-Identifier: Apache-2.0
/*
 * crowd COUNT - so many processes, each of which works a little and sleeps a little. Runs until
 * killed, a minute at most; the children die with the parent.
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static volatile uint64_t sink;

static void work_and_sleep(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(60);
	for (;;) {
		for (int i = 0; i < 100000; i++)
			sink += (uint64_t)i;
		usleep(50000);
	}
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1;

	alarm(60);
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (!pid)
			work_and_sleep();
	}
	for (;;)
		pause();
}
