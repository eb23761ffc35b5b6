// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/* Looks addresses of the calling process up: with bpf/vma.bpf.h, and with bpf_find_vma(). */
#include "bpf/kernel.h"
#include "bpf/vma.bpf.h"
#include "tests/bpf/lookup.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct lookup);
	__uint(max_entries, LOOKUP_MAX);
} lookups SEC(".maps");

static __always_inline void ask_ours(struct lookup_result *ret, __u64 addr)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct vma vma;

	ret->is_found = vma_find(BPF_CORE_READ(task, mm), addr, &vma);
	if (!ret->is_found)
		return;
	ret->start = vma.start;
	ret->end = vma.end;
	ret->file_offset = vma.file ? vma.file_offset : 0;
}

/* Not static: verified once, and not in every turn of a loop. */
__noinline int answer(__u32 index, bool again)
{
	struct lookup *lookup = bpf_map_lookup_elem(&lookups, &index);

	if (!lookup)
		return 0;
	ask_ours(again ? &lookup->ours_again : &lookup->ours, lookup->addr);
	return 0;
}

/* So many from the index that is the first argument. */
SEC("raw_tp")
int look_some_up(struct bpf_raw_tracepoint_args *context)
{
	__u32 first = context->args[0];

	for (__u32 i = 0; i < LOOKUP_AT_ONCE; i++)
		answer(first + i, false);
	return 0;
}

static long keep_area(struct task_struct *task __attribute__((unused)), struct vm_area_struct *area,
		      struct lookup_result *ret)
{
	ret->is_found = 1;
	ret->start = area->vm_start;
	ret->end = area->vm_end;
	ret->file_offset = area->vm_file ? area->vm_pgoff << 12 : 0;
	return 0;
}

static long compare(__u32 index, void *context __attribute__((unused)))
{
	struct lookup *lookup = bpf_map_lookup_elem(&lookups, &index);
	struct lookup_result kernel = {};

	if (!lookup)
		return 1;
	answer(index, false);
	lookup->kernel_status =
		bpf_find_vma(bpf_get_current_task_btf(), lookup->addr, keep_area, &kernel, 0);
	lookup->kernel = kernel;
	answer(index, true);
	return 0;
}

/* All of them, with the kernel's own answer between two of ours; since 5.17. */
SEC("?raw_tp")
int compare_all(void *context __attribute__((unused)))
{
	bpf_loop(LOOKUP_MAX, compare, NULL, 0);
	return 0;
}
