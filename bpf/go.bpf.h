/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/*
 * go - the steps that Go's runtime makes and no compiler does: from one stack to another.
 *
 * A part of unwind.bpf.h. What it needs of a Go version (where g, its m and its saved registers
 * are) stands in the rules, which are made of the file's own code; see symbolizer/go_table.h.
 * Those that do not raise the stack pointer count as switches, so that every walk ends.
 */
#define GO_STACK_HIGH 8 /* in g: one past the highest byte of its stack */

static __always_inline bool go_word(__u64 addr, __u64 *ret)
{
	return !read_user(ret, sizeof(*ret), addr);
}

/* Whether a step may lead to @sp: up, or down as long as there is a switch left. */
static __always_inline bool go_may_enter(struct unwind *at, __u64 sp)
{
	return sp > UNWIND_SP(at) || at->switches++ < UNWIND_MAX_SWITCHES;
}

/*
 * The goroutine that the thread was running before it went to its system stack.
 *
 * Return: false if that cannot be found; 0 if there is none.
 */
static __always_inline bool go_current(const struct unwind *at, const struct abi_rule *rule,
				       __u64 *ret)
{
	__u64 g, m;

	if (!at->thread_pointer || !rule->cfa_addend ||
	    !go_word(at->thread_pointer + (__s64)rule->cfa_addend, &g) ||
	    !go_word(g + rule->cfa_index * 8ULL, &m))
		return false;
	return go_word(m + rule->cfa_scale * 8ULL, ret);
}

/* morestack: the goroutine goes on where its saved registers say. */
static __always_inline enum unwind_step go_resume(struct unwind *at, const struct abi_rule *rule)
{
	__u64 curg, fp;
	__u64 saved[2] = {}; /* sp, pc */

	if (!go_current(at, rule, &curg))
		return UNWIND_LOST;
	if (!curg)
		return UNWIND_ROOT;
	if (read_user(saved, sizeof(saved), curg + (__s64)rule->bx_offset) ||
	    !go_word(curg + (__s64)rule->fp_offset, &fp))
		return UNWIND_UNREADABLE;
	if (!saved[0] || !saved[1])
		return UNWIND_ROOT;
	if (!go_may_enter(at, saved[0]))
		return UNWIND_LOST;
	enter_caller(at, saved[1], saved[0]);
	set_frame_pointer(at, fp);
	at->is_leaf = true;
	return UNWIND_CALLER;
}

/* systemstack: the saved stack pointer of the goroutine, or where that is not to be had, rbp. */
static __always_inline __u64 go_saved_stack(struct unwind *at, const struct abi_rule *rule)
{
	__u64 curg, sp = 0;

	if (go_current(at, rule, &curg) && curg && go_word(curg + (__s64)rule->bx_offset, &sp) &&
	    sp)
		return sp + (__s64)rule->cfa_offset;
	if (rule->cfa_register == ARCH_REGISTER_FP && register_value(at, ARCH_REGISTER_FP, &sp))
		return sp + 16;
	return 0;
}

/* asmcgocall: it keeps the goroutine, and how deep in its stack it was; or a place on this stack. */
static __always_inline __u64 go_call_of_c(const struct unwind *at, const struct abi_rule *rule)
{
	__u64 g, depth, high;

	if (!go_word(UNWIND_SP(at) + (__s64)rule->bx_offset, &g) ||
	    !go_word(UNWIND_SP(at) + (__s64)rule->cfa_addend, &depth))
		return 0;
	if (!g)
		return depth + (__s64)rule->cfa_offset;
	return go_word(g + GO_STACK_HIGH, &high) ? high - depth + (__s64)rule->cfa_offset : 0;
}

static __always_inline __u64 go_frame_address(struct unwind *at, const struct abi_rule *rule)
{
	__u64 base;

	switch (rule->bx_saved) {
	case ABI_GO_REGISTER:
	case ABI_GO_INTERRUPT:
		if (!register_value(at, rule->cfa_register, &base))
			return 0;
		return base + (__s64)rule->cfa_offset;
	case ABI_GO_SAVED:
		return go_saved_stack(at, rule);
	case ABI_GO_CALL:
		return go_call_of_c(at, rule);
	default:
		return 0;
	}
}

static __always_inline enum unwind_step unwind_go(struct unwind *at, const struct abi_rule *rule)
{
	__u64 cfa, pc = 0;

	if (rule->bx_saved == ABI_GO_RESUME)
		return go_resume(at, rule);
	cfa = go_frame_address(at, rule);
	if (!cfa || !go_may_enter(at, cfa))
		return UNWIND_LOST;
	if (!return_address(at, rule, cfa, &pc))
		return UNWIND_UNREADABLE;
	if (!pc)
		return UNWIND_ROOT;
	if (rule->fp_saved == ABI_SAVED_AT_CFA)
		restore(at, ARCH_REGISTER_FP, ABI_SAVED_AT_CFA, cfa + (__s64)rule->fp_offset);
	enter_caller(at, pc, cfa);
	at->is_leaf = rule->bx_saved == ABI_GO_INTERRUPT;
	return UNWIND_CALLER;
}
