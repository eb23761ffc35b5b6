// SPDX-License-Identifier: Apache-2.0
/*
 * The library of host.c: plugin_call calls a function that computes, named FUNCTION. With
 * -DOTHER=name there is one more, elsewhere, that nobody calls.
 */
#include <stdint.h>

uint64_t plugin_call(uint64_t x);
uint64_t FUNCTION(uint64_t x);

__attribute__((noinline)) uint64_t FUNCTION(uint64_t x)
{
	/* gcc gives functions that call nothing no frame, whatever the flags, unless they ask. */
	__asm__ volatile("" : : "r"(__builtin_frame_address(0)));
	for (int i = 0; i < 1000000; i++)
		x = x * 6364136223846793005 + 1442695040888963407;
	return x;
}

uint64_t plugin_call(uint64_t x)
{
	return FUNCTION(x) + 1;
}

#ifdef OTHER
uint64_t OTHER(uint64_t x);
uint64_t OTHER(uint64_t x)
{
	return x / 3;
}
#endif
