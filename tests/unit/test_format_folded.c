// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "tests/unit/test_profile_fixture.h"

TEST(folded_is_sorted_and_root_first)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING text = NULL;

	CHECK(profile);
	CHECK_EQ(fixture_stack(profile, "cat", 2, "write", "copy", "main", NULL), 0);
	CHECK_EQ(fixture_stack(profile, "cat", 5, "read", "copy", "main", NULL), 0);
	CHECK_EQ(fixture_stack(profile, NULL, 1, "main", NULL), 0);
	text = fixture_written(profile, FORMAT_FOLDED, NULL);
	CHECK_STR(text, "cat;main;copy;read 5\n"
			"cat;main;copy;write 2\n"
			"main 1\n");
}

TEST(folded_lines_that_look_equal_are_one)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING text = NULL;
	uint64_t one, other;

	CHECK(profile);
	one = fixture_location(profile, fixture_mapping(profile, "/bin/a"), 0x10, "f;g");
	other = fixture_location(profile, fixture_mapping(profile, "/bin/b"), 0x20, "f:g");
	CHECK_EQ(fixture_sample(profile, &one, 1, NULL, 2), 0);
	CHECK_EQ(fixture_sample(profile, &other, 1, NULL, 3), 0);
	text = fixture_written(profile, FORMAT_FOLDED, NULL);
	CHECK_STR(text, "f:g 5\n");
}

TEST(folded_unfolds_inlined_lines_outermost_first)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING text = NULL;
	struct profile_line lines[] = { { 0, 1 }, { 0, 2 }, { 0, 3 } };
	const struct profile_location location = { 0, 0x10, lines, 3 };
	uint64_t stack[2];

	CHECK(profile);
	lines[0].function = fixture_function(profile, "innermost");
	lines[1].function = fixture_function(profile, "inner");
	lines[2].function = fixture_function(profile, "outer");
	CHECK_EQ(profile_add_location(profile, &location, &stack[0]), 0);
	stack[1] = fixture_location(profile, 0, 0x20, "main");
	CHECK_EQ(fixture_sample(profile, stack, 2, NULL, 1), 0);
	text = fixture_written(profile, FORMAT_FOLDED, NULL);
	CHECK_STR(text, "main;outer;inner;innermost 1\n");
}

TEST(folded_names_a_place_without_a_function)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING text = NULL;
	uint64_t stack[5], mapping;

	CHECK(profile);
	mapping = fixture_mapping(profile, "/usr/lib/libc.so.6");
	stack[4] = fixture_location(profile, mapping, 0x2a10, NULL);
	stack[3] = fixture_location(profile, mapping, 0, NULL);
	stack[2] = fixture_location(profile, 0, 0x7f00, NULL);
	stack[1] = fixture_location(profile, 0, 0, NULL);
	stack[0] = fixture_location(profile, mapping, 0x30, "");
	CHECK_EQ(fixture_sample(profile, stack, 5, NULL, 1), 0);
	text = fixture_written(profile, FORMAT_FOLDED, NULL);
	CHECK_STR(text, "libc.so.6+0x2a10;/usr/lib/libc.so.6;0x7f00;[unknown];libc.so.6+0x30 1\n");
}

TEST(folded_has_one_line_a_stack_whatever_the_names)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING text = NULL;

	CHECK(profile);
	CHECK_EQ(fixture_stack(profile, "my;comm\n", 1, "leaf 7\nforged;stack 99", "a\xff", NULL),
		 0);
	text = fixture_written(profile, FORMAT_FOLDED, NULL);
	CHECK_STR(text, "my:comm?;a\xef\xbf\xbd;leaf 7?forged:stack 99 1\n");
}

TEST(folded_adds_up_to_the_total_of_samples)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING text = NULL;
	long long sum = 0;

	CHECK(profile);
	for (int i = 1; i <= 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "f%d", i % 7);
		CHECK_EQ(fixture_stack(profile, i % 3 ? "a" : "b", i, name, "main", NULL), 0);
	}
	text = fixture_written(profile, FORMAT_FOLDED, NULL);
	CHECK(text);
	for (const char *at = text; (at = strchr(at, ' ')); at++)
		sum += strtoll(at, NULL, 10);
	CHECK_EQ(sum, 5050);
	CHECK_EQ(sum, profile_total(profile, 0));
}

TEST(folded_shows_the_last_type_if_the_first_is_no_count)
{
	const struct profile_value_type types[] = { { "wall", "nanoseconds" },
						    { "cpu", "nanoseconds" } };
	const struct profile_options options = { .value_types = types, .value_type_count = 2 };
	AUTO(profile) profile = NULL;
	AUTO_STRING text = NULL;

	CHECK_EQ(profile_new(&profile, &options), 0);
	CHECK_EQ(fixture_stack(profile, NULL, 2, "main", NULL), 0);
	text = fixture_written(profile, FORMAT_FOLDED, NULL);
	CHECK_STR(text, "main 20000000\n");
}

TEST(folded_leaves_out_what_is_not_positive)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING text = NULL;

	CHECK(profile);
	CHECK_EQ(fixture_stack(profile, NULL, 0, "zero", NULL), 0);
	CHECK_EQ(fixture_stack(profile, NULL, -1, "minus", NULL), 0);
	CHECK_EQ(fixture_stack(profile, NULL, 1, "one", NULL), 0);
	text = fixture_written(profile, FORMAT_FOLDED, NULL);
	CHECK_STR(text, "one 1\n");
}
