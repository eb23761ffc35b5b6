// SPDX-License-Identifier: Apache-2.0
#include "agent/kernel_version.h"

#include <errno.h>

#include "tests/harness/test.h"

/* "major.minor.patch" as it was understood, or "". */
static const char *parsed(const char *release, const char *version, const char *signature)
{
	static char text[64];
	struct kernel_version found;

	if (kernel_version_parse(&found, release, version, signature))
		return "";
	snprintf(text, sizeof(text), "%u.%u.%u", found.major, found.minor, found.patch);
	return text;
}

TEST(the_patch_level_is_found_where_each_distribution_has_it)
{
	CHECK_STR(parsed("6.18.44-fc-v595", "#1 SMP PREEMPT_DYNAMIC @0", ""), "6.18.44");
	CHECK_STR(
		parsed("6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)", ""),
		"6.1.76");
	CHECK_STR(parsed("6.2.0-39-generic", "#40~22.04.1-Ubuntu SMP",
			 "Ubuntu 6.2.0-39.40~22.04.1-generic 6.2.16"),
		  "6.2.16");
	CHECK_STR(parsed("5.14.0-427.el9.x86_64", "#1 SMP PREEMPT_DYNAMIC", ""), "5.14.0");
	CHECK_STR(parsed("6.7-rc3", "#1", ""), "6.7.0");
}

TEST(what_speaks_of_another_kernel_is_not_believed)
{
	CHECK_STR(parsed("6.2.0-40-generic", "#1", "Ubuntu 6.2.0-39.40-generic 6.2.16"), "6.2.0");
	CHECK_STR(parsed("6.1.30", "#1 Debian 5.10.1-1", ""), "6.1.30");
	CHECK_STR(parsed("strange", "#1 Debian 6.1.1", ""), "");
}

TEST(kernels_that_freeze_are_known_to_the_patch_level)
{
	static const struct {
		struct kernel_version version;
		bool is_unsafe;
	} kernels[] = {
		{ { 5, 10, 0 }, false }, { { 5, 18, 19 }, false }, { { 5, 19, 0 }, true },
		{ { 5, 19, 17 }, true }, { { 6, 0, 19 }, true },   { { 6, 1, 35 }, true },
		{ { 6, 1, 36 }, false }, { { 6, 2, 16 }, true },   { { 6, 3, 9 }, true },
		{ { 6, 3, 10 }, false }, { { 6, 4, 0 }, false },   { { 6, 18, 44 }, false },
		{ { 7, 3, 4 }, false },
	};

	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++)
		CHECK_EQ(kernel_version_is_unsafe(&kernels[i].version), kernels[i].is_unsafe);
}
