// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu_set.h"

#include <errno.h>

#include "tests/harness/test.h"

TEST(a_list_of_ranges_and_numbers_is_understood)
{
	struct cpu_set set;

	CHECK_EQ(cpu_set_parse(&set, "0-2,5,64-65\n"), 0);
	for (size_t cpu = 0; cpu < 128; cpu++)
		CHECK_EQ(cpu_set_has(&set, cpu), cpu <= 2 || cpu == 5 || cpu == 64 || cpu == 65);
	CHECK_EQ(cpu_set_limit(&set), 66);
}

TEST(an_empty_list_has_no_cpus)
{
	struct cpu_set set;

	CHECK_EQ(cpu_set_parse(&set, "\n"), 0);
	CHECK_EQ(cpu_set_limit(&set), 0);
}

TEST(other_text_is_refused)
{
	static const char *const bad[] = { "a",    "1-",   "-1",     "3-1",
					   "1,,2", "8192", "0-8192", "99999999999999999999",
					   "1 2",  "0x1" };
	struct cpu_set set;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_EQ(cpu_set_parse(&set, bad[i]), -EINVAL);
}

TEST(the_last_possible_cpu_fits)
{
	struct cpu_set set;

	CHECK_EQ(cpu_set_parse(&set, "8191"), 0);
	CHECK_EQ(cpu_set_limit(&set), CPU_SET_MAX);
}
