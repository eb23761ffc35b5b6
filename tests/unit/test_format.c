// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>

#include "tests/unit/test_profile_fixture.h"

static const enum format all[] = { FORMAT_PPROF, FORMAT_FOLDED, FORMAT_HTML, FORMAT_SPEEDSCOPE };

TEST(a_format_is_found_by_its_name)
{
	CHECK_EQ(format_of_name("pprof"), FORMAT_PPROF);
	CHECK_EQ(format_of_name("folded"), FORMAT_FOLDED);
	CHECK_EQ(format_of_name("html"), FORMAT_HTML);
	CHECK_EQ(format_of_name("speedscope"), FORMAT_SPEEDSCOPE);
	CHECK_EQ(format_of_name(""), FORMAT_UNKNOWN);
	CHECK_EQ(format_of_name("HTML"), FORMAT_UNKNOWN);
	CHECK_EQ(format_of_name("htm"), FORMAT_UNKNOWN);
}

TEST(a_format_is_found_by_the_suffix_of_a_path)
{
	CHECK_EQ(format_of_path("out.pb.gz"), FORMAT_PPROF);
	CHECK_EQ(format_of_path("/tmp/a.html.pb.gz"), FORMAT_PPROF);
	CHECK_EQ(format_of_path("out.pprof"), FORMAT_PPROF);
	CHECK_EQ(format_of_path("out.folded"), FORMAT_FOLDED);
	CHECK_EQ(format_of_path("out.html"), FORMAT_HTML);
	CHECK_EQ(format_of_path("a.speedscope.json"), FORMAT_SPEEDSCOPE);
	CHECK_EQ(format_of_path("a.json"), FORMAT_UNKNOWN);
	CHECK_EQ(format_of_path("out.gz"), FORMAT_UNKNOWN);
	CHECK_EQ(format_of_path("html"), FORMAT_UNKNOWN);
	CHECK_EQ(format_of_path("a.html/out"), FORMAT_UNKNOWN);
	CHECK_EQ(format_of_path(""), FORMAT_UNKNOWN);
	CHECK_EQ(format_of_path("-"), FORMAT_UNKNOWN);
}

TEST(an_unknown_format_is_refused)
{
	AUTO(profile) profile = fixture_new();

	CHECK(profile);
	CHECK_EQ(format_write(profile, FORMAT_UNKNOWN, stderr), -EINVAL);
}

static struct profile *some_profile(void)
{
	struct profile *profile = fixture_new();

	if (profile && (fixture_stack(profile, "cat", 3, "read", "main", NULL) ||
			fixture_stack(profile, NULL, 1, "write", "main", NULL) ||
			fixture_stack(profile, "dog", 1, "write", "[truncated]", NULL) ||
			profile_add_comment(profile, "a comment")))
		return NULL;
	return profile;
}

TEST(equal_profiles_give_equal_bytes)
{
	AUTO(profile) one = some_profile();
	AUTO(profile) other = some_profile();

	CHECK(one && other);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t length, other_length;
		AUTO_STRING bytes = fixture_written(one, all[i], &length);
		AUTO_STRING again = fixture_written(one, all[i], &other_length);
		AUTO_STRING others = fixture_written(other, all[i], &other_length);

		CHECK(bytes && again && others);
		CHECK_EQ(length, other_length);
		CHECK(!memcmp(bytes, again, length));
		CHECK(!memcmp(bytes, others, length));
	}
}

TEST(a_full_disk_is_an_error)
{
	AUTO(profile) profile = some_profile();

	CHECK(profile);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		AUTO_FILE full = fopen("/dev/full", "w");
		int err;

		if (!full)
			SKIP("no /dev/full here");
		err = format_write(profile, all[i], full);
		CHECK(err == -ENOSPC || err == -EIO);
	}
}

TEST(a_disk_that_fills_up_midway_is_an_error)
{
	AUTO(profile) profile = some_profile();

	CHECK(profile);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		AUTO_FILE full = fopen("/dev/full", "w");
		int err;

		if (!full)
			SKIP("no /dev/full here");
		/* Without a buffer it is not the last flush that fails. */
		setvbuf(full, NULL, _IONBF, 0);
		err = format_write(profile, all[i], full);
		CHECK(err == -ENOSPC || err == -EIO);
	}
}

TEST(a_stream_for_reading_is_an_error)
{
	AUTO(profile) profile = some_profile();
	AUTO_FILE stream = fopen("/dev/null", "r");

	CHECK(profile && stream);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		CHECK(format_write(profile, all[i], stream) < 0);
}

TEST(an_empty_profile_can_be_written_in_every_format)
{
	AUTO(profile) profile = fixture_new();

	CHECK(profile);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t length = 99;
		AUTO_STRING bytes = fixture_written(profile, all[i], &length);

		CHECK(bytes);
		CHECK_EQ(length == 0, all[i] == FORMAT_FOLDED);
	}
}
