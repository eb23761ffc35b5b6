/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/kernel.h"
#include "bpf/counters.bpf.h"
#include "bpf/ring.bpf.h"
#include "bpf/vma.bpf.h"

/*
 * executable - which file a mapping shows, as a small number that is never given twice.
 *
 * The kernel side numbers files by itself, so that even the first sample in a file is exact; the
 * agent is asked to open it, again and again while samples find it not ready. Least recently used
 * files are forgotten, and get a new number when they return.
 */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct abi_file);
	__type(value, struct abi_executable);
	__uint(max_entries, ABI_MAX_EXECUTABLES);
} executables SEC(".maps");

/* Whose program it is that sees a file: a tick may interrupt one that runs for a process. */
enum seen_by {
	SEEN_BY_TICK,
	SEEN_BY_PROCESS,
	SEEN_BY_COUNT,
};

/* Ids without an atomic: either kind of program of each CPU counts in its own residue class. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32); /* enum seen_by */
	__type(value, __u64);
	__uint(max_entries, SEEN_BY_COUNT);
} ids_given SEC(".maps");

const volatile __u32 cpu_count = 1; /* set before load: possible CPUs */

/* The change time; multigrain time stamps (since 6.13) keep a flag in the top bit of nanoseconds. */
static __always_inline __u64 inode_ctime_ns(struct inode *inode)
{
	struct inode___seconds *seconds = (void *)inode;
	struct inode___accessors *accessors = (void *)inode;
	struct inode___plain *plain = (void *)inode;

	if (bpf_core_field_exists(seconds->i_ctime_sec))
		return (__u64)BPF_CORE_READ(seconds, i_ctime_sec) * 1000000000 +
		       (BPF_CORE_READ(seconds, i_ctime_nsec) & 0x7fffffff);
	if (bpf_core_field_exists(accessors->__i_ctime))
		return (__u64)BPF_CORE_READ(accessors, __i_ctime.tv_sec) * 1000000000 +
		       BPF_CORE_READ(accessors, __i_ctime.tv_nsec);
	return (__u64)BPF_CORE_READ(plain, i_ctime.tv_sec) * 1000000000 +
	       BPF_CORE_READ(plain, i_ctime.tv_nsec);
}

static __always_inline struct abi_file file_identity(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	return (struct abi_file){
		.inode = BPF_CORE_READ(inode, i_ino),
		.ctime_ns = inode_ctime_ns(inode),
		.size = BPF_CORE_READ(inode, i_size),
		.device = BPF_CORE_READ(inode, i_sb, s_dev),
		.generation = BPF_CORE_READ(inode, i_generation),
	};
}

/* 0 when there are no more. */
static __always_inline __u32 new_executable_id(__u32 seen_by)
{
	__u64 *given = bpf_map_lookup_elem(&ids_given, &seen_by);
	__u64 id;

	if (!given)
		return 0;
	id = (*given * SEEN_BY_COUNT + seen_by) * cpu_count + bpf_get_smp_processor_id() + 1;
	if (id >> ABI_FRAME_ID_BITS)
		return 0;
	*given += 1;
	return id;
}

/* The entry of a file, made if it is new. The one that another CPU made meanwhile wins. */
static __always_inline struct abi_executable *executable_of(const struct abi_file *key,
							    __u32 seen_by)
{
	struct abi_executable *found = bpf_map_lookup_elem(&executables, key);
	struct abi_executable fresh = {};

	if (found)
		return found;
	fresh.table.check = ABI_FILE_CHECK(key);
	fresh.id = new_executable_id(seen_by);
	if (!fresh.id) {
		count(ABI_COUNT_IDS_EXHAUSTED);
		return NULL;
	}
	bpf_map_update_elem(&executables, key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&executables, key);
}

/*
 * Asks the agent to open the file. Wakes it up: the process may be gone in a few milliseconds.
 * Written in the ring itself: five functions deep, all of their stacks together may take 512 bytes.
 */
static __noinline int request_open(struct abi_executable *executable, __u32 id,
				   const struct abi_file *key, const struct vma *vma)
{
	struct abi_executable_event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
	struct file *file = vma->file;

	if (!event) {
		count(ABI_COUNT_EVENTS_LOST);
		return 0;
	}
	event->type = ABI_RECORD_EXECUTABLE;
	event->id = id; /* not the entry's, which may be another file's by now */
	event->tid = (__u32)bpf_get_current_pid_tgid();
	event->padding = 0;
	event->time_ns = bpf_ktime_get_ns();
	event->start = vma->start;
	event->end = vma->end;
	event->file = *key;
	__builtin_memset(event->name, 0, sizeof(event->name));
	bpf_probe_read_kernel_str(event->name, sizeof(event->name),
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	executable->asked_ns = event->time_ns;
	bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
	return 0;
}

static __always_inline bool is_due(const struct abi_executable *executable)
{
	return !executable->ready &&
	       (!executable->asked_ns ||
		bpf_ktime_get_ns() - executable->asked_ns >= ABI_REQUEST_PERIOD_NS);
}

/*
 * executable_of_vma() - what is known of the file that @vma shows, copied: an entry may be evicted
 * and used again for another file at any time. False if the file could not get an entry.
 */
static __noinline bool executable_of_vma(const struct vma *vma, __u32 seen_by,
					 struct abi_executable *ret)
{
	struct abi_file key = file_identity(vma->file);
	struct abi_executable *executable = executable_of(&key, seen_by);

	if (!executable)
		return false;
	*ret = *executable;
	barrier();
	if (ret->table.check != ABI_FILE_CHECK(&key) || executable->table.check != ret->table.check)
		return false;
	if (is_due(executable))
		request_open(executable, ret->id, &key, vma);
	return true;
}
