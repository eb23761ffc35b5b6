// SPDX-License-Identifier: Apache-2.0
/* not_dumpable - computes in main, in a process that nobody but root may look into; a minute at most. */
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

static volatile uint64_t sink;

int main(void)
{
	alarm(60);
	if (prctl(PR_SET_DUMPABLE, 0))
		return 1;
	for (;;)
		sink++;
}
