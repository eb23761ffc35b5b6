/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/kernel.h"

/*
 * vma - the mapping at an address, found in the kernel's own tree without taking a lock.
 *
 * bpf_find_vma() needs an interrupt of its own to drop the lock, so it works once per tick and
 * costs 25 times as much. Here plain reads walk the maple tree (since 6.1) or the red-black tree
 * (before), and what they find is believed only if it holds the address and belongs to the process:
 * the tree may change under the reader, and a node may be freed, but then the check fails and the
 * caller sees no mapping.
 *
 * Source of the maple tree's layout: include/linux/maple_tree.h of the kernel. An entry is a pointer to a
 * 256-byte node with the node's type in bits 3 to 6; a node has pivots, ascending, the last ones
 * possibly zero, and one slot more than pivots: slot i holds what lies above pivot i-1 up to and including pivot i.
 */

/* Set before load: whether the tree may be read at all. If not, no field of it needs to exist. */
const volatile bool reads_mappings = true;

#define MAPLE_MAX_DEPTH     6
#define MAPLE_TYPE_LEAF     1
#define MAPLE_TYPE_RANGE    2
#define MAPLE_TYPE_ARANGE   3
#define MAPLE_RANGE_PIVOTS  15
#define MAPLE_ARANGE_PIVOTS 9

#define RB_MAX_DEPTH 40 /* twice the logarithm of a million mappings */

#define VMA_EXECUTABLE 0x4 /* VM_EXEC */

/* What is kept of a vm_area_struct. Empty when end is 0. */
struct vma {
	__u64 start;
	__u64 end;
	__u64 flags;
	__u64 file_offset; /* of start, in bytes */
	struct file *file; /* NULL: no file backs it */
};

static __always_inline bool maple_is_node(__u64 entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

/* How many of the pivots lie below @addr: the slot to take. Without branches, as pivots ascend. */
static __always_inline __u32 maple_slot_of(const __u64 *pivots, __u32 count, __u64 addr)
{
	__u32 below = pivots[0] < addr;

/* Unrolled, it would need more registers and stack than there are. */
#pragma clang loop unroll(disable)
	for (__u32 i = 1; i < count; i++)
		below += (pivots[i] < addr) & (pivots[i] != 0);
	return below;
}

/* One level down; 0 when something could not be read. Not static: verified once, not at each level. */
__noinline __u64 maple_step(__u64 node, __u32 type, __u64 addr)
{
	__u64 pivots[MAPLE_RANGE_PIVOTS] = {};
	__u64 next = 0;
	__u32 slot;

	/* Verified by itself, also where nobody calls it. */
	if (!reads_mappings || !bpf_core_type_exists(struct maple_range_64))
		return 0;
	if (type == MAPLE_TYPE_ARANGE) {
		struct maple_arange_64 *arange = (void *)node;

		if (bpf_probe_read_kernel(pivots, MAPLE_ARANGE_PIVOTS * 8,
					  __builtin_preserve_access_index(&arange->pivot)))
			return 0;
		slot = maple_slot_of(pivots, MAPLE_ARANGE_PIVOTS, addr);
		node = (__u64)__builtin_preserve_access_index(&arange->slot);
	} else {
		struct maple_range_64 *range = (void *)node;

		if (bpf_probe_read_kernel(pivots, MAPLE_RANGE_PIVOTS * 8,
					  __builtin_preserve_access_index(&range->pivot)))
			return 0;
		slot = maple_slot_of(pivots, MAPLE_RANGE_PIVOTS, addr);
		node = (__u64)__builtin_preserve_access_index(&range->slot);
	}
	if (bpf_probe_read_kernel(&next, sizeof(next), (void *)(node + slot * 8)))
		return 0;
	return next;
}

static __always_inline struct vm_area_struct *maple_find(struct mm_struct *mm, __u64 addr)
{
	__u64 entry = (__u64)BPF_CORE_READ(mm, mm_mt.ma_root);

	if (!maple_is_node(entry))
		return NULL;
	for (int depth = 0; depth < MAPLE_MAX_DEPTH; depth++) {
		__u32 type = entry >> 3 & 0xf;

		if (type < MAPLE_TYPE_LEAF || type > MAPLE_TYPE_ARANGE)
			return NULL;
		entry = maple_step(entry & ~0xffULL, type, addr);
		if (!entry || type == MAPLE_TYPE_LEAF)
			return (void *)entry;
	}
	return NULL;
}

static __always_inline struct vm_area_struct *rb_find(struct mm_struct *mm, __u64 addr)
{
	struct mm_struct___rb *tree = (void *)mm;
	struct rb_node *node = BPF_CORE_READ(tree, mm_rb.rb_node);

	for (int depth = 0; depth < RB_MAX_DEPTH && node; depth++) {
		struct vm_area_struct *area =
			(void *)node - bpf_core_field_offset(struct vm_area_struct___rb, vm_rb);

		if (BPF_CORE_READ(area, vm_end) <= addr)
			node = BPF_CORE_READ(node, rb_right);
		else if (BPF_CORE_READ(area, vm_start) > addr)
			node = BPF_CORE_READ(node, rb_left);
		else
			return area;
	}
	return NULL;
}

static __always_inline struct vm_area_struct *area_find(struct mm_struct *mm, __u64 addr)
{
	struct mm_struct___rb *tree = (void *)mm;

	if (bpf_core_field_exists(mm->mm_mt))
		return maple_find(mm, addr);
	if (bpf_core_field_exists(tree->mm_rb))
		return rb_find(mm, addr);
	return NULL;
}

static __noinline bool vma_find_once(struct mm_struct *mm, __u64 addr, struct vma *ret)
{
	struct vm_area_struct *area = area_find(mm, addr);

	if (!area || BPF_CORE_READ(area, vm_mm) != mm)
		return false;
	ret->start = BPF_CORE_READ(area, vm_start);
	ret->end = BPF_CORE_READ(area, vm_end);
	if (addr < ret->start || addr >= ret->end)
		return false;
	ret->flags = BPF_CORE_READ(area, vm_flags);
	ret->file = BPF_CORE_READ(area, vm_file);
	ret->file_offset = BPF_CORE_READ(area, vm_pgoff) << 12;
	return true;
}

/*
 * vma_find() - the mapping of @mm that holds @addr; false if there is none.
 *
 * Asks again before it says no: a tree that was just being rebuilt has been by then.
 */
static __always_inline bool vma_find(struct mm_struct *mm, __u64 addr, struct vma *ret)
{
	return vma_find_once(mm, addr, ret) || vma_find_once(mm, addr, ret);
}
