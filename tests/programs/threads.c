// SPDX-License-Identifier: Apache-2.0
/* threads SECONDS - start a thread and wait for its end, again and again. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void *nothing(void *argument)
{
	return argument;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atol(argv[1]) : 1);

	alarm(60);
	while (time(NULL) < end) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
			return 1;
	}
	return 0;
}
