/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * unwind_fixture - memory for the steps of the unwinder, which are compiled into each file that tests them.
 */
#include <linux/types.h>
#include <stdbool.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#include "bpf/unwind.bpf.h"
#include "tests/harness/test.h"

/* A page of code at 0x1000 and a stack from 0x8000 on; everything else is unreadable. */
static unsigned char code[64];
static __u64 stack[32];
enum {
	CODE = 0x1000,
	STACK = 0x8000
};

static long read_user(void *to, __u32 size, __u64 addr)
{
	if (addr >= CODE && addr + size <= CODE + sizeof(code))
		memcpy(to, code + (addr - CODE), size);
	else if (addr >= STACK && addr + size <= STACK + sizeof(stack))
		memcpy(to, (char *)stack + (addr - STACK), size);
	else
		return -14;
	return 0;
}

/* All registers known, the stack pointer at the stack's begin, the frame pointer at its 8th word. */
static inline struct unwind leaf_at(const void *bytes, size_t size)
{
	struct unwind at = {
		.pc = CODE,
		.known = (1 << ARCH_REGISTERS) - 1,
		.is_leaf = true,
	};

	memset(code, 0x90, sizeof(code));
	memset(stack, 0, sizeof(stack));
	memcpy(code, bytes, size);
	for (__u64 i = 0; i < ARCH_REGISTERS; i++)
		at.registers[i] = 0x100 + i;
	UNWIND_SP(&at) = STACK;
	UNWIND_FP(&at) = STACK + 0x40;
	return at;
}

static inline struct unwind caller_at(void)
{
	struct unwind at = leaf_at("\x90", 1);

	at.is_leaf = false;
	at.known = ARCH_REGISTERS_TRACKED;
	return at;
}
