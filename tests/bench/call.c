// SPDX-License-Identifier: Apache-2.0
/*
 * call LIBRARY FUNCTION MILLISECONDS - load a library and call a function of it that takes nothing,
 * again and again, for that much CPU time.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double used_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	void *library = argc > 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	void *(*function)(void);

	if (!library) {
		fprintf(stderr, "%s\n",
			argc > 3 ? dlerror() : "call LIBRARY FUNCTION MILLISECONDS");
		return 1;
	}
	*(void **)&function = dlsym(library, argv[2]);
	if (!function)
		return 1;
	while (used_ms() < atof(argv[3]))
		function();
	return 0;
}
