/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/executable.bpf.h"
#include "bpf/kernel.h"
#include "bpf/rules.bpf.h"

/*
 * code_cache - the mappings that earlier ticks of this CPU found, as long as they hold.
 *
 * At a few samples a second each finds all caches cold, and it is a long way from an address to its
 * unwind table: the tree, the mapping, the file, its inode, the table of files. Here it is one line of
 * memory, and one of the inode. An entry is believed only if nothing has changed since it was made:
 *   the address space is the same one: by an id that the kernel never gives twice, not by an address;
 *   none of its mappings changed: the kernel counts how often they were locked for that;
 *   no table was moved and no file forgotten: tables_changed;
 *   the file was not written to: its change time. The mapping keeps the inode for that long.
 * Kernels before 6.4 do not count, and nothing is remembered there.
 */

/* A mapping that holds code. Empty when end is 0. */
struct code {
	__u64 start;
	__u64 end;
	__u64 word; /* frame word of start */
	struct abi_unwind_table table;
};

static __always_inline bool code_holds(const struct code *code, __u64 addr)
{
	return addr >= code->start && addr < code->end;
}

/* What has to be the same for an entry to hold. */
struct code_key {
	__u64 space;   /* id of the address space; 0: nothing is remembered */
	__u32 changes; /* of its mappings */
	__u32 tables;  /* tables_changed */
};

struct code_entry {
	struct code_key key;
	struct inode *inode; /* NULL: no file backs it */
	struct code code;    /* its table's check is one of the inode's change time */
};
_Static_assert(sizeof(struct code_entry) == 64, "a line of memory");

#define CODE_CACHE_SPAN_SHIFT 17 /* an entry is found by the 128 KiB that an address is in */

/* Mappable only to be aligned. Sized before load: so many entries for each possible CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct code_entry);
	__uint(max_entries, 1 << ABI_CODE_CACHE_BITS);
} code_cache SEC(".maps");

/*
 * code_cache_key() - what holds for a process now. To be called before its mappings are read: what
 * changes from here on will have another key.
 */
static __always_inline struct code_key code_cache_key(struct mm_struct *mm)
{
	struct mm_struct___seqcount *sequence = (void *)mm;
	struct mm_struct___number *number = (void *)mm;
	struct code_key key = { .tables = tables_now() };

	if (bpf_core_field_exists(sequence->mm_lock_seq.sequence))
		key.changes = BPF_CORE_READ(sequence, mm_lock_seq.sequence);
	else if (bpf_core_field_exists(number->mm_lock_seq))
		key.changes = BPF_CORE_READ(number, mm_lock_seq);
	else
		return key;
	key.space = BPF_CORE_READ(mm, context.ctx_id);
	return key;
}

static __always_inline struct code_entry *code_cache_entry(const struct code_key *key, __u64 addr)
{
	__u32 number =
		cache_slot(key->space << 32 ^ addr >> CODE_CACHE_SPAN_SHIFT, ABI_CODE_CACHE_BITS);

	return bpf_map_lookup_elem(&code_cache, &number);
}

static __always_inline __u32 code_cache_check(struct inode *inode)
{
	__u64 time = inode ? inode_ctime_ns(inode) : 0;

	return time ^ time >> 32;
}

/* code_cache_find() - the mapping of @addr, into @ret; false if it is not known. */
static __always_inline bool code_cache_find(const struct code_key *key, __u64 addr,
					    struct code *ret)
{
	struct code_entry *entry = code_cache_entry(key, addr);

	if (!entry || !key->space || entry->key.space != key->space ||
	    entry->key.changes != key->changes || entry->key.tables != key->tables ||
	    !code_holds(&entry->code, addr) ||
	    entry->code.table.check != code_cache_check(entry->inode))
		return false;
	*ret = entry->code;
	return true;
}

/* code_cache_add() - @addr is in @code, which shows @file; NULL if no file backs it. */
static __always_inline void code_cache_add(const struct code_key *key, __u64 addr,
					   const struct code *code, struct file *file)
{
	struct code_entry *entry = code_cache_entry(key, addr);
	struct inode *inode = file ? BPF_CORE_READ(file, f_inode) : NULL;

	if (!entry || !key->space)
		return;
	*entry = (struct code_entry){ .key = *key, .inode = inode, .code = *code };
	entry->code.table.check = code_cache_check(inode);
}
