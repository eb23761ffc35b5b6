// SPDX-License-Identifier: Apache-2.0
/*
 * calls - main -> work -> middle -> leaf, where every function is a few instructions long: many
 * samples fall into prologues and epilogues. Runs until killed, a minute at most.
 */
#include <stdint.h>
#include <unistd.h>

static volatile uint64_t sink;

static __attribute__((noinline)) uint64_t leaf(uint64_t x)
{
	return x * 6364136223846793005 + sink;
}

static __attribute__((noinline)) uint64_t middle(uint64_t x)
{
	return leaf(x) + leaf(x + 1);
}

static __attribute__((noinline)) uint64_t work(uint64_t x)
{
	return middle(x) + middle(x + 2);
}

int main(void)
{
	alarm(60);
	for (;;)
		sink = work(sink);
}
