// SPDX-License-Identifier: Apache-2.0
/* A load whose stacks are 30 functions deep: load SECONDS. Built with frame pointers. */
#include <stdlib.h>
#include <time.h>

static volatile unsigned long sink;
static struct timespec end;

static int is_over(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec >= end.tv_sec;
}

__attribute__((noinline)) static void leaf(void)
{
	unsigned long x = 88172645463325252UL;

	for (int i = 0; i < 1000000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	sink += x;
}

/* Each calls the next one and does something afterwards, so that no call is a jump. */
#define LEVEL(name, next)                                \
	__attribute__((noinline)) static void name(void) \
	{                                                \
		next();                                  \
		sink++;                                  \
	}
LEVEL(f30, leaf)
LEVEL(f29, f30)
LEVEL(f28, f29)
LEVEL(f27, f28)
LEVEL(f26, f27)
LEVEL(f25, f26)
LEVEL(f24, f25)
LEVEL(f23, f24)
LEVEL(f22, f23)
LEVEL(f21, f22)
LEVEL(f20, f21)
LEVEL(f19, f20)
LEVEL(f18, f19)
LEVEL(f17, f18)
LEVEL(f16, f17)
LEVEL(f15, f16)
LEVEL(f14, f15)
LEVEL(f13, f14)
LEVEL(f12, f13)
LEVEL(f11, f12)
LEVEL(f10, f11)
LEVEL(f9, f10)
LEVEL(f8, f9)
LEVEL(f7, f8)
LEVEL(f6, f7)
LEVEL(f5, f6)
LEVEL(f4, f5)
LEVEL(f3, f4)
LEVEL(f2, f3)
LEVEL(f1, f2)

int main(int argc, char **argv)
{
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += argc > 1 ? atol(argv[1]) : 10;
	while (!is_over())
		f1();
	return 0;
}
