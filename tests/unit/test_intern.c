// SPDX-License-Identifier: Apache-2.0
#include "agent/base/intern.h"

#include <errno.h>

#include "tests/harness/test.h"

TEST(numbers_follow_first_appearance)
{
	AUTO(intern) table = NULL;
	uint32_t number = 99;

	CHECK_EQ(intern_new(&table, SIZE_MAX), 0);
	CHECK_EQ(intern_add(table, "b", 1, &number), 0);
	CHECK_EQ(number, 0);
	CHECK_EQ(intern_add(table, "a", 1, &number), 0);
	CHECK_EQ(number, 1);
	CHECK_EQ(intern_add(table, "b", 1, &number), 0);
	CHECK_EQ(number, 0);
	CHECK_EQ(intern_count(table), 2);
}

TEST(length_tells_strings_apart_and_bytes_may_be_nul)
{
	AUTO(intern) table = NULL;
	uint32_t empty, one, two;
	size_t length;

	CHECK_EQ(intern_new(&table, SIZE_MAX), 0);
	CHECK_EQ(intern_add(table, "", 0, &empty), 0);
	CHECK_EQ(intern_add(table, "\0", 1, &one), 0);
	CHECK_EQ(intern_add(table, "\0\0", 2, &two), 0);
	CHECK(empty != one && one != two && empty != two);
	intern_get(table, two, &length);
	CHECK_EQ(length, 2);
}

TEST(a_hundred_thousand_strings_keep_their_numbers_and_places)
{
	AUTO(intern) table = NULL;
	const char *first;
	uint32_t number;

	CHECK_EQ(intern_new(&table, SIZE_MAX), 0);
	CHECK_EQ(intern_add(table, "first", 5, &number), 0);
	first = intern_get(table, 0, NULL);
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t words[3] = { i, ~i, i * 3 };

		CHECK_EQ(intern_add(table, words, sizeof(words), &number), 0);
		CHECK_EQ(number, i + 1);
	}
	CHECK(intern_get(table, 0, NULL) == first);
	CHECK_STR(first, "first");
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t words[3] = { i, ~i, i * 3 };

		CHECK_EQ(intern_find(table, words, sizeof(words), &number), 0);
		CHECK_EQ(number, i + 1);
	}
	CHECK_EQ(intern_find(table, "second", 6, &number), -ENOENT);
}

TEST(copies_are_aligned_for_words)
{
	AUTO(intern) table = NULL;
	uint32_t number;

	CHECK_EQ(intern_new(&table, SIZE_MAX), 0);
	for (size_t length = 0; length < 40; length++) {
		char bytes[40];

		memset(bytes, (int)length, sizeof(bytes));
		CHECK_EQ(intern_add(table, bytes, length, &number), 0);
		CHECK_EQ((uintptr_t)intern_get(table, number, NULL) % 8, 0);
	}
}

TEST(a_full_table_refuses_the_new_and_still_knows_the_old)
{
	AUTO(intern) table = NULL;
	uint32_t number, last = 0;
	uint64_t i = 0;
	int err = 0;

	CHECK_EQ(intern_new(&table, 256 * 1024), 0);
	for (; !err; i++) {
		err = intern_add(table, &i, sizeof(i), &number);
		last = err ? last : number;
	}
	CHECK_EQ(err, -ENOSPC);
	CHECK(last > 1000);
	CHECK(intern_bytes(table) <= 256 * 1024 + 64 * 1024);
	for (i = 0; i <= last; i++) {
		CHECK_EQ(intern_add(table, &i, sizeof(i), &number), 0);
		CHECK_EQ(number, i);
	}
}
