// SPDX-License-Identifier: Apache-2.0
#include "agent/window.h"

#include <errno.h>

#include "agent/frame_word.h"
#include "agent/place_table.h"
#include "tests/harness/test.h"

/* A sample as it lies in the ring. */
struct ring_sample {
	struct abi_sample sample;
	uint64_t frames[8];
};

static struct ring_sample sample_of(uint32_t pid, const char *comm, uint64_t leaf)
{
	struct ring_sample made = {
		.sample = {
			.type = ABI_RECORD_SAMPLE,
			.tgid = pid,
			.tid = pid,
			.stack = { .user_frames = 2 },
		},
		.frames = { leaf, 0x2000 },
	};

	snprintf(made.sample.comm, sizeof(made.sample.comm), "%s", comm);
	return made;
}

TEST(equal_samples_fold_and_others_do_not)
{
	AUTO(window) window = NULL;
	struct ring_sample one = sample_of(1, "one", 0x1000);
	struct ring_sample other_name = sample_of(1, "two", 0x1000);
	struct ring_sample other_stack = sample_of(1, "one", 0x1001);
	bool is_new;

	CHECK_EQ(window_new(&window, 1 << 20), 0);
	CHECK_EQ(window_add(window, &one.sample, &is_new), 0);
	CHECK(is_new);
	one.sample.time_ns = 5;
	one.sample.cpu = 1;
	CHECK_EQ(window_add(window, &one.sample, &is_new), 0);
	CHECK(!is_new);
	CHECK_EQ(window_add(window, &other_name.sample, &is_new), 0);
	CHECK(!is_new);
	CHECK_EQ(window_add(window, &other_stack.sample, &is_new), 0);
	CHECK(is_new);
	CHECK_EQ(window_entry_count(window), 3);
	CHECK_EQ(window_stack_count(window), 2);
	CHECK_EQ(window_entry(window, 0).count, 2);
	CHECK_EQ(window_entry(window, 1).count, 1);
	CHECK_EQ(window_entry(window, 0).pid, 1);
	CHECK_STR(window_entry(window, 1).comm, "two");
	CHECK_EQ(window_samples(window), 4);
}

TEST(the_verdict_tells_stacks_apart)
{
	AUTO(window) window = NULL;
	struct ring_sample whole = sample_of(1, "one", 0x1000);
	struct ring_sample cut = sample_of(1, "one", 0x1000);
	bool is_new;

	cut.sample.stack.verdict = ABI_VERDICT_DEPTH_LIMIT;
	CHECK_EQ(window_new(&window, 1 << 20), 0);
	CHECK_EQ(window_add(window, &whole.sample, &is_new), 0);
	CHECK_EQ(window_add(window, &cut.sample, &is_new), 0);
	CHECK_EQ(window_stack_count(window), 2);
}

TEST(a_full_window_drops_and_counts_and_folds_what_it_knows)
{
	AUTO(window) window = NULL;
	struct ring_sample known = sample_of(0, "known", 0);
	uint64_t added = 0;
	bool is_new;
	int err = 0;

	CHECK_EQ(window_new(&window, 1 << 20), 0);
	while (!err) {
		struct ring_sample next = sample_of((uint32_t)added, "known", added);

		err = window_add(window, &next.sample, &is_new);
		added += !err;
	}
	CHECK_EQ(err, -ENOSPC);
	CHECK_EQ(window_dropped(window), 1);
	CHECK_EQ(window_samples(window), added);
	CHECK_EQ(window_add(window, &known.sample, &is_new), 0);
	CHECK_EQ(window_entry(window, 0).count, 2);
}

TEST(callers_in_the_kernel_lie_one_byte_back_and_user_frames_as_they_came)
{
	struct ring_sample mixed = {
		.sample = { .stack = { .kernel_frames = 2, .user_frames = 2 } },
		.frames = { 0xffffffff81000010, 0xffffffff81000020, 0x1000, 0x2000 },
	};

	CHECK_EQ(frame_of_stack(&mixed.sample.stack, 0), 0xffffffff81000010);
	CHECK_EQ(frame_of_stack(&mixed.sample.stack, 1), 0xffffffff8100001f);
	CHECK_EQ(frame_of_stack(&mixed.sample.stack, 2), 0x1000);
	CHECK_EQ(frame_of_stack(&mixed.sample.stack, 3), 0x2000);
}

TEST(places_are_distinct_and_sorted_by_file_and_offset)
{
	AUTO(window) window = NULL;
	AUTO(place_table) places = NULL;
	uint64_t file = ABI_FRAME_FILE << ABI_FRAME_KIND_SHIFT;
	uint64_t second = file | 2ULL << ABI_FRAME_OFFSET_BITS;
	struct ring_sample a = sample_of(1, "a", second + 5);
	struct ring_sample b = sample_of(1, "b", second + 1);
	bool is_new;

	a.frames[1] = b.frames[1] = file | 1ULL << ABI_FRAME_OFFSET_BITS | 7;
	CHECK_EQ(window_new(&window, 1 << 20), 0);
	CHECK_EQ(window_add(window, &a.sample, &is_new), 0);
	CHECK_EQ(window_add(window, &b.sample, &is_new), 0);
	CHECK_EQ(place_table_new(&places, window), 0);
	CHECK_EQ(places->count, 3);
	CHECK_EQ(frame_executable(places->items[0].word), 1);
	CHECK_EQ(frame_place(places->items[0].word), 7);
	CHECK_EQ(frame_executable(places->items[1].word), 2);
	CHECK_EQ(frame_place(places->items[1].word), 1);
	CHECK_EQ(frame_place(places->items[2].word), 5);
	CHECK(place_table_find(places, second + 5) == &places->items[2]);
}
