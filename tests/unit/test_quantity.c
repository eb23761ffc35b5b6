// SPDX-License-Identifier: Apache-2.0
#include "agent/quantity.h"

#include <errno.h>

#include "tests/harness/test.h"

TEST(durations_read_as_people_write_them)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "5", 5000000000 },    { "5s", 5000000000 },    { "500ms", 500000000 },
		{ "2m", 120000000000 }, { "1.5s", 1500000000 },  { "0.25", 250000000 },
		{ "10us", 10000 },      { "1h", 3600000000000 },
	};
	uint64_t ns;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CHECK_EQ(quantity_parse_duration(&ns, good[i].text), 0);
		CHECK_EQ(ns, good[i].ns);
	}
}

TEST(what_is_no_duration_is_refused)
{
	static const char *const bad[] = {
		"",    "0",    "0s", "-1",  "+1",  "s",    "abc",           "1e3", "0x10",
		"5 s", "5sec", "1d", "nan", "inf", "1..5", "999999999999h", "."
	};
	uint64_t ns;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_EQ(quantity_parse_duration(&ns, bad[i]), -EINVAL);
}

TEST(sizes_read_with_their_suffix)
{
	uint64_t bytes;

	CHECK_EQ(quantity_parse_size(&bytes, "4096"), 0);
	CHECK_EQ(bytes, 4096);
	CHECK_EQ(quantity_parse_size(&bytes, "64K"), 0);
	CHECK_EQ(bytes, 65536);
	CHECK_EQ(quantity_parse_size(&bytes, "1G"), 0);
	CHECK_EQ(bytes, 1 << 30);
	CHECK_EQ(quantity_parse_size(&bytes, ""), -EINVAL);
	CHECK_EQ(quantity_parse_size(&bytes, "-1"), -EINVAL);
	CHECK_EQ(quantity_parse_size(&bytes, "1X"), -EINVAL);
	CHECK_EQ(quantity_parse_size(&bytes, "1MB"), -EINVAL);
	CHECK_EQ(quantity_parse_size(&bytes, "99999999999T"), -EINVAL);
}

TEST(counts_keep_to_their_range)
{
	uint64_t number;

	CHECK_EQ(quantity_parse_count(&number, "1000", 1, 1000), 0);
	CHECK_EQ(number, 1000);
	CHECK_EQ(quantity_parse_count(&number, "1001", 1, 1000), -ERANGE);
	CHECK_EQ(quantity_parse_count(&number, "0", 1, 1000), -ERANGE);
	CHECK_EQ(quantity_parse_count(&number, "99999999999999999999999", 1, 1000), -ERANGE);
	CHECK_EQ(quantity_parse_count(&number, "", 0, 1000), -EINVAL);
	CHECK_EQ(quantity_parse_count(&number, "-1", 0, 1000), -EINVAL);
	CHECK_EQ(quantity_parse_count(&number, " 1", 0, 1000), -EINVAL);
	CHECK_EQ(quantity_parse_count(&number, "1k", 0, 1000), -EINVAL);
}
