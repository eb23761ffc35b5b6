// SPDX-License-Identifier: Apache-2.0
/*
 * compat - a 32-bit program: _start calls a, a calls b, b computes; a minute at most.
 *
 * It needs no C library, so that a compiler for 64-bit programs alone can build it:
 * -m32 -static -nostdlib -ffreestanding.
 */
#define SYS_alarm_32 27

static __attribute__((noinline, used)) unsigned int b(unsigned int x)
{
	for (;;) {
		x = x * 1664525 + 1013904223;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

static __attribute__((noinline, used)) unsigned int a(unsigned int x)
{
	return b(x) + 1;
}

void _start(void);
void _start(void)
{
	int result = SYS_alarm_32;

	__asm__ volatile("int $0x80" : "+a"(result) : "b"(60) : "memory");
	a(1);
	for (;;)
		;
}
