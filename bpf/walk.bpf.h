/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/kernel.h"
#include "bpf/code_cache.bpf.h"
#include "bpf/executable.bpf.h"
#include "bpf/raw_stack.bpf.h"
#include "bpf/rule_cache.bpf.h"
#include "bpf/rules.bpf.h"
#include "bpf/tick.bpf.h"
#include "bpf/unwind.bpf.h"
#include "bpf/vma.bpf.h"

/*
 * walk - from the current frame of a tick to its caller: which code it is in, its place, its rule.
 */

/* Notes what is known of the file of tick->vma: its frame word, its table. True if that is to last. */
static __always_inline bool note_file(struct tick *tick, struct code *code)
{
	if (!executable_of_vma(&tick->vma, SEEN_BY_TICK, &tick->executable) ||
	    tick->vma.file_offset >> ABI_FRAME_OFFSET_BITS) {
		code->word = ABI_FRAME_UNKNOWN << ABI_FRAME_KIND_SHIFT | tick->vma.start;
		code->table.page_count = 0;
		return false;
	}
	code->word = ABI_FRAME_FILE << ABI_FRAME_KIND_SHIFT |
		     (__u64)tick->executable.id << ABI_FRAME_OFFSET_BITS | tick->vma.file_offset;
	code->table = tick->executable.table;
	if (tick->executable.ready != ABI_READY_YES)
		tick->sample.stack.flags |= ABI_STACK_PENDING;
	return tick->executable.ready == ABI_READY_YES;
}

/* The same for code that no file backs: the vDSO, or made at run time. */
static __always_inline bool note_memory(struct tick *tick, struct code *code)
{
	struct mm_struct *mm = tick->mm;
	struct abi_unwind_table *table;
	__u32 zero = 0;

	code->word = tick->vma.start;
	code->table.page_count = 0;
	if ((__u64)BPF_CORE_READ(mm, context.vdso) != tick->vma.start)
		return true;
	code->word = ABI_FRAME_VDSO << ABI_FRAME_KIND_SHIFT;
	table = bpf_map_lookup_elem(&vdso_table, &zero);
	if (table)
		code->table = *table;
	return true;
}

/* For all that is known, any address is in one mapping that holds code. */
static __always_inline bool note_raw_address(struct tick *tick, __u64 addr)
{
	tick->code = 0;
	tick->codes[0] = (struct code){
		.end = RAW_ADDRESS_END,
		.word = ABI_FRAME_ADDRESS << ABI_FRAME_KIND_SHIFT,
	};
	return addr < RAW_ADDRESS_END;
}

/* The mapping of @addr into @code, by way of the kernel's tree; false if there is none that holds code. */
static __always_inline bool look_up_code(struct tick *tick, __u64 addr, struct code *code)
{
	if (!vma_find(tick->mm, addr, &tick->vma) || !(tick->vma.flags & VMA_EXECUTABLE))
		return false;
	code->start = tick->vma.start;
	code->end = tick->vma.end;
	if (tick->vma.file ? note_file(tick, code) : note_memory(tick, code))
		code_cache_add(&tick->key, addr, code, tick->vma.file);
	return true;
}

/*
 * Makes the mapping of @addr the current one; false if there is none, or none that holds code.
 *
 * Not static, like walk_one_frame(): so the verifier looks at it once, and not again at each call in
 * each turn of a loop. Before 5.13 such functions take numbers only, hence this_tick().
 */
__noinline int find_code(__u64 addr)
{
	struct tick *tick = this_tick();
	struct code *code;

	if (!tick)
		return false;
	if (!reads_mappings)
		return note_raw_address(tick, addr);
	for (__u32 i = 0; i < CODES; i++) {
		if (code_holds(&tick->codes[i], addr)) {
			tick->code = i;
			return true;
		}
	}
	code = &tick->codes[tick->codes_found & (CODES - 1)];
	if (!code_cache_find(&tick->key, addr, code) && !look_up_code(tick, addr, code))
		return false;
	tick->code = tick->codes_found++;
	return true;
}

/* The frame word of an address in @code. */
static __always_inline __u64 word_of(const struct code *code, __u64 addr)
{
	return code->word + (addr - code->start);
}

/* Adds the current frame; false if its address is not code, so that it cannot be a frame. */
static __always_inline bool add_user_frame(struct tick *tick)
{
	__u64 addr = tick->unwind.pc - !tick->unwind.is_leaf;
	__u32 at = tick->sample.stack.kernel_frames + tick->sample.stack.user_frames;
	__u64 word;

	if (code_holds(current_code(tick), addr) || find_code(addr))
		word = word_of(current_code(tick), addr);
	else if (tick->unwind.is_leaf)
		word = addr & ((1ULL << ABI_FRAME_KIND_SHIFT) - 1);
	else
		return false;
	if (at >= MAX_FRAMES)
		return false;
	tick->frames[at] = word;
	tick->sample.stack.user_frames++;
	return true;
}

/* The rule at @addr, as rule_cache_find() returns it; it may be in no code, or not in the current one. */
static __always_inline __u32 rule_at(struct tick *tick, __u64 addr)
{
	struct code *code = current_code(tick);

	if (!code_holds(code, addr) || !code->table.page_count)
		return ABI_RULE_NONE;
	return rule_cache_find(&code->table, tick->key.tables, word_of(code, addr));
}

/*
 * Where the thread's variables are: asked for by the rules of Go's stack switches only. The kernel
 * keeps it when a thread sets it by arch_prctl or is made with it, which is how C libraries and Go
 * do it; of one that has set it by an instruction alone (FSGSBASE) it is as of its last switch.
 */
static __always_inline void note_thread_pointer(struct tick *tick)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (!tick->unwind.thread_pointer)
		tick->unwind.thread_pointer = BPF_CORE_READ(task, thread.fsbase);
}

static __always_inline enum unwind_step step_without_rule(struct tick *tick)
{
	struct mm_struct *mm = tick->mm;
	struct unwind_offer offer;
	enum unwind_step step;

	if (tick->unwind.is_leaf && unwind_leaf_without_frame(&tick->unwind, &offer) &&
	    (reads_mappings ? find_code(offer.pc - 1) : raw_is_return_address(offer.pc))) {
		unwind_accept(&tick->unwind, &offer);
		return UNWIND_CALLER;
	}
	if (!tick->unwind.is_leaf && unwind_is_signal_return(&tick->unwind))
		return unwind_signal(&tick->unwind);
	/* No call returns to the first byte of a function: makecontext() ends a stack so. */
	if (!tick->unwind.is_leaf && rule_at(tick, tick->unwind.pc))
		return UNWIND_ROOT;
	step = unwind_frame_pointer(&tick->unwind);
	/* Where a process begins there is often neither rule nor frame, as in the dynamic loader. */
	if (reads_mappings && step != UNWIND_CALLER &&
	    UNWIND_SP(&tick->unwind) == BPF_CORE_READ(mm, start_stack))
		return UNWIND_ROOT;
	return step;
}

static __always_inline enum unwind_step step(struct tick *tick)
{
	__u32 number = rule_at(tick, tick->unwind.pc - !tick->unwind.is_leaf);
	const struct abi_rule *rule;

	if (number & ABI_COMPACT_RULE)
		return unwind_by_compact_rule(&tick->unwind, number);
	rule = number ? bpf_map_lookup_elem(&unwind_rules, &number) : NULL;
	if (rule && rule->cfa == ABI_CFA_GO)
		note_thread_pointer(tick);
	return rule ? unwind_by_rule(&tick->unwind, rule) : step_without_rule(tick);
}

/* Goes to the caller; false, with the verdict, when the stack ends here. */
static __always_inline bool step_to_caller(struct tick *tick)
{
	switch (step(tick)) {
	case UNWIND_CALLER:
		return true;
	case UNWIND_ROOT:
		tick->sample.stack.verdict = ABI_VERDICT_WHOLE;
		return false;
	case UNWIND_END:
		tick->sample.stack.verdict = ABI_VERDICT_CHAIN_END;
		return false;
	case UNWIND_UNREADABLE:
		tick->sample.stack.verdict = ABI_VERDICT_UNREADABLE;
		return false;
	default:
		tick->sample.stack.verdict = ABI_VERDICT_NO_UNWIND_INFO;
		return false;
	}
}

/* Adds the current frame and goes to its caller; false when the stack ends here. */
__noinline int walk_one_frame(void)
{
	struct tick *tick = this_tick();

	if (!tick)
		return false;
	if (!add_user_frame(tick)) {
		tick->sample.stack.verdict = ABI_VERDICT_NO_UNWIND_INFO;
		return false;
	}
	return step_to_caller(tick);
}
