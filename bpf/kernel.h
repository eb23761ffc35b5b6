/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/*
 * kernel - the kernel's structures, as far as we read them.
 *
 * Only the fields that are used, in any order: CO-RE finds where they really are from the running
 * kernel's BTF. A name after ___ is our own mark for another age of the same structure.
 */

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* What was read before is not read again after. */
#ifndef barrier
#define barrier() asm volatile("" ::: "memory")
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct super_block {
	__u32 s_dev;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	__s64 i_size;
	__u32 i_generation;
};
struct inode___seconds { /* since 6.11 */
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
};
struct inode___accessors { /* 6.6 to 6.10 */
	struct timespec64 __i_ctime;
};
struct inode___plain { /* before 6.6 */
	struct timespec64 i_ctime;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
};

struct rb_node {
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct maple_tree {
	void *ma_root;
};

struct maple_range_64 {
	unsigned long pivot[15];
	void *slot[16];
};

struct maple_arange_64 {
	unsigned long pivot[9];
	void *slot[10];
};

typedef struct {
	__u64 ctx_id; /* x86: of the address space, never given twice */
	void *vdso;
} mm_context_t;

struct mm_struct {
	struct maple_tree mm_mt; /* since 6.1 */
	mm_context_t context;
	unsigned long start_stack; /* the stack pointer at the process's first instruction */
	unsigned long start_code;
};
struct seqcount {
	unsigned int sequence;
};
struct mm_struct___seqcount { /* since 6.13 */
	struct seqcount mm_lock_seq;
};
struct mm_struct___number { /* 6.4 to 6.12 */
	int mm_lock_seq;
};
struct mm_struct___rb { /* before 6.1 */
	struct rb_root mm_rb;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
	unsigned long vm_pgoff;
	struct file *vm_file;
};
struct vm_area_struct___rb { /* before 6.1 */
	struct rb_node vm_rb;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[]; /* since 6.1 */
};
struct cgroup___ids { /* before 6.1 */
	int level;
	__u64 ancestor_ids[];
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

struct thread_struct {
	unsigned long fsbase;
};

struct task_struct {
	void *stack;
	struct mm_struct *mm;
	struct css_set *cgroups;
	int pid;
	int tgid;
	struct thread_struct thread;
};

#pragma clang attribute pop
