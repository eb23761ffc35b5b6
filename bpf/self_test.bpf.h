/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/executable.bpf.h"
#include "bpf/kernel.h"
#include "bpf/vma.bpf.h"

/*
 * self_test - the agent's own mappings, as samples would see them.
 *
 * The agent writes addresses of its own and test-runs look_up, which fills in what it finds.
 */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct abi_lookup);
	__uint(max_entries, ABI_LOOKUPS);
} lookups SEC(".maps");

/* Not static: verified once, and not in every turn of a loop. */
__noinline int answer_lookup(__u32 index)
{
	struct abi_lookup *lookup = bpf_map_lookup_elem(&lookups, &index);
	struct task_struct *task = (void *)bpf_get_current_task();
	struct vma vma;

	if (!lookup || !reads_mappings)
		return 0;
	if (!vma_find(BPF_CORE_READ(task, mm), lookup->addr, &vma))
		return 0;
	lookup->start = vma.start;
	lookup->end = vma.end;
	lookup->flags = vma.flags;
	if (vma.file) {
		lookup->file_offset = vma.file_offset;
		lookup->file = file_identity(vma.file);
	}
	return 0;
}

/* Answers the first of the lookups, as many as the argument says. */
SEC("raw_tp")
int look_up(struct bpf_raw_tracepoint_args *context)
{
	__u64 count = context->args[0];

	for (__u32 i = 0; i < ABI_LOOKUPS && i < count; i++)
		answer_lookup(i);
	return 0;
}
