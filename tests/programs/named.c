// SPDX-License-Identifier: Apache-2.0
/* named NAME - a thread called NAME, whatever bytes these are, that computes in main; a minute at most. */
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

static volatile uint64_t sink;

int main(int argc, char **argv)
{
	alarm(60);
	if (argc < 2 || prctl(PR_SET_NAME, argv[1]))
		return 1;
	for (;;)
		sink++;
}
