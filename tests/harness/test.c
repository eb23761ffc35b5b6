// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdarg.h>
#include <stdlib.h>

static struct test *first;
static struct test **last = &first;

void test_register(struct test *test)
{
	*last = test;
	last = &test->next;
}

void test_fail(struct test *test, const char *file, int line, const char *format, ...)
{
	va_list args;

	test->failed = 1;
	printf("# %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static void run_one(struct test *test, int number)
{
	test->run(test);
	printf("%s %d - %s: %s", test->failed ? "not ok" : "ok", number, test->file, test->name);
	if (test->skip_reason)
		printf(" # SKIP %s", test->skip_reason);
	printf("\n");
	fflush(stdout);
}

/* Runs the tests whose name contains the first argument, or all. */
int main(int argc, char **argv)
{
	int count = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct test *test = first; test; test = test->next) {
		if (argc > 1 && !strstr(test->name, argv[1]))
			continue;
		run_one(test, ++count);
		failed += test->failed;
	}
	printf("1..%d\n", count);
	return failed || !count ? EXIT_FAILURE : EXIT_SUCCESS;
}
