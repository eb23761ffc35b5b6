// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>

#include "pprof/profile_tables.h"
#include "pprof/utf8.h"
#include "tests/unit/test_profile_fixture.h"

static int make(size_t count, const struct profile_value_type *types)
{
	const struct profile_options options = { .value_types = types, .value_type_count = count };
	AUTO(profile) profile = NULL;

	return profile_new(&profile, &options);
}

TEST(a_profile_has_one_to_four_named_value_types)
{
	const struct profile_value_type types[] = {
		{ "a", "count" }, { "b", "count" }, { "c", "count" },
		{ "d", "count" }, { "e", "count" },
	};
	const struct profile_value_type nameless = { "", "count" };
	const struct profile_value_type unitless = { "cpu", NULL };

	CHECK_EQ(make(0, types), -EINVAL);
	CHECK_EQ(make(1, types), 0);
	CHECK_EQ(make(4, types), 0);
	CHECK_EQ(make(5, types), -EINVAL);
	CHECK_EQ(make(1, &nameless), -EINVAL);
	CHECK_EQ(make(1, &unitless), -EINVAL);
}

TEST(functions_are_numbered_from_one_in_order_of_first_use)
{
	AUTO(profile) profile = fixture_new();

	CHECK(profile);
	CHECK_EQ(fixture_function(profile, "main"), 1);
	CHECK_EQ(fixture_function(profile, "work"), 2);
	CHECK_EQ(fixture_function(profile, "main"), 1);
	CHECK_EQ(fixture_function(profile, "rest"), 3);
}

TEST(functions_differ_by_any_field)
{
	AUTO(profile) profile = fixture_new();
	struct profile_function function = { "f", "_Z1fv", "f.cc", 10 };
	uint64_t number;

	CHECK(profile);
	CHECK_EQ(profile_add_function(profile, &function, &number), 0);
	CHECK_EQ(number, 1);
	function.system_name = "_Z1fi";
	CHECK_EQ(profile_add_function(profile, &function, &number), 0);
	CHECK_EQ(number, 2);
	function.filename = NULL;
	CHECK_EQ(profile_add_function(profile, &function, &number), 0);
	CHECK_EQ(number, 3);
	function.start_line = 11;
	CHECK_EQ(profile_add_function(profile, &function, &number), 0);
	CHECK_EQ(number, 4);
	function.filename = "";
	CHECK_EQ(profile_add_function(profile, &function, &number), 0);
	CHECK_EQ(number, 4);
}

TEST(mappings_differ_by_any_field)
{
	AUTO(profile) profile = fixture_new();
	struct profile_mapping mapping = { "/bin/a", "aa", true, false };
	uint64_t number;

	CHECK(profile);
	CHECK_EQ(profile_add_mapping(profile, &mapping, &number), 0);
	CHECK_EQ(profile_add_mapping(profile, &mapping, &number), 0);
	CHECK_EQ(number, 1);
	mapping.build_id = "bb";
	CHECK_EQ(profile_add_mapping(profile, &mapping, &number), 0);
	CHECK_EQ(number, 2);
	mapping.is_kernel = true;
	CHECK_EQ(profile_add_mapping(profile, &mapping, &number), 0);
	CHECK_EQ(number, 3);
}

TEST(locations_differ_by_mapping_address_and_lines)
{
	AUTO(profile) profile = fixture_new();
	uint64_t mapping;

	CHECK(profile);
	mapping = fixture_mapping(profile, "/bin/a");
	CHECK_EQ(fixture_location(profile, mapping, 0x10, "f"), 1);
	CHECK_EQ(fixture_location(profile, mapping, 0x11, "f"), 2);
	CHECK_EQ(fixture_location(profile, 0, 0x10, "f"), 3);
	CHECK_EQ(fixture_location(profile, mapping, 0x10, "g"), 4);
	CHECK_EQ(fixture_location(profile, mapping, 0x10, NULL), 5);
	CHECK_EQ(fixture_location(profile, mapping, 0x10, "f"), 1);
}

TEST(a_location_of_an_unknown_mapping_or_function_is_refused)
{
	AUTO(profile) profile = fixture_new();
	struct profile_line line = { 1, 0 };
	struct profile_location location = { 1, 0x10, &line, 1 };
	uint64_t number = 99;

	CHECK(profile);
	CHECK_EQ(profile_add_location(profile, &location, &number), -EINVAL);
	location.mapping = 0;
	CHECK_EQ(profile_add_location(profile, &location, &number), -EINVAL);
	CHECK_EQ(fixture_function(profile, "f"), 1);
	line.function = 0;
	CHECK_EQ(profile_add_location(profile, &location, &number), -EINVAL);
	line.function = 2;
	CHECK_EQ(profile_add_location(profile, &location, &number), -EINVAL);
	CHECK_EQ(number, 99);
	line.function = 1;
	CHECK_EQ(profile_add_location(profile, &location, &number), 0);
	CHECK_EQ(number, 1);
}

TEST(a_sample_without_or_of_unknown_locations_is_refused)
{
	AUTO(profile) profile = fixture_new();
	const uint64_t unknown[] = { 1, 2 }, none[] = { 1, 0 };

	CHECK(profile);
	CHECK_EQ(fixture_location(profile, 0, 0x10, "f"), 1);
	CHECK_EQ(fixture_sample(profile, unknown, 2, NULL, 1), -EINVAL);
	CHECK_EQ(fixture_sample(profile, none, 2, NULL, 1), -EINVAL);
	CHECK_EQ(fixture_sample(profile, unknown, 0, NULL, 1), -EINVAL);
	CHECK_EQ(profile_sample_count(profile), 0);
	CHECK_EQ(fixture_sample(profile, unknown, 1, NULL, 1), 0);
	CHECK_EQ(profile_sample_count(profile), 1);
}

TEST(equal_samples_are_added_up)
{
	AUTO(profile) profile = fixture_new();

	CHECK(profile);
	CHECK_EQ(fixture_stack(profile, "a", 2, "leaf", "main", NULL), 0);
	CHECK_EQ(fixture_stack(profile, "a", 3, "leaf", "main", NULL), 0);
	CHECK_EQ(fixture_stack(profile, "b", 4, "leaf", "main", NULL), 0);
	CHECK_EQ(fixture_stack(profile, NULL, 5, "leaf", "main", NULL), 0);
	CHECK_EQ(fixture_stack(profile, "a", 6, "main", "leaf", NULL), 0);
	CHECK_EQ(profile_sample_count(profile), 4);
	CHECK_EQ(profile_values(profile, 0)[0], 5);
	CHECK_EQ(profile_values(profile, 0)[1], 50000000);
	CHECK_EQ(profile_values(profile, 3)[0], 6);
	CHECK_EQ(profile_total(profile, 0), 20);
	CHECK_EQ(profile_total(profile, 1), 200000000);
	CHECK_EQ(profile_total(profile, 2), 0);
}

static int add_labels(struct profile *profile, const struct profile_label *labels, size_t count)
{
	const uint64_t stack[] = { fixture_location(profile, 0, 0, "f") };
	const int64_t values[] = { 1, 1 };
	const struct profile_sample sample = { stack, 1, values, labels, count };

	return profile_add_sample(profile, &sample);
}

TEST(the_order_of_labels_makes_no_difference)
{
	AUTO(profile) profile = fixture_new();
	const struct profile_label one[] = { { "pid", NULL, 7 }, { "comm", "cat", 0 } };
	const struct profile_label other[] = { { "comm", "cat", 0 }, { "pid", NULL, 7 } };
	const struct profile_label third[] = { { "comm", "cat", 0 }, { "pid", NULL, 8 } };

	CHECK(profile);
	CHECK_EQ(add_labels(profile, one, 2), 0);
	CHECK_EQ(add_labels(profile, other, 2), 0);
	CHECK_EQ(profile_sample_count(profile), 1);
	CHECK_EQ(add_labels(profile, third, 2), 0);
	CHECK_EQ(profile_sample_count(profile), 2);
}

TEST(a_label_with_empty_text_is_left_out)
{
	AUTO(profile) profile = fixture_new();
	const struct profile_label empty[] = { { "comm", "", 0 } };

	CHECK(profile);
	CHECK_EQ(add_labels(profile, empty, 1), 0);
	CHECK_EQ(add_labels(profile, NULL, 0), 0);
	CHECK_EQ(profile_sample_count(profile), 1);
	CHECK_EQ(profile_sample(profile, 0)->label_count, 0);
}

TEST(a_number_beside_the_text_of_a_label_does_not_count)
{
	AUTO(profile) profile = fixture_new();
	const struct profile_label one[] = { { "comm", "cat", 1 } },
				   other[] = { { "comm", "cat", 2 } };

	CHECK(profile);
	CHECK_EQ(add_labels(profile, one, 1), 0);
	CHECK_EQ(add_labels(profile, other, 1), 0);
	CHECK_EQ(profile_sample_count(profile), 1);
}

TEST(a_sum_that_does_not_fit_stays_at_the_end_of_the_scale)
{
	AUTO(profile) profile = fixture_new();
	const int64_t most[] = { INT64_MAX, INT64_MIN };
	uint64_t stack[1];
	const struct profile_sample sample = { stack, 1, most, NULL, 0 };

	CHECK(profile);
	stack[0] = fixture_location(profile, 0, 0, "f");
	CHECK_EQ(profile_add_sample(profile, &sample), 0);
	CHECK_EQ(profile_add_sample(profile, &sample), 0);
	CHECK_EQ(profile_total(profile, 0), INT64_MAX);
	CHECK_EQ(profile_total(profile, 1), INT64_MIN);
}

TEST(string_number_zero_is_empty_and_every_string_is_there_once)
{
	AUTO(profile) profile = fixture_new();
	uint32_t before;

	CHECK(profile);
	CHECK_STR(profile_string(profile, 0), "");
	before = intern_count(profile->strings);
	CHECK_EQ(fixture_function(profile, "nanoseconds"), 1);
	CHECK_EQ(intern_count(profile->strings), before);
}

TEST(names_are_cleaned_on_the_way_in)
{
	AUTO(profile) profile = fixture_new();
	char longest[3 * UTF8_MAX_BYTES];
	const struct function_record *function;
	size_t length;

	CHECK(profile);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK_EQ(fixture_function(profile, "two\nlines\xff"), 1);
	CHECK_EQ(fixture_function(profile, longest), 2);
	function = profile_function(profile, 1);
	CHECK_STR(profile_string(profile, function->name), "two?lines\xef\xbf\xbd");
	function = profile_function(profile, 2);
	(void)intern_get(profile->strings, function->name, &length);
	CHECK_EQ(length, UTF8_MAX_BYTES);
}

TEST(names_that_are_equal_once_cleaned_are_one)
{
	AUTO(profile) profile = fixture_new();

	CHECK(profile);
	CHECK_EQ(fixture_function(profile, "a\nb"), 1);
	CHECK_EQ(fixture_function(profile, "a\tb"), 1);
	CHECK_EQ(fixture_function(profile, "a?b"), 1);
}

TEST(freeing_no_profile_is_allowed)
{
	profile_free(NULL);
}
