// SPDX-License-Identifier: Apache-2.0
#include "agent/quality.h"

#include "agent/base/cleanup.h"
#include "tests/harness/test.h"

TEST(the_line_tells_everything_that_was_lost_and_why)
{
	struct quality quality = {
		.taken = 1000,
		.exported = 900,
		.drops = { [ABI_DROP_RING_FULL] = 60, [ABI_DROP_WINDOW_FULL] = 40 },
		.busy_ticks = 1980,
		.busy_ns = 20000000000,
		.frequency_hz = 99,
		.frames = 4000,
		.frames_named = 3000,
		.verdicts = { [ABI_VERDICT_WHOLE] = 450, [ABI_VERDICT_DEPTH_LIMIT] = 450 },
	};
	AUTO_STRING line = quality_line(&quality);

	CHECK_STR(line,
		  "samples: 1000 taken, 900 exported, 100 lost (ring_full 60) (window_full 40); "
		  "99.0 Hz of 99; 75.0 % of frames named; 50.0 % of stacks whole, "
		  "depth_limit 50.0 %");
	CHECK_EQ(quality_drops(&quality), 100);
}

TEST(stacks_by_frame_pointers_alone_are_said_to_be)
{
	struct quality quality = { .taken = 4,
				   .exported = 4,
				   .frequency_hz = 19,
				   .frame_pointers_only = true,
				   .verdicts = {
					   [ABI_VERDICT_UNMAPPED] = 1, [ABI_VERDICT_WHOLE] = 3 } };
	AUTO_STRING line = quality_line(&quality);

	CHECK_STR(line,
		  "samples: 4 taken, 4 exported, 0 lost; 19 Hz, on CPUs too idle to check it; "
		  "0.0 % of frames named; 75.0 % of stacks whole, unknown_mapping 25.0 %; "
		  "by frame pointers alone");
}

TEST(an_idle_machine_has_no_achieved_rate)
{
	struct quality quality = { .busy_ticks = 3, .busy_ns = 10000000, .frequency_hz = 19 };
	AUTO_STRING line = quality_line(&quality);

	CHECK_STR(line,
		  "samples: 0 taken, 0 exported, 0 lost; 19 Hz, on CPUs too idle to check it; "
		  "0.0 % of frames named; 0.0 % of stacks whole");
}
