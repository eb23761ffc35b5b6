/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

/*
 * arch_x86 - what the sampler knows of x86-64: registers, and code that builds a frame.
 */

/* The kernel's struct pt_regs on x86-64, which is also how perf hands registers to a program. */
struct arch_registers {
	__u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	__u64 orig_ax, ip, cs, flags, sp, ss;
};

/* Registers by the numbers that DWARF gives them. */
#define ARCH_REGISTER_BX 3
#define ARCH_REGISTER_FP 6
#define ARCH_REGISTER_SP 7
#define ARCH_REGISTERS   16

/* Those that a called function gives back, and that are followed: what is known of them holds for the caller too. */
#define ARCH_REGISTERS_TRACKED \
	(1 << ARCH_REGISTER_BX | 1 << ARCH_REGISTER_FP | 1 << ARCH_REGISTER_SP)

/*
 * Those that a called function gives back, but that are not followed: of them nothing is known in the caller. Of the
 * rest compiled code never says that they lead to a frame across a call; assembler that does so knows that its
 * callee leaves them alone.
 */
#define ARCH_REGISTERS_NOT_FOLLOWED (1 << 12 | 1 << 13 | 1 << 14 | 1 << 15)

/*
 * The kernel's struct ucontext, to which the stack pointer points when a signal handler has returned:
 * after 40 bytes r8 to r15, then these by number, then rip.
 */
#define ARCH_UCONTEXT_REGISTERS 40
#define ARCH_UCONTEXT_ORDER     5, 4, 6, 3, 1, 0, 2, 7 /* rdi rsi rbp rbx rdx rax rcx rsp */
#define ARCH_UCONTEXT_SP        7                      /* rsp's place in it */
#define ARCH_UCONTEXT_WORDS     9                      /* of these, rip included */

#define ARCH_CODE_SEGMENT_32    0x23  /* __USER32_CS */
#define ARCH_CODE_BYTES         4     /* what arch_return_slot() looks at */
#define ARCH_KERNEL_STACK_BYTES 16384 /* THREAD_SIZE, where KASAN is off */

static __always_inline bool arch_in_user_mode(const struct arch_registers *regs)
{
	return (regs->cs & 3) == 3; /* the privilege level; FRED keeps more in the upper bits */
}

static __always_inline bool arch_is_compat(const struct arch_registers *regs)
{
	return (regs->cs & 0xffff) == ARCH_CODE_SEGMENT_32;
}

/* Whether user code that entered the kernel did so by a system call: anything else leaves -1 there. */
static __always_inline bool arch_is_system_call(const struct arch_registers *regs)
{
	return (__s64)regs->orig_ax != -1;
}

/* Whether that is execve or execveat. */
static __always_inline bool arch_is_exec(const struct arch_registers *regs)
{
	return regs->orig_ax == 59 || regs->orig_ax == 322;
}

/*
 * Whether code at @pc has just come back from a system call, which leaves the address behind it in rcx, with 0, as
 * a new thread does from clone. It takes a few instructions to find out that it is one.
 */
static __always_inline bool arch_may_be_new(__u64 pc, const __u64 *registers)
{
	return !registers[0] && pc - registers[2] < 8;
}

#define ARCH_CLONE         56
#define ARCH_CLONE3        435
#define ARCH_CLONE3_STACK  40 /* of the field in struct clone_args */
#define ARCH_SYSCALL_BYTES 2
#define ARCH_SYSCALL_CODE  0x050f /* the instruction, as a number */

/* Where the user's registers are on a task's kernel stack. Before 6.9, which made room for FRED. */
static __always_inline __u64 arch_saved_registers(__u64 stack)
{
	return stack + ARCH_KERNEL_STACK_BYTES - sizeof(struct arch_registers);
}

/*
 * Whether @code is what the C library has a signal handler return to: mov $15,%rax or %eax and
 * syscall. musl's has no unwind information at all.
 */
static __always_inline bool arch_is_signal_return(__u64 code)
{
	return code == 0x0f0000000fc0c748 || (code & 0xffffffffffffff) == 0x050f0000000fb8;
}

/*
 * Whether @code is what makecontext() has its function return to, with no call before it: mov %rbx,%rsp and
 * mov (%rsp),%rdi.
 */
static __always_inline bool arch_is_context_end(__u64 code)
{
	return (code & 0xffffffffffffff) == 0x243c8b48dc8948;
}

/*
 * Whether the eight bytes before an address, the first in the lowest byte, end in a call: e8, or ff with 2 in its ModRM
 * byte, in any length that a call through a register or memory has.
 */
static __always_inline bool arch_ends_in_call(__u64 code)
{
	bool is_call = (code >> 24 & 0xff) == 0xe8;

	is_call |= (code >> 48 & 0x38ff) == 0x10ff; /* ff d0 */
	is_call |= (code >> 40 & 0x38ff) == 0x10ff; /* ff 50 08 */
	is_call |= (code >> 32 & 0x38ff) == 0x10ff; /* ff 54 24 08 */
	is_call |= (code >> 16 & 0x38ff) == 0x10ff; /* ff 15 and four bytes */
	is_call |= (code >> 8 & 0x38ff) == 0x10ff;  /* ff 94 24 and four bytes */
	return is_call;
}

/*
 * Where the return address is while a function that uses a frame pointer has no frame yet, or no
 * longer: bytes above the stack pointer, or -1 if the frame pointer can be trusted.
 * @code: the four bytes at the program counter
 *
 * push %rbp and endbr64 stand before the frame, mov %rsp,%rbp after the push, ret after it is gone,
 * and so does a jump through memory: a tail call, or a PLT entry, of which static programs say nothing.
 */
static __always_inline int arch_return_slot(__u32 code)
{
	if ((code & 0xffff) == ARCH_SYSCALL_CODE)
		code >>=
			8 * ARCH_SYSCALL_BYTES; /* it changes no stack: what comes after it tells */
	if ((code & 0xff) == 0x55 || code == 0xfa1e0ff3)
		return 0;
	if ((code & 0xff) == 0xc3 || (code & 0xff) == 0xc2 || (code & 0xffff) == 0xc3f3)
		return 0;
	if ((code & 0xffff) == 0x25ff || (code & 0xffffff) == 0x25fff2)
		return 0;
	if ((code & 0xffffff) == 0xe58948 || (code & 0xffffff) == 0xec8b48)
		return 8;
	return -1;
}

#define ARCH_CALL_BYTES 7 /* the longest call, without a prefix */

/* Whether these bytes end with a call: a direct one, or one of the forms of an indirect one (ff /2). */
static __always_inline bool arch_ends_with_call(const __u8 *code)
{
	return code[2] == 0xe8 || (code[5] == 0xff && (code[6] & 0xf8) == 0xd0) || /* register */
	       (code[5] == 0xff && (code[6] & 0xf8) == 0x10) || /* memory at a register */
	       (code[4] == 0xff &&
		(code[5] & 0x38) == 0x10) || /* with an index or a short offset */
	       (code[3] == 0xff && (code[4] & 0x38) == 0x10) || /* with both */
	       (code[1] == 0xff && (code[2] & 0x38) == 0x10) || /* with a long offset */
	       (code[0] == 0xff && (code[1] & 0x38) == 0x10);   /* with both */
}
