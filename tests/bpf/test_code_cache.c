// SPDX-License-Identifier: Apache-2.0
/* What the sampler remembers of a process must not outlive a change: mappings that take turns at one address. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/frame_word.h"
#include "agent/sampler.h"
#include "tests/harness/test.h"

/* push %rbp; mov %rsp,%rbp; 1: dec %rdi; jnz 1b; pop %rbp; ret */
static const unsigned char spin_code[] = { 0x55, 0x48, 0x89, 0xe5, 0x48, 0xff,
					   0xcf, 0x75, 0xfb, 0x5d, 0xc3 };

enum {
	SPIN_TURNS = 2000000, /* a millisecond or so */
	FILES = 2,
};

/* Each file's code is called from a function of its own, which tells whose turn it was. */
struct seen {
	struct sampler *sampler;
	pid_t pid;
	uint32_t ids[FILES];
	uint32_t own_id;
	uint64_t callers[FILES]; /* offsets of the functions in the test's file */
	size_t right[FILES];
	size_t wrong;
};

static void *place; /* where the files take turns */
static int files[FILES];

static void show(int number)
{
	mmap(place, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, files[number], 0);
}

__attribute__((noinline, aligned(64))) static long call_first(void)
{
	((void (*)(long))place)(SPIN_TURNS);
	return sizeof(spin_code);
}

__attribute__((noinline, aligned(64))) static long call_second(void)
{
	((void (*)(long))place)(SPIN_TURNS);
	return 2 * sizeof(spin_code);
}

static void take_turns(void)
{
	volatile long sink = 0;

	alarm(60);
	for (;;) {
		for (int i = 0; i < 10; i++) { /* the mapping is remembered while it stays */
			if (!i)
				show(0);
			sink += call_first();
		}
		for (int i = 0; i < 10; i++) {
			if (!i)
				show(1);
			sink += call_second();
		}
	}
}

static void on_sample(void *context, const struct abi_sample *sample)
{
	struct seen *seen = context;
	const uint64_t *frames =
		(const uint64_t *)ABI_STACK_FRAMES(&sample->stack) + sample->stack.kernel_frames;

	if ((pid_t)sample->tgid != seen->pid || sample->stack.user_frames < 2 ||
	    frame_kind(frames[1]) != ABI_FRAME_FILE || frame_executable(frames[1]) != seen->own_id)
		return;
	for (int i = 0; i < FILES; i++) {
		uint64_t from = frame_place(frames[1]) - seen->callers[i];

		if (from >= 64 || frame_place(frames[0]) >= sizeof(spin_code))
			continue;
		if (frame_kind(frames[0]) == ABI_FRAME_FILE &&
		    frame_executable(frames[0]) == seen->ids[i])
			seen->right[i]++;
		else
			seen->wrong++;
	}
}

/* Only of files that are ready anything is remembered. */
static void on_executable(void *context, const struct abi_executable_event *event)
{
	struct seen *seen = context;

	sampler_set_ready(seen->sampler, &event->file, event->id, NULL);
}

static int make_file(uint32_t *ret_id, struct sampler *sampler)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	void *page;

	if (fd < 0 || write(fd, spin_code, sizeof(spin_code)) < 0 || ftruncate(fd, 4096))
		return -1;
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	*ret_id = page == MAP_FAILED ? 0 : sampler_identify(sampler, page);
	munmap(page, 4096);
	return fd;
}

/* The offset in the test's own file of a function in it. */
static uint64_t offset_of(const void *function)
{
	AUTO_FILE maps = fopen("/proc/self/maps", "re");
	uint64_t addr = (uint64_t)(uintptr_t)function;
	char line[4096];

	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long start, end, offset;

		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && addr >= start &&
		    addr < end)
			return addr - start + offset;
	}
	return 0;
}

TEST(files_that_take_turns_at_one_address_are_told_apart)
{
	static const struct sampler_options options = { .frequency_hz = 997,
							.max_user_frames = 64,
							.unwind_bytes = 4 << 20 };
	struct seen seen = {};
	struct sampler_sink sink = { &seen, on_sample, on_executable };
	AUTO(sampler) sampler = NULL;

	CHECK_EQ(sampler_open(&sampler, &options, &sink), 0);
	seen.sampler = sampler;
	seen.own_id = sampler_identify(sampler, (const void *)(uintptr_t)call_first);
	seen.callers[0] = offset_of((const void *)(uintptr_t)call_first);
	seen.callers[1] = offset_of((const void *)(uintptr_t)call_second);
	for (int i = 0; i < FILES; i++)
		files[i] = make_file(&seen.ids[i], sampler);
	place = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	seen.pid = fork();
	if (!seen.pid)
		take_turns();
	CHECK_EQ(sampler_start(sampler), 0);
	for (int i = 0; i < 1000 && seen.right[0] + seen.right[1] + seen.wrong < 2000; i++) {
		usleep(20000);
		sampler_drain(sampler);
	}
	kill(seen.pid, SIGKILL);
	waitpid(seen.pid, NULL, 0);
	printf("# %zu and %zu right, %zu wrong\n", seen.right[0], seen.right[1], seen.wrong);
	CHECK(seen.right[0] > 200);
	CHECK(seen.right[1] > 200);
	CHECK_EQ(seen.wrong, 0);
}
