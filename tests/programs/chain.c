// SPDX-License-Identifier: Apache-2.0
/*
 * chain [MILLISECONDS [PROGRAM ARG...]] - main calls a, a calls b, b calls c, and c computes.
 *
 * With frame pointers every sample of it is exactly that chain: c calls nothing, and nobody calls
 * in tail position. It ends after that much CPU time, or executes another program; without, after
 * a minute, so that a test that dies leaves nothing behind. Other names come with -Da=..., at the
 * same addresses if as long.
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t time_is_up;

static void on_timer(int signal)
{
	(void)signal;
	time_is_up = 1;
}

static __attribute__((noinline)) uint64_t c(uint64_t x)
{
	/* gcc gives functions that call nothing no frame, whatever the flags, unless they ask. */
	__asm__ volatile("" : : "r"(__builtin_frame_address(0)));
	while (!time_is_up)
		x = x * 6364136223846793005 + 1442695040888963407;
	return x;
}

static __attribute__((noinline)) uint64_t b(uint64_t x)
{
	return c(x) + 1;
}

static __attribute__((noinline)) uint64_t a(uint64_t x)
{
	return b(x) + 1;
}

int main(int argc, char **argv)
{
	long wanted = argc > 1 ? atol(argv[1]) : 0;
	struct itimerval timer = { .it_value = { wanted / 1000, wanted % 1000 * 1000 } };
	uint64_t x;

	alarm(60);
	signal(SIGPROF, on_timer);
	setitimer(ITIMER_PROF, &timer, NULL);
	x = a((uint64_t)argc);
	if (argc > 2)
		execv(argv[2], argv + 2);
	return x == 0;
}
