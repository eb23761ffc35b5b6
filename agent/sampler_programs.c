// SPDX-License-Identifier: Apache-2.0
#include "agent/sampler_programs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/base/log.h"
#include "agent/self_test.h"
#include "sampler.skel.h"

enum {
	/* Room for four drain periods of samples of a generous size, within bounds. */
	RING_BYTES_PER_SAMPLE = 2048,
	RING_PERIODS = 4,
	RING_MIN_BYTES = 1 << 20,
	RING_MAX_BYTES = 64 << 20,
	MIN_IMAGES = 64, /* where the map is not used */
	REASON_BYTES = 320,
	MORE_TRIES = 2,
};

static inline void sampler_bpf_freep(struct sampler_bpf **skeleton)
{
	sampler_bpf__destroy(*skeleton);
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	AUTO_STRING text = NULL;

	if (!log_wants(LOG_DEBUG) || level == LIBBPF_DEBUG)
		return 0;
	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		return 0;
	}
	log_debug("libbpf: %s", text);
	return 0;
}

static uint32_t ring_bytes(const struct sampler_options *options, size_t cpus)
{
	uint64_t wanted = (uint64_t)options->frequency_hz * cpus * RING_PERIODS * SAMPLER_DRAIN_MS /
			  1000 * RING_BYTES_PER_SAMPLE;
	uint32_t bytes = RING_MIN_BYTES;

	while (bytes < wanted && bytes < RING_MAX_BYTES)
		bytes *= 2;
	return bytes;
}

/* The kernel's number of a v1 controller, which differs from build to build. */
static int subsystem_of(const char *controller, const char *file)
{
	struct btf *btf = file ? btf__parse(file, NULL) : btf__load_vmlinux_btf();
	const struct btf_type *type;
	char wanted[64];
	int number = -ENOENT;
	int id;

	if (!btf)
		return -errno;
	snprintf(wanted, sizeof(wanted), "%s_cgrp_id",
		 strcmp(controller, "blkio") ? controller : "io");
	id = btf__find_by_name_kind(btf, "cgroup_subsys_id", BTF_KIND_ENUM);
	type = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
	for (uint32_t i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_enum *value = &btf_enum(type)[i];

		if (!strcmp(btf__name_by_offset(btf, value->name_off), wanted))
			number = value->val;
	}
	btf__free(btf);
	return number < 0 ? log_error(number, "this kernel has no cgroup controller \"%s\"",
				      controller)
			  : number;
}

/* What the programs are made to fit, whatever the tier. */
struct fit {
	const struct sampler_options *options;
	size_t cpu_limit;
	int subsystem; /* of options->controller, -1: none */
};

/* Each CPU has its own part. */
static int size_caches(struct sampler_bpf *skeleton, uint32_t cpus)
{
	int err = bpf_map__set_max_entries(skeleton->maps.code_cache, cpus << ABI_CODE_CACHE_BITS);

	if (err)
		return err;
	return bpf_map__set_max_entries(skeleton->maps.rule_cache, cpus << ABI_RULE_CACHE_BITS);
}

/* Everything that is constant for the programs, so that the verifier knows it too. */
static int configure(struct sampler_bpf *skeleton, const struct fit *fit)
{
	const struct sampler_options *options = fit->options;
	int err;

	skeleton->rodata->cpu_count = (uint32_t)fit->cpu_limit;
	skeleton->rodata->max_user_frames = options->max_user_frames;
	skeleton->rodata->target_is_processes = options->only_processes;
	skeleton->rodata->target_cgroup_id = options->cgroup_id;
	skeleton->rodata->cgroup_subsystem = fit->subsystem;
	if (!options->only_processes)
		bpf_map__set_max_entries(skeleton->maps.target_processes, 1);
	bpf_program__set_autoload(skeleton->progs.on_fork, options->follow_children);
	bpf_program__set_autoload(skeleton->progs.on_free, options->only_processes);
	err = bpf_map__set_max_entries(skeleton->maps.unwind_memory,
				       options->unwind_bytes / sizeof(uint64_t) + 1);
	if (err)
		return err;
	err = size_caches(skeleton, (uint32_t)fit->cpu_limit);
	if (err)
		return err;
	skeleton->rodata->ring_bytes = ring_bytes(options, fit->cpu_limit);
	return bpf_map__set_max_entries(skeleton->maps.ring,
					(uint32_t)skeleton->rodata->ring_bytes);
}

/* What the tier has no use for stays out of the kernel, which may not even be able to load it. */
static int configure_tier(struct sampler_bpf *skeleton, enum stack_tier tier)
{
	bool is_full = tier == STACK_TIER_FULL;

	skeleton->rodata->reads_mappings = is_full;
	bpf_program__set_autoload(skeleton->progs.identify, is_full);
	bpf_program__set_autoload(skeleton->progs.look_up, is_full);
	bpf_program__set_autoload(skeleton->progs.on_exec, is_full);
	bpf_program__set_autoload(skeleton->progs.on_image, !is_full);
	if (is_full)
		return bpf_map__set_max_entries(skeleton->maps.images, MIN_IMAGES);
	return bpf_map__set_max_entries(skeleton->maps.unwind_memory, 1);
}

/* The capabilities were checked before: a refusal is the verifier's, or of the memory limit. */
static int explain_load_failure(int err)
{
	if (err == -EPERM)
		return log_error(err,
				 "the kernel refused to load the sampler; before Linux 5.11 its "
				 "maps count against RLIMIT_MEMLOCK (ulimit -l unlimited, or "
				 "CAP_SYS_RESOURCE)");
	return log_error(-EOPNOTSUPP,
			 "this kernel did not load the sampler, which needs Linux 5.10 "
			 "or newer with BTF; -v shows the kernel's reason (%s)",
			 strerror(-err));
}

/* Else the reason would be that no type is found in it. */
static int check_btf(const char *file)
{
	struct btf *btf = btf__parse(file, NULL);

	if (!btf)
		return log_wrong("--btf: %s holds no types of a kernel", file);
	btf__free(btf);
	return 0;
}

/* ---- tiers ------------------------------------------------------------------------------------- */

/* One try: a skeleton that is loaded for @tier. */
static int load(struct sampler_bpf **out, const struct fit *fit, enum stack_tier tier)
{
	LIBBPF_OPTS(bpf_object_open_opts, opening, .btf_custom_path = fit->options->btf);
	AUTO(sampler_bpf) skeleton = sampler_bpf__open_opts(&opening);
	int err;

	if (!skeleton)
		return log_error(-errno, "cannot read the sampler's programs");
	err = configure(skeleton, fit);
	if (!err)
		err = configure_tier(skeleton, tier);
	if (!err)
		err = sampler_bpf__load(skeleton);
	if (!err)
		*out = take(skeleton);
	return err;
}

static int run_look_up(void *context, uint32_t count)
{
	uint64_t arguments[] = { count };
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));
	const struct sampler_bpf *skeleton = context;

	return bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.look_up), &run);
}

/* 0 if the kernel side finds our own mappings; else -EOPNOTSUPP with a reason, or another -errno. */
static int test_lookup(struct sampler_bpf *skeleton, struct self_test *test)
{
	size_t size = ABI_LOOKUPS * sizeof(struct abi_lookup);
	struct self_test_door door = { .context = skeleton, .look_up = run_look_up };
	int fd = bpf_map__fd(skeleton->maps.lookups);
	int err;

	door.lookups = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (door.lookups == MAP_FAILED)
		return -errno;
	err = self_test_run(test, &door);
	/* Mappings that another thread makes meanwhile are no fault of the kernel's. */
	for (int i = 0; !err && test->wrong && i < MORE_TRIES; i++)
		err = self_test_run(test, &door);
	munmap(door.lookups, size);
	return !err && test->wrong ? -EOPNOTSUPP : err;
}

/* The full tier, if it is right; else why not. */
static int try_full(struct sampler_bpf **out, const struct fit *fit, char *reason,
		    size_t reason_size)
{
	AUTO(sampler_bpf) skeleton = NULL;
	struct self_test test = {};
	int err = load(&skeleton, fit, STACK_TIER_FULL);

	if (err) {
		snprintf(reason, reason_size, "this kernel did not load the programs (%s)",
			 strerror(-err));
		return err;
	}
	err = test_lookup(skeleton, &test);
	if (err == -EOPNOTSUPP && test.wrong)
		snprintf(reason, reason_size,
			 "%zu of %zu addresses of this process were looked up wrong (%s)",
			 test.wrong, test.asked, test.reason);
	else if (err)
		snprintf(reason, reason_size, "mappings could not be looked up (%s)",
			 strerror(-err));
	if (err)
		return err;
	log_debug("self-test: all of %zu mappings were found as /proc/self/maps has them, by %zu "
		  "addresses in %.1f ms",
		  test.mappings, test.asked, (double)test.took_ns / 1e6);
	*out = take(skeleton);
	return 0;
}

static int load_frame_pointers(struct sampler_bpf **out, const struct fit *fit)
{
	int err = load(out, fit, STACK_TIER_FRAME_POINTERS);

	return err ? explain_load_failure(err) : 0;
}

static int load_any(struct sampler_bpf **out, const struct fit *fit, enum stack_tier *ret_tier)
{
	char reason[REASON_BYTES];
	int err = try_full(out, fit, reason, sizeof(reason));

	*ret_tier = STACK_TIER_FULL;
	if (!err)
		return 0;
	/* What is missing here is missing there too. */
	if (err == -EPERM || err == -ENOMEM)
		return explain_load_failure(err);
	if (fit->options->tier == STACK_TIER_FULL)
		return log_error(-EOPNOTSUPP, "stacks cannot be unwound on this kernel: %s",
				 reason);
	*ret_tier = STACK_TIER_FRAME_POINTERS;
	err = load_frame_pointers(out, fit);
	if (!err)
		log_warn(0, "stacks are followed by frame pointers alone: %s", reason);
	return err;
}

int sampler_programs_load(struct sampler_bpf **out, const struct sampler_options *options,
			  size_t cpu_limit, enum stack_tier *ret_tier)
{
	struct fit fit = { .options = options, .cpu_limit = cpu_limit, .subsystem = -1 };
	int err = 0;

	libbpf_set_print(print_libbpf);
	if (options->btf)
		err = check_btf(options->btf);
	if (err)
		return err;
	if (options->controller)
		fit.subsystem = subsystem_of(options->controller, options->btf);
	if (options->controller && fit.subsystem < 0)
		return fit.subsystem;
	if (options->tier != STACK_TIER_FRAME_POINTERS)
		return load_any(out, &fit, ret_tier);
	*ret_tier = STACK_TIER_FRAME_POINTERS;
	err = load_frame_pointers(out, &fit);
	if (!err)
		log_info("stacks are followed by frame pointers alone, as asked for");
	return err;
}

/* Both are for what processes execute. */
static int attach_exec(struct sampler_bpf *skeleton, enum stack_tier tier)
{
	struct bpf_link **link = &skeleton->links.on_exec;
	struct bpf_program *program = skeleton->progs.on_exec;

	if (tier == STACK_TIER_FRAME_POINTERS) {
		link = &skeleton->links.on_image;
		program = skeleton->progs.on_image;
	}
	*link = bpf_program__attach(program);
	return *link ? 0 : log_error(-errno, "cannot follow what processes execute");
}

/* The process tracepoints; the tick itself is attached to each CPU by sampler_start(). */
int sampler_programs_attach(struct sampler_bpf *skeleton, const struct sampler_options *options,
			    enum stack_tier tier)
{
	int err = attach_exec(skeleton, tier);

	if (err)
		return err;
	if (options->follow_children) {
		skeleton->links.on_fork = bpf_program__attach(skeleton->progs.on_fork);
		if (!skeleton->links.on_fork)
			return log_error(-errno, "cannot follow forks");
	}
	if (options->only_processes) {
		skeleton->links.on_free = bpf_program__attach(skeleton->progs.on_free);
		if (!skeleton->links.on_free)
			return log_error(-errno, "cannot follow exits");
	}
	return 0;
}
