/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/arch_x86.bpf.h"

/*
 * unwind - from one user frame to its caller.
 *
 * No map and no kernel structure: what is asked of the world is read_user(), which the includer
 * defines, so that the same steps run natively on recorded stacks. There are two ways to go on: by
 * a rule of the file's unwind table, or, where there is none, by the frame pointer with a look at the
 * code of a leaf for the few instructions in which that pointer is not the leaf's own.
 *
 * Every walk ends, whatever is in registers, memory and rules. A step raises the stack pointer, with two
 * exceptions: the first of a leaf may leave it as it is, after which there is a caller and no leaf; and a
 * step to another stack may lower it, which UNWIND_MAX_SWITCHES bounds in a walk. So the triple (switches
 * left, stack pointer from the top of memory, is_leaf) goes down at each step, and the limit of frames
 * is only for real stacks that are that deep.
 */

/* Copies from the sampled process; 0, or negative if the memory cannot be read. */
static long read_user(void *to, __u32 size, __u64 addr);

struct unwind {
	__u64 pc;
	__u64 registers[ARCH_REGISTERS]; /* by DWARF number; or where it was saved: see is_saved */
	__u32 is_saved;                  /* a bit for each register that is still in memory */
	__u32 known;                     /* a bit for each register whose value is known */
	__u32 is_leaf;                   /* pc is an instruction to execute, not a return address */
	__u32 switches;                  /* of stacks, on the way here */
	__u64 thread_pointer; /* of the thread, that its variables are found by; 0: not known */
};

enum unwind_step {
	UNWIND_CALLER,     /* the state is now the caller's */
	UNWIND_ROOT,       /* a rule says that there is none */
	UNWIND_END,        /* the chain of frame pointers ends */
	UNWIND_LOST,       /* the next frame cannot be found from here */
	UNWIND_UNREADABLE, /* the stack is not readable */
};

#define UNWIND_MAX_SWITCHES 64 /* to a stack further down, in one walk */

#define UNWIND_SP(at) ((at)->registers[ARCH_REGISTER_SP])
#define UNWIND_FP(at) ((at)->registers[ARCH_REGISTER_FP])

/* What all ways have in common: of the registers, the caller gets back those that are tracked. */
static __always_inline void enter_caller(struct unwind *at, __u64 pc, __u64 sp)
{
	at->pc = pc;
	UNWIND_SP(at) = sp;
	at->known &= ARCH_REGISTERS_TRACKED;
	at->is_leaf = false;
}

/*
 * The value of register @number; false if it is not known. Where a callee saved the frame pointer
 * or rbx is noted at each frame, but read only when somebody asks: most frames need neither.
 */
static __always_inline bool register_value(struct unwind *at, __u32 number, __u64 *ret)
{
	number &= ARCH_REGISTERS - 1;
	if (at->is_saved >> number & 1) {
		at->is_saved &= ~(1U << number);
		if (read_user(&at->registers[number], 8, at->registers[number]))
			at->known &= ~(1U << number);
	}
	*ret = at->registers[number];
	return at->known >> number & 1;
}

static __always_inline void set_frame_pointer(struct unwind *at, __u64 fp)
{
	UNWIND_FP(at) = fp;
	at->is_saved &= ~(1U << ARCH_REGISTER_FP);
	at->known |= 1 << ARCH_REGISTER_FP;
}

/* ---- without a rule ---------------------------------------------------------------------------- */

/* Where a caller may be; there must be code at its pc before it is believed. */
struct unwind_offer {
	__u64 pc;
	__u64 sp;
	__u64 fp;
};

/* A leaf caught before it has a frame, or after: its return address is still near the top. */
static __always_inline bool unwind_leaf_without_frame(const struct unwind *at,
						      struct unwind_offer *ret)
{
	__u32 code = 0;
	__u64 words[2] = {};
	int slot;

	if (read_user(&code, ARCH_CODE_BYTES, at->pc))
		return false;
	slot = arch_return_slot(code);
	if (slot < 0 || read_user(words, sizeof(words), UNWIND_SP(at)))
		return false;
	ret->pc = slot ? words[1] : words[0];
	ret->fp = slot ? words[0] : UNWIND_FP(at);
	ret->sp = UNWIND_SP(at) + slot + 8;
	return true;
}

static __always_inline void unwind_accept(struct unwind *at, const struct unwind_offer *offer)
{
	enter_caller(at, offer->pc, offer->sp);
	set_frame_pointer(at, offer->fp);
}

/* The frame record that the frame pointer points to: the caller's frame pointer, the return address. */
static __always_inline enum unwind_step unwind_frame_pointer(struct unwind *at)
{
	__u64 record[2] = {};
	__u64 fp;

	if (!register_value(at, ARCH_REGISTER_FP, &fp))
		return UNWIND_LOST;
	if (!fp)
		return UNWIND_END;
	/* The stack grows down: a caller's frame lies above, or the chain is not one. */
	if (fp < UNWIND_SP(at) || fp & 7)
		return UNWIND_LOST;
	if (read_user(record, sizeof(record), fp))
		return UNWIND_UNREADABLE;
	if (!record[1])
		return UNWIND_END;
	enter_caller(at, record[1], fp + sizeof(record));
	set_frame_pointer(at, record[0]);
	return UNWIND_CALLER;
}

/* Whether the frame is where a signal handler returns to, told by its code. */
static __always_inline bool unwind_is_signal_return(const struct unwind *at)
{
	__u64 code = 0;

	return !read_user(&code, sizeof(code), at->pc) && arch_is_signal_return(code);
}

/* ---- by a rule --------------------------------------------------------------------------------- */

/* Everything as it was when the signal came: the interrupted instruction is a leaf again. */
static __always_inline enum unwind_step unwind_signal(struct unwind *at)
{
	static const __u8 order[] = { ARCH_UCONTEXT_ORDER };
	__u64 words[ARCH_UCONTEXT_WORDS];
	__u64 place = UNWIND_SP(at) + ARCH_UCONTEXT_REGISTERS;

	/* In two parts, for there is little stack: those that come in the order of their numbers. */
	if (read_user(&at->registers[8], 8 * sizeof(__u64), place) ||
	    read_user(words, sizeof(words), place + 8 * sizeof(__u64)))
		return UNWIND_UNREADABLE;
	/* What was interrupted is often on another stack, and that may be anywhere. */
	if (words[ARCH_UCONTEXT_SP] <= UNWIND_SP(at) && at->switches++ >= UNWIND_MAX_SWITCHES)
		return UNWIND_LOST;
	for (int i = 0; i < ARCH_UCONTEXT_WORDS - 1; i++)
		at->registers[order[i]] = words[i];
	at->pc = words[ARCH_UCONTEXT_WORDS - 1];
	at->known = (1 << ARCH_REGISTERS) - 1;
	at->is_saved = 0;
	at->is_leaf = true;
	return UNWIND_CALLER;
}

/* The stack pointer before the call; 0 if it cannot be found. */
static __always_inline __u64 frame_address(struct unwind *at, const struct abi_rule *rule)
{
	__u64 base, index, word = 0;

	if (rule->cfa == ABI_CFA_PLT)
		return UNWIND_SP(at) + 8 + ((at->pc & 15) >= (__u64)rule->cfa_offset ? 8 : 0);
	if (!register_value(at, rule->cfa_register, &base))
		return 0;
	base += (__s64)rule->cfa_offset;
	if (rule->cfa == ABI_CFA_REGISTER)
		return base;
	if (rule->cfa == ABI_CFA_INDEXED) {
		if (!register_value(at, rule->cfa_index, &index))
			return 0;
		base += index * rule->cfa_scale;
	}
	return read_user(&word, sizeof(word), base) ? 0 : word + (__s64)rule->cfa_addend;
}

/* Takes note of where the caller's register @number is: what restores it, when it is asked for. */
static __always_inline void restore(struct unwind *at, __u32 number, __u32 saved, __u64 place)
{
	__u32 bit = 1U << number;

	if (saved == ABI_SAVED_SAME)
		return;
	at->is_saved &= ~bit;
	at->known &= ~bit;
	if (saved == ABI_SAVED_REGISTER) {
		if (register_value(at, place, &at->registers[number]))
			at->known |= bit;
	} else if (saved == ABI_SAVED_AT_CFA || saved == ABI_SAVED_AT_REGISTER) {
		at->registers[number] = place;
		at->is_saved |= bit;
		at->known |= bit;
	}
}

/* Where something was saved: an address, or the number of a register; 0 if that is not known. */
static __always_inline __u64 saved_place(struct unwind *at, const struct abi_rule *rule,
					 __u32 saved, __s32 offset, __u64 cfa)
{
	__u64 base = cfa;

	if (saved == ABI_SAVED_AT_REGISTER && !register_value(at, rule->saved_base, &base))
		return 0;
	return saved == ABI_SAVED_REGISTER ? (__u64)offset : base + (__s64)offset;
}

/* The return address; false if the rule leads nowhere. */
static __always_inline bool return_address(struct unwind *at, const struct abi_rule *rule,
					   __u64 cfa, __u64 *ret)
{
	__u64 place = saved_place(at, rule, rule->ra_saved, rule->ra_offset, cfa);

	if (rule->ra_saved == ABI_SAVED_REGISTER)
		return register_value(at, place, ret);
	return !read_user(ret, sizeof(*ret), place);
}

/* Callers lie above. Only a leaf can have its return address in a register, and no frame. */
static __always_inline bool is_above(const struct unwind *at, __u64 cfa)
{
	return cfa > UNWIND_SP(at) || (cfa == UNWIND_SP(at) && at->is_leaf);
}

/*
 * Or further down, if the function went to another stack, and keeps in a register or in memory where its own
 * was: so do those that make room for deep recursion (split stacks, Rust's stacker).
 * @by_sp: the cfa was counted from the stack pointer
 */
static __always_inline bool is_other_stack(struct unwind *at, bool by_sp, __u64 cfa)
{
	if (!cfa || cfa & 7 || by_sp)
		return false;
	return at->switches++ < UNWIND_MAX_SWITCHES;
}

/* Whether something may return to @pc: there is a call before it, or it is where a handler or a context ends. */
static __always_inline bool unwind_may_be_caller(__u64 pc)
{
	__u64 code = 0;

	if (!read_user(&code, sizeof(code), pc - sizeof(code)) && arch_ends_in_call(code))
		return true;
	return !read_user(&code, sizeof(code), pc) &&
	       (arch_is_signal_return(code) || arch_is_context_end(code));
}

#include "bpf/go.bpf.h"

/* The caller of a frame whose rule says what it changed: registers that it does not follow are lost. */
static __always_inline void enter_described_caller(struct unwind *at, __u64 pc, __u64 cfa)
{
	__u32 known = at->known & ~ARCH_REGISTERS_NOT_FOLLOWED;

	enter_caller(at, pc, cfa);
	at->known = known;
}

static __always_inline enum unwind_step unwind_by_rule(struct unwind *at,
						       const struct abi_rule *rule)
{
	__u64 cfa, fp_place, bx_place, pc = 0;
	bool by_sp;

	if (rule->cfa == ABI_CFA_END)
		return UNWIND_ROOT;
	if (rule->cfa == ABI_CFA_SIGNAL)
		return unwind_signal(at);
	if (rule->cfa == ABI_CFA_GO)
		return unwind_go(at, rule);
	cfa = frame_address(at, rule);
	by_sp = rule->cfa == ABI_CFA_PLT || rule->cfa_register == ARCH_REGISTER_SP;
	if (!is_above(at, cfa) && !is_other_stack(at, by_sp, cfa))
		return UNWIND_LOST;
	if (!return_address(at, rule, cfa, &pc))
		return UNWIND_UNREADABLE;
	if (rule->is_guess && !unwind_may_be_caller(pc))
		return UNWIND_LOST;
	if (!pc)
		return UNWIND_ROOT;
	fp_place = saved_place(at, rule, rule->fp_saved, rule->fp_offset, cfa);
	bx_place = saved_place(at, rule, rule->bx_saved, rule->bx_offset, cfa);
	restore(at, ARCH_REGISTER_FP, rule->fp_saved, fp_place);
	restore(at, ARCH_REGISTER_BX, rule->bx_saved, bx_place);
	enter_described_caller(at, pc, cfa);
	return UNWIND_CALLER;
}

/* By a rule that stands in its row: ABI_COMPACT_RULE. The way that nearly all frames go. */
static __always_inline enum unwind_step unwind_by_compact_rule(struct unwind *at, __u32 rule)
{
	__u32 fp_words = rule >> ABI_COMPACT_FP_SHIFT & ABI_COMPACT_SAVED_MASK;
	__u32 bx_words = rule >> ABI_COMPACT_BX_SHIFT & ABI_COMPACT_SAVED_MASK;
	bool by_sp = !(rule & ABI_COMPACT_BY_FP);
	__u64 cfa = UNWIND_SP(at), pc = 0;

	if (!by_sp && !register_value(at, ARCH_REGISTER_FP, &cfa))
		return UNWIND_LOST;
	cfa += (rule & ABI_COMPACT_CFA_MASK) * 8;
	if (!is_above(at, cfa) && !is_other_stack(at, by_sp, cfa))
		return UNWIND_LOST;
	if (read_user(&pc, sizeof(pc), cfa - 8))
		return UNWIND_UNREADABLE;
	if (!pc)
		return UNWIND_ROOT;
	if (fp_words)
		restore(at, ARCH_REGISTER_FP, ABI_SAVED_AT_CFA, cfa - 8 - fp_words * 8);
	if (bx_words)
		restore(at, ARCH_REGISTER_BX, ABI_SAVED_AT_CFA, cfa - 8 - bx_words * 8);
	enter_described_caller(at, pc, cfa);
	return UNWIND_CALLER;
}
