/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * test - the smallest harness: TEST registers itself, TAP comes out, a failed CHECK ends its test.
 *
 * A test is a claim in words:  TEST(the_end_address_is_outside) { CHECK(...); }
 */
struct test {
	const char *name;
	const char *file;
	void (*run)(struct test *test);
	const char *skip_reason; /* set by SKIP */
	int failed;
	struct test *next;
};

void test_register(struct test *test);
void test_fail(struct test *test, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#define TEST(claim)                                                                           \
	static void claim(struct test *test_);                                                \
	static struct test test_##claim = { .name = #claim, .file = __FILE__, .run = claim }; \
	__attribute__((constructor)) static void register_##claim(void)                       \
	{                                                                                     \
		test_register(&test_##claim);                                                 \
	}                                                                                     \
	static void claim(struct test *test_ __attribute__((unused)))

#define CHECK(condition)                                                        \
	do {                                                                    \
		if (!(condition)) {                                             \
			test_fail(test_, __FILE__, __LINE__, "%s", #condition); \
			return;                                                 \
		}                                                               \
	} while (0)

/* Compares integers and shows both. */
#define CHECK_EQ(actual, expected)                                                            \
	do {                                                                                  \
		long long actual_ = (long long)(actual);                                      \
		long long expected_ = (long long)(expected);                                  \
		if (actual_ != expected_) {                                                   \
			test_fail(test_, __FILE__, __LINE__, "%s is %lld, not %lld", #actual, \
				  actual_, expected_);                                        \
			return;                                                               \
		}                                                                             \
	} while (0)

/* Compares C strings and shows both. */
#define CHECK_STR(actual, expected)                                                               \
	do {                                                                                      \
		const char *actual_ = (actual);                                                   \
		const char *expected_ = (expected);                                               \
		if (!actual_ || strcmp(actual_, expected_)) {                                     \
			test_fail(test_, __FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #actual, \
				  actual_ ? actual_ : "(null)", expected_);                       \
			return;                                                                   \
		}                                                                                 \
	} while (0)

/* Ends the test as skipped: for hardware that is not there, with the reason. */
#define SKIP(reason)                           \
	do {                                   \
		test_->skip_reason = (reason); \
		return;                        \
	} while (0)
