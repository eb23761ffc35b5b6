// SPDX-License-Identifier: Apache-2.0
#include "agent/sampler_programs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "sampler.skel.h"

enum {
	/* Room for four drain periods of samples of a generous size, within bounds. */
	RING_BYTES_PER_SAMPLE = 2048,
	RING_PERIODS = 4,
	RING_MIN_BYTES = 1 << 20,
	RING_MAX_BYTES = 64 << 20,
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
static int subsystem_of(const char *controller)
{
	struct btf *btf = btf__load_vmlinux_btf();
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

/* Everything that is constant for the programs, so that the verifier knows it too. */
static int configure(struct sampler_bpf *skeleton, const struct sampler_options *options,
		     size_t cpu_limit)
{
	int err;

	skeleton->rodata->cpu_count = (uint32_t)cpu_limit;
	skeleton->rodata->max_user_frames = options->max_user_frames;
	skeleton->rodata->target_is_processes = options->only_processes;
	skeleton->rodata->target_cgroup_id = options->cgroup_id;
	if (options->controller) {
		int subsystem = subsystem_of(options->controller);

		if (subsystem < 0)
			return subsystem;
		skeleton->rodata->cgroup_subsystem = subsystem;
	}
	if (!options->only_processes)
		bpf_map__set_max_entries(skeleton->maps.target_processes, 1);
	bpf_program__set_autoload(skeleton->progs.on_fork, options->follow_children);
	bpf_program__set_autoload(skeleton->progs.on_free, options->only_processes);
	err = bpf_map__set_max_entries(skeleton->maps.unwind_memory,
				       options->unwind_bytes / sizeof(uint64_t) + 1);
	if (err)
		return err;
	return bpf_map__set_max_entries(skeleton->maps.ring, ring_bytes(options, cpu_limit));
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

int sampler_programs_load(struct sampler_bpf **out, const struct sampler_options *options,
			  size_t cpu_limit)
{
	AUTO(sampler_bpf) skeleton = NULL;
	int err;

	libbpf_set_print(print_libbpf);
	skeleton = sampler_bpf__open();
	if (!skeleton)
		return log_error(-errno, "cannot read the sampler's programs");
	err = configure(skeleton, options, cpu_limit);
	if (err)
		return err;
	err = sampler_bpf__load(skeleton);
	if (err)
		return explain_load_failure(err);
	*out = take(skeleton);
	return 0;
}

/* The process tracepoints; the tick itself is attached to each CPU by sampler_start(). */
int sampler_programs_attach(struct sampler_bpf *skeleton, const struct sampler_options *options)
{
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
