// SPDX-License-Identifier: Apache-2.0
/*
 * enter - main calls a, a calls b, b calls c, and c calls the kernel, where the time goes.
 *
 * c enters it by itself and not through the C library, so that with frame pointers the user's part
 * of every sample is exactly that chain, whether the tick hit the kernel or not. A minute at most.
 */
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static char page[4096];

static __attribute__((noinline)) long c(long x)
{
	/* gcc gives functions that call nothing no frame, whatever the flags, unless they ask. */
	__asm__ volatile("" : : "r"(__builtin_frame_address(0)));
	for (;;) {
		long result = SYS_getrandom;

		__asm__ volatile("syscall"
				 : "+a"(result)
				 : "D"(page), "S"(sizeof(page)), "d"(0L)
				 : "rcx", "r11", "memory");
		if (result < 0)
			return x;
	}
}

static __attribute__((noinline)) long b(long x)
{
	return c(x) + 1;
}

static __attribute__((noinline)) long a(long x)
{
	return b(x) + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	alarm(60);
	return a(argc) == 0;
}
