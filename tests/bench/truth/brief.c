// SPDX-License-Identifier: Apache-2.0
/*
 * brief MILLISECONDS [FD] - a process of so much CPU time, loader and all: main, a, b, burn. What it spent from
 * main() on is written to FD: eight bytes of nanoseconds, so that its parent knows.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bursts.h"

static uint64_t process_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

FRAME void burn(long units)
{
	uint64_t x = 88172645463325252;

	for (long i = 0; i < units; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	TOUCH(&x);
}

static FRAME void brief_b(uint64_t end)
{
	while (process_ns() < end)
		burn(20000);
}

static FRAME void brief_a(uint64_t end)
{
	brief_b(end);
	AFTER_CALL();
}

int main(int argc, char **argv)
{
	uint64_t begin = process_ns(), spent;
	uint64_t wanted = (uint64_t)(argc > 1 ? strtol(argv[1], NULL, 10) : 20) * 1000000;

	if (begin < wanted)
		brief_a(wanted);
	spent = process_ns() - begin;
	return argc > 2 &&
	       write((int)strtol(argv[2], NULL, 10), &spent, sizeof(spent)) != sizeof(spent);
}
