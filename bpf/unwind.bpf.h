/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include "bpf/abi.h"
#include "bpf/arch_x86.bpf.h"

/*
 * unwind - from one user frame to its caller.
 *
 * No map and no kernel structure: what is asked of the world is read_user(), which the includer
 * defines, so that the same steps run natively on recorded stacks. The stepper chooses how to go on
 * for each frame; today it follows the frame pointer, and looks at the code of the leaf for the
 * few instructions in which that pointer is not the leaf's own.
 */

/* Copies from the sampled process; 0, or negative if the memory cannot be read. */
static long read_user(void *to, __u32 size, __u64 addr);

struct unwind {
	__u64 pc;
	__u64 sp;
	__u64 fp;
	__u64 is_leaf; /* pc is an instruction to execute, not a return address */
};

enum unwind_step {
	UNWIND_CALLER,     /* the state is now the caller's */
	UNWIND_END,        /* the chain says that there is none */
	UNWIND_LOST,       /* the next frame cannot be found from here */
	UNWIND_UNREADABLE, /* the stack is not readable */
};

/* A leaf caught before it has a frame, or after: its return address is still near the top. */
static __always_inline bool unwind_leaf_without_frame(struct unwind *at, struct unwind *ret)
{
	__u32 code = 0;
	__u64 words[2] = {};
	int slot;

	if (read_user(&code, ARCH_CODE_BYTES, at->pc))
		return false;
	slot = arch_return_slot(code);
	if (slot < 0 || read_user(words, sizeof(words), at->sp))
		return false;
	ret->pc = slot ? words[1] : words[0];
	ret->fp = slot ? words[0] : at->fp;
	ret->sp = at->sp + slot + 8;
	ret->is_leaf = false;
	return true;
}

/* The frame record that the frame pointer points to: the caller's frame pointer, the return address. */
static __always_inline enum unwind_step unwind_frame_pointer(struct unwind *at)
{
	__u64 record[2] = {};

	if (!at->fp)
		return UNWIND_END;
	/* The stack grows down: a caller's frame lies above, or the chain is not one. */
	if (at->fp < at->sp || at->fp & 7)
		return UNWIND_LOST;
	if (read_user(record, sizeof(record), at->fp))
		return UNWIND_UNREADABLE;
	if (!record[1])
		return UNWIND_END;
	at->sp = at->fp + sizeof(record);
	at->fp = record[0];
	at->pc = record[1];
	at->is_leaf = false;
	return UNWIND_CALLER;
}
