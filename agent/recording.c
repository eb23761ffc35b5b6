// SPDX-License-Identifier: Apache-2.0
#include "agent/recording.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/cgroup.h"
#include "agent/child.h"
#include "agent/cpu_time.h"
#include "agent/file_limit.h"
#include "agent/frame_word.h"
#include "agent/preload.h"
#include "agent/progress.h"
#include "agent/raw_stacks.h"
#include "agent/sampler.h"

enum {
	WINDOW_MAX_BYTES = 256 << 20,
	NS_PER_MS = 1000000,
	UNWIND_CACHE_MAX_BYTES = 256 << 20,
	/* Before the first sample: for what was asked for in particular, and for the whole machine. */
	PRELOAD_TARGET_MS = 150,
	PRELOAD_ALL_MS = 100,
	PRELOAD_SLICE_MS = 2, /* after it, between two drains */
	TURN_MS = 10,         /* longer than a tick takes, on whatever machine */
};

/* Why a recording ended. */
enum recording_end {
	RECORDING_TIME_OVER,
	RECORDING_INTERRUPTED, /* by a signal */
	RECORDING_TARGET_ENDED,
};

struct recording {
	const struct record_options *options; /* borrowed */
	struct sampler *sampler;
	struct window *window;
	struct executable_table *executables;
	struct raw_stacks *raw_stacks; /* NULL: stacks come as places already */
	struct unwind_cache *cache;    /* NULL: none */
	struct preload *preload;       /* NULL: has come to its end */
	uint64_t next_turn_ns;
	struct child child;
	int signal_fd;
	int pidfds[RECORD_MAX_PIDS];
	size_t pidfd_count;
	struct progress progress;
	enum recording_end end;
	int command_status; /* -1: has not ended */
	uint64_t start_ns;  /* monotonic */
	int64_t start_unix_ns;
	uint64_t duration_ns;
	uint64_t busy_start_ns; /* CPU time that the machine had used */
	uint64_t busy_ns;       /* and used meanwhile */
	int sink_error;         /* the first failure while samples were taken in */
};

/* ---- what the sampler sends ------------------------------------------------------------------ */

/* The files of a stack that was not there before are in use. */
static void touch_executables(struct recording *recording, const struct abi_stack *stack)
{
	uint32_t frames = (uint32_t)stack->kernel_frames + stack->user_frames;

	for (uint32_t i = stack->kernel_frames; i < frames; i++) {
		uint64_t word = ABI_STACK_FRAMES(stack)[i];

		if (frame_kind(word) == ABI_FRAME_FILE)
			executable_table_touch(recording->executables, frame_executable(word));
	}
}

static void on_sample(void *context, const struct abi_sample *sample)
{
	struct recording *recording = context;
	bool is_new_stack = false;
	int err = 0;

	if (recording->raw_stacks)
		err = raw_stacks_place(recording->raw_stacks, sample, &sample);
	if (!err)
		err = window_add(recording->window, sample, &is_new_stack);
	/* A full window drops and counts; only a lack of memory ends the recording. */
	if (err == -ENOMEM && !recording->sink_error)
		recording->sink_error = err;
	if (!err && window_samples(recording->window) == 1)
		log_debug("first sample");
	if (is_new_stack)
		touch_executables(recording, &sample->stack);
}

static void on_executable(void *context, const struct abi_executable_event *event)
{
	struct recording *recording = context;
	int err = executable_table_add(recording->executables, event);

	if (err && !recording->sink_error)
		recording->sink_error = err;
}

/* ---- setting up ------------------------------------------------------------------------------ */

static int catch_signals(struct recording *recording)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return -errno;
	recording->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return recording->signal_fd < 0 ? log_error(-errno, "cannot receive signals") : 0;
}

static int find_processes(struct recording *recording)
{
	for (size_t i = 0; i < recording->options->pid_count; i++) {
		pid_t pid = recording->options->pids[i];
		long pidfd = syscall(SYS_pidfd_open, pid, 0);

		if (pidfd < 0 && errno == ESRCH)
			return log_error(-ESRCH, "process %d", pid);
		if (pidfd < 0 && (errno == EINVAL || errno == ENOENT))
			return log_error(-ESRCH, "%d is a thread; give the id of its process", pid);
		if (pidfd < 0)
			return log_error(-errno, "process %d", pid);
		recording->pidfds[recording->pidfd_count++] = (int)pidfd;
	}
	return 0;
}

static int start_command(struct recording *recording)
{
	int err = child_spawn(&recording->child, recording->options->command);

	if (err)
		return log_error(err, "cannot start %s", recording->options->command[0]);
	recording->pidfds[recording->pidfd_count++] = recording->child.pidfd;
	return 0;
}

/* -ESRCH: there is no such target. */
static int find_target(struct recording *recording, struct cgroup *ret_group)
{
	int err;

	switch (recording->options->target) {
	case TARGET_PIDS:
		return find_processes(recording);
	case TARGET_CGROUP:
		err = cgroup_find(ret_group, recording->options->cgroup);
		return err == -ENOENT ? -ESRCH : err;
	case TARGET_COMMAND:
		return start_command(recording);
	default:
		return 0;
	}
}

static int open_sampler(struct recording *recording, const struct cgroup *group)
{
	const struct record_options *options = recording->options;
	struct sampler_options wanted = {
		.frequency_hz = options->frequency_hz,
		.max_user_frames = options->max_frames,
		.unwind_bytes = options->unwind_bytes,
		.only_processes =
			options->target == TARGET_PIDS || options->target == TARGET_COMMAND,
		.follow_children = options->target == TARGET_COMMAND,
		.cgroup_id = group->id,
		.controller = group->controller[0] ? group->controller : NULL,
		.tier = options->tier,
		.btf = options->btf,
	};
	struct sampler_sink sink = { recording, on_sample, on_executable };
	int err = sampler_open(&recording->sampler, &wanted, &sink);

	for (size_t i = 0; !err && i < options->pid_count; i++)
		err = sampler_add_process(recording->sampler, options->pids[i]);
	if (!err && recording->child.pid)
		err = sampler_add_process(recording->sampler, recording->child.pid);
	return err;
}

static int open_cache(struct recording *recording)
{
	const char *path = recording->options->unwind_cache;
	int err = path ? unwind_cache_new(&recording->cache, path, UNWIND_CACHE_MAX_BYTES) : 0;

	if (err == -EPERM)
		log_error(0, "--unwind-cache: %s must be a directory of yours alone (mode 0700)",
			  path);
	else if (err)
		log_error(err, "--unwind-cache: %s", path);
	return err;
}

static int new_preload(struct recording *recording, const struct cgroup *group)
{
	const struct record_options *options = recording->options;
	struct preload_targets targets = {
		.pids = options->pids,
		.pid_count = options->pid_count,
		.cgroup = options->target == TARGET_CGROUP ? group->directory : NULL,
		.command = options->command,
		.is_all = options->target == TARGET_ALL,
	};
	int err = preload_new(&recording->preload, recording->sampler, recording->executables,
			      &targets);
	enum preload_state state;

	if (err)
		return err;
	state = preload_run(recording->preload,
			    (targets.is_all ? PRELOAD_ALL_MS : PRELOAD_TARGET_MS) *
				    (uint64_t)NS_PER_MS);
	if (state == PRELOAD_DONE)
		preload_free(take(recording->preload));
	return 0;
}

static int set_up(struct recording *recording)
{
	struct cgroup group = {};
	size_t file_limit;
	int err = catch_signals(recording);

	if (!err)
		err = find_target(recording, &group);
	/* After a command has its process: the limit is ours, not the command's. */
	file_limit = file_limit_raise();
	if (!err)
		err = window_new(&recording->window, WINDOW_MAX_BYTES);
	if (!err)
		err = open_sampler(recording, &group);
	if (!err)
		err = open_cache(recording);
	if (!err)
		err = executable_table_new(&recording->executables, recording->sampler, file_limit,
					   recording->cache);
	if (!err && sampler_tier(recording->sampler) == STACK_TIER_FRAME_POINTERS)
		return raw_stacks_new(&recording->raw_stacks, recording->sampler,
				      recording->executables);
	if (!err)
		err = new_preload(recording, &group);
	return err;
}

int recording_new(struct recording **out, const struct record_options *options)
{
	AUTO(recording) recording = calloc(1, sizeof(*recording));
	int err;

	if (!recording)
		return -ENOMEM;
	recording->options = options;
	recording->child = CHILD_NONE;
	recording->signal_fd = -1;
	recording->command_status = -1;
	err = set_up(recording);
	if (err)
		return err;
	*out = take(recording);
	return 0;
}

/* ---- running --------------------------------------------------------------------------------- */

/* How long to sleep: until the ring wants to be drained, or the end. */
static int sleep_ms(const struct recording *recording, uint64_t now)
{
	uint64_t end = recording->start_ns + recording->options->duration_ns;

	if (recording->preload)
		return 1;
	if (!recording->options->duration_ns || end > now + SAMPLER_DRAIN_MS * (uint64_t)NS_PER_MS)
		return SAMPLER_DRAIN_MS;
	return end > now ? (int)((end - now + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static bool all_targets_ended(struct recording *recording, const struct pollfd *polls)
{
	size_t ended = 0;

	for (size_t i = 0; i < recording->pidfd_count; i++)
		ended += polls[i].revents != 0;
	return recording->pidfd_count && ended == recording->pidfd_count;
}

/* Sleeps, and says whether that was the last time. */
static bool is_over(struct recording *recording)
{
	struct pollfd polls[RECORD_MAX_PIDS + 3];
	size_t count = recording->pidfd_count;
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	for (size_t i = 0; i < count; i++)
		polls[i] = (struct pollfd){ .fd = recording->pidfds[i], .events = POLLIN };
	polls[count] = (struct pollfd){ .fd = recording->signal_fd, .events = POLLIN };
	polls[count + 1] =
		(struct pollfd){ .fd = sampler_fd(recording->sampler), .events = POLLIN };
	polls[count + 2] = (struct pollfd){ .fd = executable_table_fd(recording->executables),
					    .events = POLLIN };
	poll(polls, count + 3, sleep_ms(recording, now));

	now = clock_ns(CLOCK_MONOTONIC);
	if (polls[count].revents)
		recording->end = RECORDING_INTERRUPTED;
	else if (all_targets_ended(recording, polls))
		recording->end = RECORDING_TARGET_ENDED;
	else if (recording->options->duration_ns &&
		 now - recording->start_ns >= recording->options->duration_ns)
		recording->end = RECORDING_TIME_OVER;
	else
		return false;
	return true;
}

static void load_tables(struct recording *recording)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now >= recording->next_turn_ns) {
		recording->next_turn_ns = now + TURN_MS * (uint64_t)NS_PER_MS;
		executable_table_turn(recording->executables);
	} else {
		executable_table_collect(recording->executables);
	}
	if (recording->preload &&
	    preload_step(recording->preload, PRELOAD_SLICE_MS * (uint64_t)NS_PER_MS) ==
		    PRELOAD_DONE)
		preload_free(take(recording->preload));
}

static int drain(struct recording *recording)
{
	int handled = sampler_drain(recording->sampler);

	if (handled < 0)
		return handled;
	if (recording->raw_stacks)
		raw_stacks_turn(recording->raw_stacks);
	load_tables(recording);
	if (recording->sink_error)
		return log_error(recording->sink_error, "cannot keep the samples");
	return 0;
}

static int sample_until_over(struct recording *recording)
{
	int err = 0;

	while (!err && !is_over(recording)) {
		err = drain(recording);
		progress_draw(&recording->progress, clock_ns(CLOCK_MONOTONIC) - recording->start_ns,
			      window_samples(recording->window));
	}
	progress_end(&recording->progress);
	return err;
}

static int release_command(struct recording *recording)
{
	int err;

	if (!recording->child.pid)
		return 0;
	err = child_release(&recording->child);
	return err ? log_error(err, "cannot run %s", recording->options->command[0]) : 0;
}

/* Nothing ticks any more; what is in the ring is the rest. */
static int finish(struct recording *recording)
{
	uint64_t busy_ns = 0;
	int err;

	sampler_stop(recording->sampler);
	if (!cpu_time_busy(&busy_ns, NULL) && recording->busy_start_ns)
		recording->busy_ns = busy_ns - recording->busy_start_ns;
	recording->duration_ns = clock_ns(CLOCK_MONOTONIC) - recording->start_ns;
	if (recording->child.pid && recording->end == RECORDING_TARGET_ENDED)
		child_wait(&recording->child, &recording->command_status);
	err = drain(recording);
	executable_table_stop_loading(recording->executables);
	return err;
}

int recording_run(struct recording *recording)
{
	int err = sampler_start(recording->sampler);

	if (err)
		return err;
	cpu_time_busy(&recording->busy_start_ns, NULL);
	recording->start_ns = clock_ns(CLOCK_MONOTONIC);
	recording->start_unix_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	recording->progress =
		progress_start(!recording->options->quiet, recording->options->duration_ns);
	log_debug("sampling %zu CPUs every %llu ns", sampler_cpu_count(recording->sampler),
		  (unsigned long long)recording_period_ns(recording));
	err = release_command(recording);
	if (!err)
		err = sample_until_over(recording);
	return err ? err : finish(recording);
}

/* ---- afterwards -------------------------------------------------------------------------------- */

const struct window *recording_window(const struct recording *recording)
{
	return recording->window;
}

const struct executable_table *recording_executables(const struct recording *recording)
{
	return recording->executables;
}

int recording_command_status(const struct recording *recording)
{
	return recording->command_status;
}

int recording_quality(const struct recording *recording, struct quality *ret)
{
	struct abi_counters counters;
	int err = sampler_counters(recording->sampler, &counters);

	if (err)
		return log_error(err, "cannot read the sampler's counters");
	*ret = (struct quality){
		.taken = counters.counts[ABI_COUNT_TAKEN],
		.busy_ticks = counters.counts[ABI_COUNT_TICKS] - counters.counts[ABI_COUNT_IDLE],
		.busy_ns = recording->busy_ns,
		.frequency_hz = recording->options->frequency_hz,
		.frame_pointers_only = !!recording->raw_stacks,
	};
	memcpy(ret->drops, counters.drops, sizeof(ret->drops));
	ret->drops[ABI_DROP_WINDOW_FULL] += window_dropped(recording->window);
	return 0;
}

int64_t recording_start_ns(const struct recording *recording)
{
	return recording->start_unix_ns;
}

uint64_t recording_duration_ns(const struct recording *recording)
{
	return recording->duration_ns;
}

uint64_t recording_period_ns(const struct recording *recording)
{
	return 1000000000 / recording->options->frequency_hz;
}

void recording_free(struct recording *recording)
{
	if (!recording)
		return;
	raw_stacks_free(recording->raw_stacks);
	preload_free(recording->preload);
	executable_table_free(recording->executables);
	unwind_cache_free(recording->cache);
	sampler_free(recording->sampler);
	window_free(recording->window);
	if (recording->options->target == TARGET_PIDS) {
		for (size_t i = 0; i < recording->pidfd_count; i++)
			close(recording->pidfds[i]);
	}
	child_close(&recording->child);
	if (recording->signal_fd >= 0)
		close(recording->signal_fd);
	free(recording);
}
