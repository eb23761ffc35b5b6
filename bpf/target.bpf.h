/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/kernel.h"

/*
 * target - whose ticks become samples. Decided before anything that costs.
 *
 * Everything, or the processes in a map, or the processes in a cgroup and below it.
 */

const volatile bool target_is_processes = false;
const volatile __u64 target_cgroup_id = 0;  /* 0: any */
const volatile __s32 cgroup_subsystem = -1; /* a v1 hierarchy by subsystem, -1: the v2 one */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32); /* tgid */
	__type(value, __u8);
	__uint(max_entries, ABI_MAX_TARGETS);
} target_processes SEC(".maps");

static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
	struct css_set *groups = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state;
	__u32 subsystem = cgroup_subsystem;

	if (cgroup_subsystem < 0)
		return BPF_CORE_READ(groups, dfl_cgrp);
	if (subsystem >= 16)
		return NULL;
	if (bpf_core_read(&state, sizeof(state), &groups->subsys[subsystem]))
		return NULL;
	return BPF_CORE_READ(state, cgroup);
}

static __always_inline __u64 current_cgroup_id(struct task_struct *task)
{
	struct cgroup *group;

	if (cgroup_subsystem < 0)
		return bpf_get_current_cgroup_id();
	group = task_cgroup(task);
	return BPF_CORE_READ(group, kn, id);
}

#define CGROUP_MAX_DEPTH 32 /* deepest level at which a target is looked for */

/* The id of @group's ancestor at a level: its own id at its own level. */
static __always_inline __u64 ancestor_id(struct cgroup *group, int level)
{
	struct cgroup___ids *ids = (void *)group;
	struct cgroup *ancestor = NULL;
	__u64 id = 0;

	if (bpf_core_field_exists(group->ancestors)) {
		bpf_core_read(&ancestor, sizeof(ancestor), &group->ancestors[level]);
		return BPF_CORE_READ(ancestor, kn, id);
	}
	bpf_core_read(&id, sizeof(id), &ids->ancestor_ids[level]);
	return id;
}

static __noinline bool is_in_target_cgroup(struct cgroup *group)
{
	int depth = BPF_CORE_READ(group, level);

	for (int level = 0; level < CGROUP_MAX_DEPTH && level <= depth; level++) {
		if (ancestor_id(group, level) == target_cgroup_id)
			return true;
	}
	return false;
}

/* is_target() - whether a tick in process @tgid, whose task is @task, is asked for. */
static __always_inline bool is_target(__u32 tgid, struct task_struct *task)
{
	if (target_is_processes && !bpf_map_lookup_elem(&target_processes, &tgid))
		return false;
	return !target_cgroup_id || is_in_target_cgroup(task_cgroup(task));
}
