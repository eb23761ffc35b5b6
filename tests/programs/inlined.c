// SPDX-License-Identifier: Apache-2.0
/* All its time is in innie(), inlined into middle(), inlined into outer(). The lines matter. */
#include <stdint.h>

static volatile uint64_t sink;

static inline __attribute__((always_inline)) void innie(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sink += i; /* line 10 */
}

static inline __attribute__((always_inline)) void middle(uint64_t count)
{
	innie(count); /* line 15 */
}

__attribute__((noinline)) void outer(uint64_t count)
{
	middle(count); /* line 20 */
	__asm__ volatile("" ::: "memory");
}

int main(void)
{
	for (;;)
		outer(1000); /* line 27 */
}
