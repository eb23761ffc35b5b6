/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/arch_x86.bpf.h"
#include "bpf/kernel.h"
#include "bpf/tick.bpf.h"
#include "bpf/walk.bpf.h"

/*
 * user_stack - where the user's part of a stack begins, and all of it.
 */

const volatile __u32 max_user_frames = 512; /* set before load, at most ABI_MAX_USER_FRAMES */

/* What perf hands to the program (struct bpf_perf_event_data, with our name for the registers). */
struct perf_tick {
	struct arch_registers regs;
	__u64 sample_period;
	__u64 addr;
};

/* The registers by their numbers. A macro, since context and memory are read by different means. */
#define NUMBER_REGISTERS(to, regs)                              \
	do {                                                    \
		(to)[0] = (regs)->ax, (to)[1] = (regs)->dx;     \
		(to)[2] = (regs)->cx, (to)[3] = (regs)->bx;     \
		(to)[4] = (regs)->si, (to)[5] = (regs)->di;     \
		(to)[6] = (regs)->bp, (to)[7] = (regs)->sp;     \
		(to)[8] = (regs)->r8, (to)[9] = (regs)->r9;     \
		(to)[10] = (regs)->r10, (to)[11] = (regs)->r11; \
		(to)[12] = (regs)->r12, (to)[13] = (regs)->r13; \
		(to)[14] = (regs)->r14, (to)[15] = (regs)->r15; \
	} while (0)

/* Where the current task's user registers were saved when it entered the kernel. */
static __always_inline __u64 saved_registers(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return bpf_task_pt_regs(bpf_get_current_task_btf());
	return arch_saved_registers((__u64)BPF_CORE_READ(task, stack));
}

/* User registers of a tick that hit kernel code. */
static __always_inline bool read_saved_registers(struct tick *tick)
{
	__u64 saved = saved_registers();

	return !bpf_probe_read_kernel(&tick->saved, sizeof(tick->saved), (void *)saved) &&
	       arch_in_user_mode(&tick->saved);
}

/* How much of a user stack there is. */
enum user_stack {
	USER_STACK_NONE,
	USER_STACK_ALL,
	USER_STACK_COMPAT, /* 32-bit code: its leaf alone */
	USER_STACK_NEW,    /* of a thread that has not run yet: there are no callers */
};

static __always_inline void walk_user_stack(struct tick *tick, enum user_stack kind)
{
	bool may_be_new = arch_may_be_new(tick->unwind.pc, tick->unwind.registers);

	tick->unwind.is_leaf = true;
	tick->unwind.known = (1 << ARCH_REGISTERS) - 1;
	tick->unwind.is_saved = 0;
	tick->unwind.switches = 0;
	tick->unwind.thread_pointer = 0;
	forget_codes(tick);
	tick->sample.stack.verdict = ABI_VERDICT_DEPTH_LIMIT;
	/* Not bpf_loop(), which came with 5.17. A turn is a few instructions to the verifier. */
	for (__u32 i = 0; i < max_user_frames && !(kind != USER_STACK_ALL && i); i++) {
		if (!walk_one_frame())
			break;
	}
	if (kind == USER_STACK_COMPAT)
		tick->sample.stack.verdict = ABI_VERDICT_COMPAT;
	/* Anything else that is behind a system call has a caller. */
	if (kind == USER_STACK_NEW || (may_be_new && tick->sample.stack.user_frames == 1))
		tick->sample.stack.verdict = ABI_VERDICT_WHOLE;
}

/*
 * In the middle of exec: what the registers say is of the program that was, whose memory is gone. The new one
 * has not begun, so that all there is is the kernel's stack.
 */
static __always_inline bool program_is_gone(struct tick *tick)
{
	struct mm_struct *mm = tick->mm;

	if (!reads_mappings || !arch_is_exec(&tick->saved))
		return false;
	forget_codes(tick);
	return !BPF_CORE_READ(mm, start_code) || !find_code(tick->saved.ip);
}

/* A thread on its way out of clone() or clone3(), with a stack of its own: there is no return address on it. */
static __always_inline bool thread_is_new(const struct arch_registers *regs)
{
	__u64 stack = 0;

	if (regs->ax)
		return false;
	if (regs->orig_ax == ARCH_CLONE)
		return regs->si;
	return regs->orig_ax == ARCH_CLONE3 &&
	       !read_user(&stack, sizeof(stack), regs->di + ARCH_CLONE3_STACK) && stack;
}

/*
 * The instruction that entered the kernel. The saved program counter stands behind that of a system call, which
 * may be the last one of its function.
 */
static __always_inline __u64 entering_instruction(const struct arch_registers *regs)
{
	__u64 before = regs->ip - ARCH_SYSCALL_BYTES;
	__u16 code = 0;

	if (!arch_is_system_call(regs) || read_user(&code, sizeof(code), before))
		return regs->ip;
	return code == ARCH_SYSCALL_CODE ? before : regs->ip;
}

/*
 * User registers of a tick that hit kernel code into tick->unwind; returns enum user_stack. A function of its
 * own like find_code(), so that no pointer is one to the context here and one to the map there.
 */
__noinline int enter_from_kernel(void)
{
	struct tick *tick = this_tick();

	if (!tick || !read_saved_registers(tick) || program_is_gone(tick))
		return USER_STACK_NONE;
	tick->unwind.pc = entering_instruction(&tick->saved);
	NUMBER_REGISTERS(tick->unwind.registers, &tick->saved);
	if (arch_is_compat(&tick->saved))
		return USER_STACK_COMPAT;
	return thread_is_new(&tick->saved) ? USER_STACK_NEW : USER_STACK_ALL;
}

static __always_inline void add_user_stack(struct tick *tick, struct perf_tick *context)
{
	enum user_stack kind;

	if (!tick->mm)
		return; /* a kernel thread, or a process that is almost gone */
	if (arch_in_user_mode(&context->regs)) {
		tick->unwind.pc = context->regs.ip;
		NUMBER_REGISTERS(tick->unwind.registers, &context->regs);
		kind = arch_is_compat(&context->regs) ? USER_STACK_COMPAT : USER_STACK_ALL;
	} else {
		kind = enter_from_kernel();
	}
	if (kind != USER_STACK_NONE)
		walk_user_stack(tick, kind);
}
