/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/bpf.h>

/*
 * bpf_helpers - libbpf's header as replay has it: the kernel's helpers as functions of this program.
 *
 * Found before libbpf's own by the files of this folder only, so that bpf/sampler.bpf.c compiles
 * for user space as it stands. What a map is said to be is read off its type, as libbpf does.
 */

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif

/* What a map definition says of itself, and the address that tells it from others. */
struct replay_map {
	const void *definition;
	uint32_t type;
	uint32_t max_entries;
	uint32_t key_bytes;
	uint32_t value_bytes;
};

#define REPLAY_MAP(map)                                                   \
	((struct replay_map){                                             \
		.definition = (map),                                      \
		.type = sizeof(*(map)->type) / sizeof(int),               \
		.max_entries = sizeof(*(map)->max_entries) / sizeof(int), \
		.key_bytes = sizeof(*(map)->key),                         \
		.value_bytes = sizeof(*(map)->value),                     \
	})

void *replay_map_find(struct replay_map map, const void *key);
long replay_map_set(struct replay_map map, const void *key, const void *value, uint64_t flags);
long replay_map_remove(struct replay_map map, const void *key);

#define bpf_map_lookup_elem(map, key) replay_map_find(REPLAY_MAP(map), key)
#define bpf_map_update_elem(map, key, value, flags) \
	replay_map_set(REPLAY_MAP(map), key, value, flags)
#define bpf_map_delete_elem(map, key) replay_map_remove(REPLAY_MAP(map), key)

/* One ring, which holds one record. */
#define bpf_ringbuf_output(map, data, size, flags) ((void)(flags), replay_ring_output(data, size))
#define bpf_ringbuf_reserve(map, size, flags)      replay_ring_reserve(size)
#define bpf_ringbuf_submit(data, flags)            ((void)(data))
#define bpf_ringbuf_query(map, what)               ((what) == BPF_RB_RING_SIZE ? 1 << 20 : 0)
long replay_ring_output(const void *data, uint64_t size);
void *replay_ring_reserve(uint64_t size);

long bpf_probe_read_user(void *to, uint32_t size, const void *from);
long bpf_probe_read_kernel(void *to, uint32_t size, const void *from);
long bpf_probe_read_kernel_str(void *to, uint32_t size, const void *from);

uint64_t bpf_ktime_get_ns(void);
uint32_t bpf_get_smp_processor_id(void);
uint64_t bpf_get_current_pid_tgid(void);
uint64_t bpf_get_current_cgroup_id(void);
uint64_t bpf_get_current_task(void);
void *bpf_get_current_task_btf(void);
long bpf_task_pt_regs(void *task);
long bpf_get_current_comm(void *to, uint32_t size);
long bpf_get_stack(void *context, void *to, uint32_t size, uint64_t flags);
