// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "pprof/json.h"
#include "tests/unit/test_profile_fixture.h"

TEST(speedscope_has_frames_once_and_stacks_root_first)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING text = NULL;
	const struct profile_function leaf = { "leaf", "leaf", "leaf.c", 12 };
	struct profile_line line = { 0, 99 };
	struct profile_location location = { 0, 0x20, &line, 1 };
	uint64_t stack[2];

	CHECK(profile);
	stack[1] = fixture_location(profile, fixture_mapping(profile, "/bin/a"), 0x10, "main");
	CHECK_EQ(profile_add_function(profile, &leaf, &line.function), 0);
	CHECK_EQ(profile_add_location(profile, &location, &stack[0]), 0);
	CHECK_EQ(fixture_sample(profile, stack, 2, "cat", 2), 0);
	CHECK_EQ(fixture_sample(profile, stack + 1, 1, NULL, 1), 0);
	text = fixture_written(profile, FORMAT_SPEEDSCOPE, NULL);
	CHECK_STR(text,
		  "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
		  "\"exporter\":\"wick\",\"name\":\"wick\",\"activeProfileIndex\":0,\n"
		  "\"shared\":{\"frames\":[\n"
		  "{\"name\":\"main\",\"file\":\"/bin/a\"},\n"
		  "{\"name\":\"leaf\",\"file\":\"leaf.c\",\"line\":12},\n"
		  "{\"name\":\"cat\"}]},\n"
		  "\"profiles\":[{\"type\":\"sampled\",\"name\":\"cpu\",\"unit\":\"nanoseconds\","
		  "\"samples\":[\n"
		  "[2,0,1],\n"
		  "[0]],\n"
		  "\"weights\":[20000000,10000000],\n"
		  "\"startValue\":0,\"endValue\":30000000}]}\n");
}

TEST(speedscope_shows_units_it_does_not_know_as_bare_numbers)
{
	const struct profile_value_type count = { "samples", "count" };
	const struct profile_options options = { .value_types = &count, .value_type_count = 1 };
	AUTO(profile) profile = NULL;
	AUTO_STRING text = NULL;

	CHECK_EQ(profile_new(&profile, &options), 0);
	text = fixture_written(profile, FORMAT_SPEEDSCOPE, NULL);
	CHECK(text);
	CHECK(strstr(text,
		     "\"name\":\"samples\",\"unit\":\"none\",\"samples\":[],\n\"weights\":[],\n"
		     "\"startValue\":0,\"endValue\":0}"));
}

static char *json_of(const char *text)
{
	char *bytes = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&bytes, &length);

	json_text(stream, text);
	fclose(stream);
	return bytes;
}

TEST(json_escapes_quotes_and_control_characters)
{
	AUTO_STRING quotes = json_of("a\"b\\c/d");
	AUTO_STRING control = json_of("\n\t\x01\x1f\x7f");
	AUTO_STRING empty = json_of("");

	CHECK_STR(quotes, "\"a\\\"b\\\\c/d\"");
	CHECK_STR(control, "\"\\u000a\\u0009\\u0001\\u001f\\u007f\"");
	CHECK_STR(empty, "\"\"");
}

TEST(json_escapes_what_html_or_javascript_would_read)
{
	AUTO_STRING markup = json_of("</script>&amp;<!--");
	AUTO_STRING lines = json_of("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x82\xa8");

	CHECK_STR(markup, "\"\\u003c/script\\u003e\\u0026amp;\\u003c!--\"");
	CHECK_STR(lines, "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x82\xa8\"");
}
