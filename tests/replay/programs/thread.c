// SPDX-License-Identifier: Apache-2.0
/* A thread, from the system call that makes it to its end. */
#include <pthread.h>
#include <stdint.h>

static volatile uint64_t sink;

__attribute__((noinline)) static void recurse(int depth)
{
	if (depth)
		recurse(depth - 1);
	sink++;
}

static void *run(void *argument)
{
	recurse(5);
	return argument;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, NULL))
		return 1;
	pthread_join(thread, NULL);
	return 0;
}
