// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu_time.h"

#include <errno.h>

#include "agent/base/cleanup.h"
#include "tests/harness/test.h"

static int busy_of(const char *text, uint64_t *ret_ns)
{
	AUTO_FILE file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	return cpu_time_busy(ret_ns, file);
}

TEST(busy_is_user_nice_system_and_interrupts)
{
	uint64_t ns;

	/* user nice system idle iowait irq softirq steal guest guest_nice, in 1/100 s */
	CHECK_EQ(busy_of("cpu  100 20 30 4000 500 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n", &ns), 0);
	CHECK_EQ(ns, 1630000000);
}

TEST(other_text_is_no_cpu_time)
{
	uint64_t ns;

	CHECK_EQ(busy_of("cpu0 1 2 3 4 5 6 7\n", &ns), -EINVAL);
	CHECK_EQ(busy_of("cpu  1 2 3\n", &ns), -EINVAL);
	CHECK_EQ(busy_of("nothing\n", &ns), -EINVAL);
}
