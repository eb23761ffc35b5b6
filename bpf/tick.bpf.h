/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/arch_x86.bpf.h"
#include "bpf/code_cache.bpf.h"
#include "bpf/executable.bpf.h"
#include "bpf/kernel.h"
#include "bpf/unwind.bpf.h"
#include "bpf/vma.bpf.h"

/*
 * tick - one sample in the making, in memory of its CPU: there is too little stack for it.
 */

#define MAX_FRAMES (ABI_MAX_KERNEL_FRAMES + ABI_MAX_USER_FRAMES)

#define CODES 4 /* mappings that a tick remembers: most stacks go back and forth among so many */

/* One tick in the making. The record is sample and as many frames as there are. */
struct tick {
	struct vma vma;                   /* of find_code(), which has no stack to spare, */
	struct abi_executable executable; /* nor for this */
	struct arch_registers saved;      /* of the user, for a tick that hit kernel code */
	struct mm_struct *mm;
	struct code_key key; /* of mm */
	__u32 codes_found;
	__u32 code; /* index of the current frame's */
	struct code codes[CODES];
	struct unwind unwind;
	struct abi_sample sample;
	__u64 frames[MAX_FRAMES]; /* those of sample.stack */
};
_Static_assert(__builtin_offsetof(struct tick, frames) ==
		       __builtin_offsetof(struct tick, sample) + sizeof(struct abi_sample),
	       "no gap between header and frames");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct tick);
	__uint(max_entries, 1);
} ticks SEC(".maps");

static long read_user(void *to, __u32 size, __u64 addr)
{
	return bpf_probe_read_user(to, size, (void *)addr);
}

static __always_inline struct tick *this_tick(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ticks, &zero);
}

static __always_inline struct code *current_code(struct tick *tick)
{
	return &tick->codes[tick->code & (CODES - 1)];
}

/* What was found of the mappings of another tick says nothing of this one. */
static __always_inline void forget_codes(struct tick *tick)
{
	if (reads_mappings)
		tick->key = code_cache_key(tick->mm);
	tick->codes_found = 0;
	for (__u32 i = 0; i < CODES; i++)
		tick->codes[i].end = 0;
}
