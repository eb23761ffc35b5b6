/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/kernel.h"

/* counters - every tick is counted where it goes; the agent adds up the CPUs. */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct abi_counters);
	__uint(max_entries, 1);
} counters SEC(".maps");

static __always_inline void count(enum abi_count kind)
{
	__u32 zero = 0;
	struct abi_counters *mine = bpf_map_lookup_elem(&counters, &zero);

	if (mine)
		mine->counts[kind]++;
}

static __always_inline void count_drop(enum abi_drop reason)
{
	__u32 zero = 0;
	struct abi_counters *mine = bpf_map_lookup_elem(&counters, &zero);

	if (mine)
		mine->drops[reason]++;
}
