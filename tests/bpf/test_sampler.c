// SPDX-License-Identifier: Apache-2.0
/* The sampler on this kernel: what it delivers about a process whose stacks are known. */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/log.h"
#include "agent/frame_word.h"
#include "agent/sampler.h"
#include "tests/harness/test.h"

/* What came out of the ring. */
struct seen {
	size_t samples;
	size_t of_pid;
	pid_t pid; /* whose samples are looked at */
	size_t with_chain;
	uint32_t leaf_id; /* chain to look for: executable and offset range of its functions */
	size_t deepest;
	size_t depth_limited;
	size_t empty;
	size_t with_addresses; /* a chain of them, as burn_below makes it */
};

static volatile unsigned long sink;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#define KEEP_FRAME __attribute__((noinline, noclone, optimize("no-omit-frame-pointer")))

KEEP_FRAME static void burn(double seconds)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		for (int i = 0; i < 200000; i++)
			sink += (unsigned long)i;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 <
		 seconds);
}

KEEP_FRAME static void burn_below(double seconds, int depth)
{
	if (depth)
		burn_below(seconds, depth - 1);
	else
		burn(seconds);
	sink++;
}

/* Frames as addresses: burn, the call of it, and 20 calls of burn_below from the same place. */
static bool is_chain_of_addresses(const uint64_t *frames, size_t count)
{
	size_t calls = 0;

	for (size_t i = 0; i < count; i++) {
		if (frame_kind(frames[i]) != ABI_FRAME_ADDRESS)
			return false;
		calls += frames[i] == frames[2];
	}
	return count > 2 && calls == 20;
}

static void on_sample(void *context, const struct abi_sample *sample)
{
	struct seen *seen = context;
	const uint64_t *frames = (const uint64_t *)ABI_STACK_FRAMES(&sample->stack);
	size_t kernel = sample->stack.kernel_frames;

	seen->samples++;
	seen->empty += !(sample->stack.kernel_frames + sample->stack.user_frames);
	if ((pid_t)sample->tgid != seen->pid)
		return;
	seen->of_pid++;
	seen->depth_limited += sample->stack.verdict == ABI_VERDICT_DEPTH_LIMIT;
	if (sample->stack.user_frames > seen->deepest)
		seen->deepest = sample->stack.user_frames;
	seen->with_addresses += is_chain_of_addresses(frames + kernel, sample->stack.user_frames);
	if (sample->stack.user_frames && frame_kind(frames[kernel]) == ABI_FRAME_FILE &&
	    frame_executable(frames[kernel]) == seen->leaf_id)
		seen->with_chain++;
}

static void on_executable(void *context, const struct abi_executable_event *event)
{
	(void)context;
	(void)event;
}

static const struct sampler_options defaults = {
	.frequency_hz = 500,
	.max_user_frames = 512,
	.unwind_bytes = 4 << 20,
};

static struct sampler *open_sampler(const struct sampler_options *options, struct seen *seen)
{
	struct sampler_sink target = { seen, on_sample, on_executable };
	struct sampler *sampler = NULL;

	return sampler_open(&sampler, options, &target) ? NULL : sampler;
}

/* Samples a child that burns below @depth frames, until so many samples of it are here, or 10 s. */
static void sample_child(struct sampler *sampler, struct seen *seen, size_t wanted, int depth)
{
	pid_t child = fork();

	if (!child) {
		burn_below(10, depth);
		_exit(0);
	}
	seen->pid = child;
	for (int i = 0; i < 500 && seen->of_pid < wanted; i++) {
		usleep(20000);
		sampler_drain(sampler);
	}
	sampler_stop(sampler);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	sampler_drain(sampler);
}

TEST(the_leaf_is_placed_in_the_file_that_runs)
{
	struct seen seen = {};
	AUTO(sampler) sampler = open_sampler(&defaults, &seen);

	CHECK(sampler);
	seen.leaf_id = sampler_identify(sampler, (const void *)(uintptr_t)burn);
	CHECK(seen.leaf_id);
	CHECK_EQ(sampler_start(sampler), 0);
	sample_child(sampler, &seen, 300, 0);
	printf("# %zu samples of the child, %zu in its file\n", seen.of_pid, seen.with_chain);
	CHECK(seen.of_pid > 100);
	CHECK_EQ(seen.empty, 0);
	/* The rest was in the vDSO, reading the clock. */
	CHECK(seen.with_chain * 100 >= seen.of_pid * 90);
}

TEST(taken_is_delivered_plus_drops)
{
	struct seen seen = {};
	AUTO(sampler) sampler = open_sampler(&defaults, &seen);
	struct abi_counters counters;

	CHECK(sampler);
	CHECK_EQ(sampler_start(sampler), 0);
	sample_child(sampler, &seen, 100, 0);
	CHECK_EQ(sampler_counters(sampler, &counters), 0);
	CHECK_EQ(counters.counts[ABI_COUNT_TAKEN],
		 seen.samples + counters.drops[ABI_DROP_RING_FULL]);
	CHECK_EQ(counters.drops[ABI_DROP_RING_FULL], 0);
	CHECK_EQ(counters.counts[ABI_COUNT_TICKS], counters.counts[ABI_COUNT_TAKEN] +
							   counters.counts[ABI_COUNT_IDLE] +
							   counters.counts[ABI_COUNT_FILTERED]);
}

TEST(a_ring_that_nobody_drains_drops_and_counts)
{
	struct sampler_options options = { .frequency_hz = 1000,
					   .max_user_frames = 1024,
					   .unwind_bytes = 4 << 20 };
	struct seen seen = {};
	AUTO(sampler) sampler = open_sampler(&options, &seen);
	struct abi_counters counters;

	CHECK(sampler);
	CHECK_EQ(sampler_start(sampler), 0);
	burn_below(1.5, 2000);
	sampler_stop(sampler);
	sampler_drain(sampler);
	CHECK_EQ(sampler_counters(sampler, &counters), 0);
	printf("# %llu taken, %zu delivered\n",
	       (unsigned long long)counters.counts[ABI_COUNT_TAKEN], seen.samples);
	CHECK(counters.drops[ABI_DROP_RING_FULL] > 0);
	CHECK(seen.samples > 0);
	CHECK_EQ(counters.counts[ABI_COUNT_TAKEN],
		 seen.samples + counters.drops[ABI_DROP_RING_FULL]);
}

TEST(only_the_processes_asked_for_are_sampled)
{
	struct sampler_options options = defaults;
	struct seen seen = {};
	AUTO(sampler) sampler = NULL;
	pid_t other;

	options.only_processes = true;
	sampler = open_sampler(&options, &seen);
	CHECK(sampler);
	other = fork();
	if (!other) {
		burn(1.0);
		_exit(0);
	}
	CHECK_EQ(sampler_add_process(sampler, getpid()), 0);
	CHECK_EQ(sampler_start(sampler), 0);
	seen.pid = getpid();
	burn(0.5);
	sampler_stop(sampler);
	sampler_drain(sampler);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	CHECK(seen.samples > 50);
	CHECK_EQ(seen.samples, seen.of_pid);
}

TEST(by_frame_pointers_alone_frames_are_addresses)
{
	struct sampler_options options = defaults;
	struct seen seen = {};
	AUTO(sampler) sampler = NULL;

	options.tier = STACK_TIER_FRAME_POINTERS;
	log_set_level(LOG_WARN);
	sampler = open_sampler(&options, &seen);
	log_set_level(LOG_INFO);
	CHECK(sampler);
	CHECK_EQ(sampler_tier(sampler), STACK_TIER_FRAME_POINTERS);
	CHECK_EQ(sampler_identify(sampler, (const void *)(uintptr_t)burn), 0);
	CHECK_EQ(sampler_start(sampler), 0);
	sample_child(sampler, &seen, 300, 20);
	printf("# %zu samples of the child, %zu with the chain\n", seen.of_pid,
	       seen.with_addresses);
	CHECK(seen.of_pid > 100);
	/* The rest was in the vDSO and the C library, which need not have frame pointers. */
	CHECK(seen.with_addresses * 100 >= seen.of_pid * 90);
}

TEST(what_a_process_executes_is_noted_with_its_time)
{
	struct sampler_options options = defaults;
	struct seen seen = {};
	AUTO(sampler) sampler = NULL;
	uint64_t before = now_ns(), start;
	pid_t child;

	options.tier = STACK_TIER_FRAME_POINTERS;
	log_set_level(LOG_WARN);
	sampler = open_sampler(&options, &seen);
	log_set_level(LOG_INFO);
	CHECK(sampler);
	CHECK_EQ(sampler_image_start(sampler, (uint32_t)getpid()), 0);
	child = fork();
	if (!child)
		execl("/bin/sh", "sh", "-c", ":", NULL);
	waitpid(child, NULL, 0);
	start = sampler_image_start(sampler, (uint32_t)child);
	CHECK(start > before && start < now_ns());
}

TEST(a_stack_deeper_than_the_limit_is_cut_there_and_says_so)
{
	struct sampler_options options = defaults;
	struct seen seen = {};
	AUTO(sampler) sampler = NULL;

	options.max_user_frames = 300;
	sampler = open_sampler(&options, &seen);
	CHECK(sampler);
	CHECK_EQ(sampler_start(sampler), 0);
	sample_child(sampler, &seen, 100, 1000);
	CHECK(seen.of_pid > 50);
	CHECK_EQ(seen.deepest, 300);
	CHECK(seen.depth_limited * 10 >= seen.of_pid * 9);
}

TEST(a_stack_below_the_limit_is_walked_to_its_end)
{
	struct sampler_options options = defaults;
	struct seen seen = {};
	AUTO(sampler) sampler = NULL;

	options.max_user_frames = 1024;
	sampler = open_sampler(&options, &seen);
	CHECK(sampler);
	CHECK_EQ(sampler_start(sampler), 0);
	sample_child(sampler, &seen, 100, 1000);
	CHECK(seen.of_pid > 50);
	CHECK(seen.deepest > 1001);
	CHECK_EQ(seen.depth_limited, 0);
}

/* ---- which file is which --------------------------------------------------------------------- */

static uint32_t id_of(struct sampler *sampler, int fd)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	uint32_t id = page == MAP_FAILED ? 0 : sampler_identify(sampler, page);

	munmap(page, 4096);
	return id;
}

static int write_page(int fd, char fill)
{
	char page[4096];

	memset(page, fill, sizeof(page));
	return pwrite(fd, page, sizeof(page), 0) == sizeof(page) ? 0 : -1;
}

TEST(a_file_keeps_its_id_and_another_has_another)
{
	struct seen seen = {};
	AUTO(sampler) sampler = open_sampler(&defaults, &seen);
	AUTO_FD first = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	AUTO_FD second = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	uint32_t id;

	CHECK(sampler);
	CHECK_EQ(write_page(first, 'a'), 0);
	CHECK_EQ(write_page(second, 'a'), 0);
	id = id_of(sampler, first);
	CHECK(id);
	CHECK_EQ(id_of(sampler, first), id);
	CHECK(id_of(sampler, second) && id_of(sampler, second) != id);
}

TEST(a_file_rewritten_in_place_is_another)
{
	struct seen seen = {};
	AUTO(sampler) sampler = open_sampler(&defaults, &seen);
	AUTO_FD fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	uint32_t id;

	CHECK(sampler);
	CHECK_EQ(write_page(fd, 'a'), 0);
	id = id_of(sampler, fd);
	usleep(20000); /* time stamps of files move with the kernel's tick */
	CHECK_EQ(write_page(fd, 'b'), 0);
	CHECK(id_of(sampler, fd) && id_of(sampler, fd) != id);
}

TEST(what_is_no_file_has_no_id)
{
	struct seen seen = {};
	AUTO(sampler) sampler = open_sampler(&defaults, &seen);
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(sampler);
	CHECK_EQ(sampler_identify(sampler, page), 0);
	CHECK_EQ(sampler_identify(sampler, NULL), 0);
	CHECK_EQ(sampler_identify(sampler, (const void *)(uintptr_t)0xffffffff81000000), 0);
	munmap(page, 4096);
}
