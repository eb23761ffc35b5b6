// SPDX-License-Identifier: Apache-2.0
/* deep DEPTH - main, so many calls of down, and at their end c, which computes; a minute at most. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int time_is_up;

static __attribute__((noinline)) uint64_t c(uint64_t x)
{
	/* gcc gives functions that call nothing no frame, whatever the flags, unless they ask. */
	__asm__ volatile("" : : "r"(__builtin_frame_address(0)));
	while (!time_is_up)
		x = x * 6364136223846793005 + 1442695040888963407;
	return x;
}

static __attribute__((noinline)) uint64_t down(long depth)
{
	uint64_t result = depth > 1 ? down(depth - 1) : c((uint64_t)depth);

	return result + (uint64_t)time_is_up;
}

int main(int argc, char **argv)
{
	alarm(60);
	return (int)down(argc > 1 ? atol(argv[1]) : 1);
}
