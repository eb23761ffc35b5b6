/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/kernel.h"

/*
 * rules - which rule unwinds a frame at a place in a file.
 *
 * The tables are written by the agent through its own mapping of the memory, a table before the
 * entry that leads to it. See abi.h for the layout.
 */

/* Sized before load. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} unwind_memory SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct abi_rule);
	__uint(max_entries, ABI_MAX_RULES);
} unwind_rules SEC(".maps");

/* The vDSO has no file: its table is set by the agent for all processes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct abi_unwind_table);
	__uint(max_entries, 1);
} vdso_table SEC(".maps");

/*
 * Counted by the agent after each change that may make what is remembered of a table or a file wrong.
 * Read once a tick, before anything that is then remembered under this number.
 */
__u32 tables_changed;

static __always_inline __u32 tables_now(void)
{
	return *(volatile __u32 *)&tables_changed;
}

/* Where to remember something by @key, among 1 << @bits entries of this CPU's own. */
static __always_inline __u32 cache_slot(__u64 key, __u32 bits)
{
	return bpf_get_smp_processor_id() << bits | key * 0x9e3779b97f4a7c15 >> (64 - bits);
}

/* 1 if a < b, else 0, without a branch. The empty assembly hides from the compiler that it is one. */
static __always_inline __u64 is_less(__u64 a, __u64 b)
{
	__u64 difference = a - b;

	asm volatile("" : "+r"(difference));
	return difference >> 63;
}

static __always_inline __u64 *row_word(__u64 number)
{
	__u32 word = number / 2;

	return bpf_map_lookup_elem(&unwind_memory, &word);
}

static __always_inline __u32 row_in(__u64 word, __u64 number)
{
	return word >> (number % 2 * 32);
}

/*
 * The number of the last row at or before @low: one of the page's rows, or the one before them; 0 if
 * the table is broken. No branch depends on what is compared: the verifier would follow both
 * sides of each.
 */
static __always_inline __u64 row_find(__u64 page, __u64 low)
{
	__u64 row = (__u32)page - 1ULL;
	__u64 count =
		(page >> ABI_PAGE_COUNT_SHIFT) + 1; /* of rows, from this one on, that it may be */

#pragma clang loop unroll(disable)
	for (__u32 step = 0; step < ABI_ROW_SEARCH_STEPS && count > 1; step++) {
		__u64 half = count / 2;
		__u64 *word = row_word(row + half);
		__u64 offset;

		if (!word)
			return 0;
		offset = row_in(*word, row + half) & ((1U << ABI_ROW_OFFSET_BITS) - 1);
		row += half * is_less(offset, low + 1);
		count -= half;
	}
	return row;
}

/* rule_find() - the rule at @offset in the file of @table: its number, or a compact rule. */
static __noinline __u32 rule_find(const struct abi_unwind_table *table, __u64 offset)
{
	__u32 page = (__u32)(offset >> table->page_shift) - table->first_page;
	__u32 word = table->pages + page;
	__u64 *entry, *found;
	__u64 row;

	if (page >= table->page_count)
		return ABI_RULE_NONE;
	entry = bpf_map_lookup_elem(&unwind_memory, &word);
	if (!entry)
		return ABI_RULE_NONE;
	row = row_find(*entry, offset & ((1U << ABI_ROW_OFFSET_BITS) - 1));
	found = row_word(row);
	return found ? row_in(*found, row) >> ABI_ROW_OFFSET_BITS : ABI_RULE_NONE;
}
