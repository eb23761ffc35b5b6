// SPDX-License-Identifier: Apache-2.0
/* clock - asks what time it is, through the vDSO, until killed; a minute at most. */
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec now;

	alarm(60);
	for (;;)
		clock_gettime(CLOCK_MONOTONIC, &now);
}
