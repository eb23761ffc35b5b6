// SPDX-License-Identifier: Apache-2.0
/* The steps of the unwinder on made-up memory: the same source that runs in the kernel. */
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

static struct unwind leaf_at(const void *bytes, size_t size)
{
	memset(code, 0x90, sizeof(code));
	memset(stack, 0, sizeof(stack));
	memcpy(code, bytes, size);
	return (struct unwind){ .pc = CODE, .sp = STACK, .fp = STACK + 0x40, .is_leaf = true };
}

TEST(a_frame_record_leads_to_the_caller)
{
	struct unwind at = leaf_at("\x90", 1);

	stack[8] = STACK + 0x80;
	stack[9] = 0x4444;
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x4444);
	CHECK_EQ(at.sp, STACK + 0x50);
	CHECK_EQ(at.fp, STACK + 0x80);
	CHECK(!at.is_leaf);
}

TEST(a_zero_frame_pointer_or_return_address_ends_the_chain)
{
	struct unwind at = leaf_at("\x90", 1);

	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_END);
	at.fp = 0;
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_END);
}

TEST(a_frame_pointer_that_cannot_be_one_loses_the_chain)
{
	struct unwind at = leaf_at("\x90", 1);

	at.fp = STACK - 8; /* below the stack pointer: would go in circles */
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_LOST);
	at.fp = STACK + 0x41;
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_LOST);
	at.fp = 0x10000;
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_UNREADABLE);
}

TEST(every_step_goes_up_the_stack_so_none_is_endless)
{
	struct unwind at = leaf_at("\x90", 1);
	int steps = 0;

	stack[8] = STACK + 0x40; /* points at itself */
	stack[9] = 0x4444;
	while (unwind_frame_pointer(&at) == UNWIND_CALLER)
		steps++;
	CHECK_EQ(steps, 1);
}

TEST(before_the_push_and_at_the_return_the_return_address_is_on_top)
{
	static const char *const instructions[] = { "\x55\x48\x89\xe5", "\xf3\x0f\x1e\xfa", "\xc3",
						    "\xf3\xc3", "\xc2\x08" };
	static const size_t sizes[] = { 4, 4, 1, 2, 2 };

	for (size_t i = 0; i < 5; i++) {
		struct unwind at = leaf_at(instructions[i], sizes[i]);
		struct unwind caller;

		stack[0] = 0x7777;
		CHECK(unwind_leaf_without_frame(&at, &caller));
		CHECK_EQ(caller.pc, 0x7777);
		CHECK_EQ(caller.sp, STACK + 8);
		CHECK_EQ(caller.fp, STACK + 0x40);
		CHECK(!caller.is_leaf);
	}
}

TEST(after_the_push_the_callers_frame_pointer_is_on_top_of_it)
{
	static const char *const instructions[] = { "\x48\x89\xe5", "\x48\x8b\xec" };

	for (size_t i = 0; i < 2; i++) {
		struct unwind at = leaf_at(instructions[i], 3);
		struct unwind caller;

		stack[0] = STACK + 0x60;
		stack[1] = 0x7777;
		CHECK(unwind_leaf_without_frame(&at, &caller));
		CHECK_EQ(caller.pc, 0x7777);
		CHECK_EQ(caller.sp, STACK + 16);
		CHECK_EQ(caller.fp, STACK + 0x60);
	}
}

TEST(other_code_leaves_it_to_the_frame_pointer)
{
	struct unwind at = leaf_at("\x48\x01\xd8", 3); /* add %rbx,%rax */
	struct unwind caller;

	CHECK(!unwind_leaf_without_frame(&at, &caller));
	at.pc = 0x500000; /* code that cannot be read */
	CHECK(!unwind_leaf_without_frame(&at, &caller));
}
