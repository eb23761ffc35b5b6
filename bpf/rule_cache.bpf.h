/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/kernel.h"
#include "bpf/rules.bpf.h"

/*
 * rule_cache - the rules that this CPU looked up before: stacks mostly repeat.
 *
 * An entry is found by the place in the file, whose id is never given twice, and holds as long as no
 * table changed. It saves the search, and two or three lines of memory in as many pages.
 */

struct rule_entry {
	__u64 word;   /* frame word of the place */
	__u32 tables; /* tables_changed, as it was */
	__u32 rule;   /* as rule_find() returns it */
};
_Static_assert(sizeof(struct rule_entry) == 16, "four in a line of memory");

/* Mappable only to be aligned. Sized before load: so many entries for each possible CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct rule_entry);
	__uint(max_entries, 1 << ABI_RULE_CACHE_BITS);
} rule_cache SEC(".maps");

/*
 * rule_cache_find() - the rule at a place in the file of @table.
 * @tables: tables_changed, read before @table was
 */
static __always_inline __u32 rule_cache_find(const struct abi_unwind_table *table, __u32 tables,
					     __u64 word)
{
	__u32 number = cache_slot(word, ABI_RULE_CACHE_BITS);
	struct rule_entry *entry = bpf_map_lookup_elem(&rule_cache, &number);
	__u32 rule;

	if (entry && entry->word == word && entry->tables == tables)
		return entry->rule;
	rule = rule_find(table, word & ((1ULL << ABI_FRAME_OFFSET_BITS) - 1));
	if (entry)
		*entry = (struct rule_entry){ word, tables, rule };
	return rule;
}
