/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/arch_x86.bpf.h"
#include "bpf/kernel.h"

/*
 * raw_stack - what it takes to follow frame pointers without a look at the process's mappings.
 *
 * The stack is sent as addresses, and the agent reads /proc/PID/maps for what they mean. So it has to
 * come soon: the first sample of a program wakes it up. And it has to know which program a sample
 * was in: what a process executes is noted with its time.
 */

#define RAW_ADDRESS_END (1ULL << 47) /* of what a process can map, unless it asks for more */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __u32); /* tgid */
	__type(value, struct abi_image);
	__uint(max_entries, ABI_MAX_IMAGES);
} images SEC(".maps");

/* Whether the process runs a program that was not sampled before. */
static __always_inline bool raw_is_first_sample(__u32 tgid)
{
	struct abi_image *image = bpf_map_lookup_elem(&images, &tgid);
	struct abi_image fresh = { .is_sampled = true };
	bool is_first = !image || !image->is_sampled;

	if (image)
		image->is_sampled = true;
	else
		bpf_map_update_elem(&images, &tgid, &fresh, BPF_NOEXIST);
	return is_first;
}

/* Loaded only where stacks are followed by frame pointers alone. */
SEC("raw_tp/sched_process_exec")
int on_image(void *context __attribute__((unused)))
{
	struct abi_image image = { .start_ns = bpf_ktime_get_ns() };
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	bpf_map_update_elem(&images, &tgid, &image, BPF_ANY);
	return 0;
}

/* Whether @addr can be a return address: readable code stands there, and behind a call. */
static __always_inline bool raw_is_return_address(__u64 addr)
{
	__u8 code[ARCH_CALL_BYTES] = {};

	return addr < RAW_ADDRESS_END &&
	       !bpf_probe_read_user(code, sizeof(code), (void *)(addr - sizeof(code))) &&
	       arch_ends_with_call(code);
}
