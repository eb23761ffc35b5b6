// SPDX-License-Identifier: Apache-2.0
#include "agent/sampler.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "agent/base/log.h"
#include "agent/cpu_set.h"
#include "agent/sampler_programs.h"
#include "sampler.skel.h"

#define CPUS_POSSIBLE "/sys/devices/system/cpu/possible"
#define CPUS_ONLINE   "/sys/devices/system/cpu/online"

enum {
	NS_PER_SECOND = 1000000000,
};

struct sampler {
	struct sampler_sink sink;
	uint64_t period_ns;
	struct sampler_bpf *skeleton;
	enum stack_tier tier;
	struct ring_buffer *ring;
	struct bpf_link **ticks; /* for each possible CPU, NULL: not sampled; owns the perf event */
	size_t cpu_limit;
	struct abi_rule *unwind_rules; /* ABI_MAX_RULES, shared with the kernel side */
	bool is_started;
	uint64_t bad_records;
	struct abi_counters *scratch; /* counters of each CPU, as the kernel copies them */
};

/* ---- opening ------------------------------------------------------------------------------- */

static int handle_record(void *context, void *data, size_t size)
{
	struct sampler *sampler = context;
	const struct abi_sample *sample = data;
	size_t frames;

	if (size >= sizeof(struct abi_executable_event) && sample->type == ABI_RECORD_EXECUTABLE) {
		sampler->sink.on_executable(sampler->sink.context, data);
		return 0;
	}
	if (size < sizeof(*sample) || sample->type != ABI_RECORD_SAMPLE) {
		sampler->bad_records++;
		return 0;
	}
	frames = (size_t)sample->stack.kernel_frames + sample->stack.user_frames;
	if (sample->stack.kernel_frames > ABI_MAX_KERNEL_FRAMES ||
	    sample->stack.user_frames > ABI_MAX_USER_FRAMES ||
	    sample->stack.verdict >= ABI_VERDICT_KINDS ||
	    size < sizeof(*sample) + frames * sizeof(uint64_t)) {
		sampler->bad_records++;
		return 0;
	}
	sampler->sink.on_sample(sampler->sink.context, sample);
	return 0;
}

static int allocate_cpus(struct sampler *sampler)
{
	struct cpu_set possible;
	int err = cpu_set_read(&possible, CPUS_POSSIBLE);

	if (err)
		return log_error(err, "cannot read " CPUS_POSSIBLE);
	sampler->cpu_limit = cpu_set_limit(&possible);
	sampler->ticks = calloc(sampler->cpu_limit, sizeof(struct bpf_link *));
	sampler->scratch = calloc(sampler->cpu_limit, sizeof(*sampler->scratch));
	return sampler->ticks && sampler->scratch ? 0 : -ENOMEM;
}

/* The rules are few and shared for good; the words are reached when one is written. */
static int share_rules(struct sampler *sampler)
{
	void *memory = mmap(NULL, ABI_MAX_RULES * sizeof(struct abi_rule), PROT_READ | PROT_WRITE,
			    MAP_SHARED, bpf_map__fd(sampler->skeleton->maps.unwind_rules), 0);

	if (memory == MAP_FAILED)
		return log_error(-errno, "cannot map the unwind rules");
	sampler->unwind_rules = memory;
	return 0;
}

static int map_memory(struct sampler *sampler)
{
	sampler->ring = ring_buffer__new(bpf_map__fd(sampler->skeleton->maps.ring), handle_record,
					 sampler, NULL);
	if (!sampler->ring)
		return log_error(-errno, "cannot map the ring buffer");
	return share_rules(sampler);
}

int sampler_open(struct sampler **out, const struct sampler_options *options,
		 const struct sampler_sink *sink)
{
	AUTO(sampler) sampler = calloc(1, sizeof(*sampler));
	int err;

	if (!sampler)
		return -ENOMEM;
	sampler->sink = *sink;
	sampler->period_ns = NS_PER_SECOND / options->frequency_hz;
	err = allocate_cpus(sampler);
	if (!err)
		err = sampler_programs_load(&sampler->skeleton, options, sampler->cpu_limit,
					    &sampler->tier);
	if (!err)
		err = map_memory(sampler);
	if (!err)
		err = sampler_programs_attach(sampler->skeleton, options, sampler->tier);
	if (err)
		return err;

	*out = take(sampler);
	return 0;
}

enum stack_tier sampler_tier(const struct sampler *sampler)
{
	return sampler->tier;
}

int sampler_add_process(struct sampler *sampler, pid_t pid)
{
	uint32_t tgid = (uint32_t)pid;
	uint8_t yes = 1;
	int fd = bpf_map__fd(sampler->skeleton->maps.target_processes);

	return bpf_map_update_elem(fd, &tgid, &yes, BPF_ANY) ? -errno : 0;
}

/* ---- CPUs that come and go ----------------------------------------------------------------- */

static int open_event(size_t cpu, uint64_t period_ns)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = period_ns,
	};
	long fd = syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static void stop_cpu(struct sampler *sampler, size_t cpu)
{
	bpf_link__destroy(take(sampler->ticks[cpu]));
}

static int start_cpu(struct sampler *sampler, size_t cpu)
{
	AUTO_FD fd = open_event(cpu, sampler->period_ns);

	if (fd < 0)
		return fd;
	sampler->ticks[cpu] = bpf_program__attach_perf_event(sampler->skeleton->progs.on_tick, fd);
	if (!sampler->ticks[cpu])
		return -errno;
	take_fd(&fd); /* the link closes it */
	return 0;
}

static int follow_cpus(struct sampler *sampler)
{
	struct cpu_set online;
	int err = cpu_set_read(&online, CPUS_ONLINE);

	if (err)
		return log_error(err, "cannot read " CPUS_ONLINE);
	for (size_t cpu = 0; cpu < sampler->cpu_limit; cpu++) {
		bool is_online = cpu_set_has(&online, cpu);

		if (!is_online)
			stop_cpu(sampler, cpu);
		if (!is_online || sampler->ticks[cpu])
			continue;
		err = start_cpu(sampler, cpu);
		/* It may have gone again since the list was read. */
		if (err && err != -ENODEV && err != -ENXIO)
			return log_error(err, "cannot sample CPU %zu", cpu);
	}
	return 0;
}

int sampler_start(struct sampler *sampler)
{
	int err = follow_cpus(sampler);

	if (err)
		return err;
	sampler->is_started = true;
	return sampler_cpu_count(sampler) ? 0 : log_error(-ENODEV, "no CPU could be sampled");
}

void sampler_stop(struct sampler *sampler)
{
	for (size_t cpu = 0; cpu < sampler->cpu_limit; cpu++)
		stop_cpu(sampler, cpu);
	sampler->is_started = false;
}

size_t sampler_cpu_count(const struct sampler *sampler)
{
	size_t count = 0;

	for (size_t cpu = 0; cpu < sampler->cpu_limit; cpu++)
		count += !!sampler->ticks[cpu];
	return count;
}

/* ---- draining ------------------------------------------------------------------------------ */

int sampler_fd(const struct sampler *sampler)
{
	return ring_buffer__epoll_fd(sampler->ring);
}

int sampler_drain(struct sampler *sampler)
{
	int handled = ring_buffer__consume(sampler->ring);
	int err = 0;

	if (handled < 0)
		return log_error(handled, "cannot read the ring buffer");
	if (sampler->is_started)
		err = follow_cpus(sampler);
	return err ? err : handled;
}

int sampler_counters(struct sampler *sampler, struct abi_counters *ret)
{
	uint32_t zero = 0;
	int fd = bpf_map__fd(sampler->skeleton->maps.counters);

	if (bpf_map_lookup_elem(fd, &zero, sampler->scratch))
		return -errno;
	*ret = (struct abi_counters){ .drops[ABI_DROP_BAD_RECORD] = sampler->bad_records };
	for (size_t cpu = 0; cpu < sampler->cpu_limit; cpu++) {
		for (size_t i = 0; i < ABI_COUNT_KINDS; i++)
			ret->counts[i] += sampler->scratch[cpu].counts[i];
		for (size_t i = 0; i < ABI_DROP_KINDS; i++)
			ret->drops[i] += sampler->scratch[cpu].drops[i];
	}
	return 0;
}

uint64_t sampler_image_start(struct sampler *sampler, uint32_t tgid)
{
	int fd = bpf_map__fd(sampler->skeleton->maps.images);
	struct abi_image image = {};

	return bpf_map_lookup_elem(fd, &tgid, &image) ? 0 : image.start_ns;
}

/* ---- executables --------------------------------------------------------------------------- */

uint32_t sampler_identify(struct sampler *sampler, const void *address)
{
	uint64_t arguments[] = { (uint64_t)(uintptr_t)address };
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));
	int fd = bpf_program__fd(sampler->skeleton->progs.identify);

	return bpf_prog_test_run_opts(fd, &run) ? 0 : run.retval;
}

int sampler_identified(struct sampler *sampler, struct abi_file *ret)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(bpf_map__fd(sampler->skeleton->maps.identified), &zero, ret)
		       ? -errno
		       : 0;
}

void sampler_forget_remembered(struct sampler *sampler)
{
	__atomic_fetch_add(&sampler->skeleton->bss->tables_changed, 1, __ATOMIC_RELEASE);
}

/* If the kernel side has forgotten the file meanwhile, there is nothing to silence. */
static void set_executable(struct sampler *sampler, const struct abi_file *file,
			   struct abi_executable executable)
{
	int fd = bpf_map__fd(sampler->skeleton->maps.executables);
	struct abi_executable before;
	bool was_pending = !bpf_map_lookup_elem(fd, file, &before) && before.ready != ABI_READY_YES;

	executable.table.check = ABI_FILE_CHECK(file);
	bpf_map_update_elem(fd, file, &executable, BPF_EXIST);
	/* Of a file that is not ready nothing is remembered. */
	if (!was_pending)
		sampler_forget_remembered(sampler);
}

void sampler_set_pending(struct sampler *sampler, const struct abi_file *file, uint32_t id)
{
	set_executable(sampler, file,
		       (struct abi_executable){ .id = id, .ready = ABI_READY_PENDING });
}

void sampler_set_ready(struct sampler *sampler, const struct abi_file *file, uint32_t id,
		       const struct abi_unwind_table *table)
{
	struct abi_executable executable = { .id = id, .ready = ABI_READY_YES };

	if (table)
		executable.table = *table;
	set_executable(sampler, file, executable);
}

void sampler_set_vdso_table(struct sampler *sampler, const struct abi_unwind_table *table)
{
	uint32_t zero = 0;

	bpf_map_update_elem(bpf_map__fd(sampler->skeleton->maps.vdso_table), &zero, table, BPF_ANY);
	sampler_forget_remembered(sampler);
}

uint32_t sampler_unwind_word_count(const struct sampler *sampler)
{
	return bpf_map__max_entries(sampler->skeleton->maps.unwind_memory);
}

/* Bytes from the beginning of a page to the word. */
static size_t bytes_before(uint32_t word)
{
	return word * sizeof(uint64_t) % (size_t)sysconf(_SC_PAGESIZE);
}

uint64_t *sampler_open_unwind_words(struct sampler *sampler, uint32_t first, uint32_t count)
{
	int fd = bpf_map__fd(sampler->skeleton->maps.unwind_memory);
	size_t before = bytes_before(first);
	char *pages = mmap(NULL, before + count * sizeof(uint64_t), PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, (off_t)(first * sizeof(uint64_t) - before));

	return pages == MAP_FAILED ? NULL : (uint64_t *)(void *)(pages + before);
}

void sampler_close_unwind_words(uint64_t *words, uint32_t first, uint32_t count)
{
	size_t before = bytes_before(first);

	munmap((char *)words - before, before + count * sizeof(uint64_t));
}

struct abi_rule *sampler_unwind_rules(struct sampler *sampler)
{
	return sampler->unwind_rules;
}

void sampler_forget(struct sampler *sampler, const struct abi_file *file)
{
	bpf_map_delete_elem(bpf_map__fd(sampler->skeleton->maps.executables), file);
	sampler_forget_remembered(sampler);
}

void sampler_free(struct sampler *sampler)
{
	if (!sampler)
		return;
	if (sampler->ticks)
		sampler_stop(sampler);
	ring_buffer__free(sampler->ring);
	if (sampler->unwind_rules)
		munmap(sampler->unwind_rules, ABI_MAX_RULES * sizeof(struct abi_rule));
	sampler_bpf__destroy(sampler->skeleton);
	free(sampler->ticks);
	free(sampler->scratch);
	free(sampler);
}
