// SPDX-License-Identifier: Apache-2.0
/* CPUs that go and come back while they are sampled. For a guest: it takes CPU 1 away. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/sampler.h"
#include "tests/harness/test.h"

#define CPU_SWITCH "/sys/devices/system/cpu/cpu1/online"

enum {
	CPUS = 2,
	BUSY_PROCESSES = 4, /* enough to keep both CPUs busy, wherever they run */
	PHASE_MS = 1000,
	ENOUGH = 20, /* samples of a phase, of some 200: emulated CPUs are slow */
};

struct seen {
	uint64_t since_ns; /* older samples do not count */
	size_t recent[CPUS];
	size_t samples;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void on_sample(void *context, const struct abi_sample *sample)
{
	struct seen *seen = context;

	seen->samples++;
	if (sample->cpu < CPUS && sample->time_ns >= seen->since_ns)
		seen->recent[sample->cpu]++;
}

static void on_executable(void *context, const struct abi_executable_event *event)
{
	(void)context;
	(void)event;
}

static int set_online(const char *value)
{
	AUTO_FD fd = open(CPU_SWITCH, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, value, 1) == 1 ? 0 : -1;
}

static void drain_for(struct sampler *sampler, int milliseconds)
{
	uint64_t end = now_ns() + (uint64_t)milliseconds * 1000000;

	while (now_ns() < end) {
		usleep(50000);
		sampler_drain(sampler);
	}
}

/* What is sampled from now on, for a while; the sampler has noticed what changed before. */
static void observe(struct sampler *sampler, struct seen *seen)
{
	drain_for(sampler, SAMPLER_DRAIN_MS);
	seen->since_ns = now_ns();
	memset(seen->recent, 0, sizeof(seen->recent));
	drain_for(sampler, PHASE_MS);
	printf("# %zu CPUs sampled: %zu samples on CPU 0, %zu on CPU 1\n",
	       sampler_cpu_count(sampler), seen->recent[0], seen->recent[1]);
}

static void start_busy(pid_t *pids)
{
	for (int i = 0; i < BUSY_PROCESSES; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			alarm(60);
			for (volatile unsigned long turns = 0;; turns++)
				;
		}
	}
}

static void stop_busy(const pid_t *pids)
{
	for (int i = 0; i < BUSY_PROCESSES; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

/* What was seen with CPU 1, without it, and with it again. */
static int observe_phases(struct sampler *sampler, struct seen *phases, struct seen *seen)
{
	static const char *const switches[] = { NULL, "0", "1" };

	for (int i = 0; i < 3; i++) {
		if (switches[i] && set_online(switches[i]))
			return -1;
		observe(sampler, seen);
		phases[i] = *seen;
	}
	return 0;
}

TEST(a_cpu_that_goes_is_not_sampled_and_is_again_when_it_comes_back)
{
	struct sampler_options options = { .frequency_hz = 199,
					   .max_user_frames = 127,
					   .unwind_bytes = 1 << 20 };
	struct seen seen = {}, phases[3] = {};
	struct sampler_sink sink = { &seen, on_sample, on_executable };
	AUTO(sampler) sampler = NULL;
	struct abi_counters counters;
	pid_t busy[BUSY_PROCESSES];
	int err;

	if (!getenv("WICK_GUEST"))
		SKIP("it takes a CPU away: for a guest, which says so with WICK_GUEST");
	CHECK_EQ(sampler_open(&sampler, &options, &sink), 0);
	CHECK_EQ(sampler_start(sampler), 0);
	start_busy(busy);
	err = observe_phases(sampler, phases, &seen);
	stop_busy(busy);
	CHECK_EQ(err, 0);
	CHECK(phases[0].recent[0] >= ENOUGH && phases[0].recent[1] >= ENOUGH);
	CHECK(phases[1].recent[0] >= ENOUGH);
	CHECK_EQ(phases[1].recent[1], 0);
	CHECK(phases[2].recent[0] >= ENOUGH && phases[2].recent[1] >= ENOUGH);
	CHECK_EQ(sampler_cpu_count(sampler), CPUS);
	sampler_stop(sampler);
	sampler_drain(sampler);
	CHECK_EQ(sampler_counters(sampler, &counters), 0);
	CHECK_EQ(counters.counts[ABI_COUNT_TAKEN],
		 seen.samples + counters.drops[ABI_DROP_RING_FULL]);
}
