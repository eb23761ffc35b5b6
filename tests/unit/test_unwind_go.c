// SPDX-License-Identifier: Apache-2.0
/* The steps of Go's runtime on made-up memory: the same source that runs in the kernel. */
#include <linux/types.h>
#include <stdbool.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#include "bpf/unwind.bpf.h"
#include "tests/harness/test.h"

/* A goroutine's stack, a thread's stack, and the runtime's structures; all else is unreadable. */
enum {
	GOROUTINE = 0x400000,
	THREAD = 0x8000,
	RUNTIME = 0x10000,
	WORDS = 64,
	G = RUNTIME, /* that of the thread's stack */
	M = RUNTIME + 0x80,
	CURG = RUNTIME + 0x100,
	THREAD_POINTER = RUNTIME + 0x1f0,
};

static __u64 memory[3][WORDS];
static const __u64 places[3] = { GOROUTINE, THREAD, RUNTIME };

static long read_user(void *to, __u32 size, __u64 addr)
{
	for (int i = 0; i < 3; i++) {
		if (addr < places[i] || addr + size > places[i] + sizeof(memory[i]))
			continue;
		memcpy(to, (char *)memory[i] + (addr - places[i]), size);
		return 0;
	}
	return -14;
}

static void put(__u64 addr, __u64 value)
{
	for (int i = 0; i < 3; i++) {
		if (addr >= places[i] && addr < places[i] + sizeof(memory[i]))
			memory[i][(addr - places[i]) / 8] = value;
	}
}

/* A caller on the thread's stack, whose goroutine is left at the 16th word of its own. */
static struct unwind caller(void)
{
	struct unwind at = {
		.pc = 0x1000,
		.known = ARCH_REGISTERS_TRACKED,
		.thread_pointer = THREAD_POINTER,
	};

	memset(memory, 0, sizeof(memory));
	put(THREAD_POINTER - 8, G);
	put(G + 0x30, M);
	put(M + 0x18, CURG);
	put(CURG + 0, GOROUTINE);
	put(CURG + 8, GOROUTINE + sizeof(memory[0]));
	put(CURG + 0x38, GOROUTINE + 0x80);
	put(CURG + 0x40, 0x5555);
	put(CURG + 0x60, GOROUTINE + 0xf0);
	UNWIND_SP(&at) = THREAD;
	UNWIND_FP(&at) = THREAD + 0x40;
	return at;
}

static struct abi_rule rule_of(enum abi_rule_go step)
{
	return (struct abi_rule){
		.cfa = ABI_CFA_GO,
		.bx_saved = step,
		.ra_saved = ABI_SAVED_AT_CFA,
		.ra_offset = -8,
		.fp_saved = ABI_SAVED_AT_CFA,
		.fp_offset = -16,
		.cfa_offset = 16,
		.cfa_addend = -8,
		.cfa_index = 0x30 / 8,
		.cfa_scale = 0x18 / 8,
		.bx_offset = 0x38,
	};
}

static __u64 fp_of(struct unwind *at)
{
	__u64 fp = 0;

	return register_value(at, ARCH_REGISTER_FP, &fp) ? fp : 0;
}

TEST(a_borrowed_stack_leads_back_to_the_goroutine)
{
	struct unwind at = caller();
	struct abi_rule rule = rule_of(ABI_GO_SAVED);

	put(GOROUTINE + 0x80, 0x7777);
	put(GOROUTINE + 0x88, 0x4444);
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x4444);
	CHECK_EQ(UNWIND_SP(&at), GOROUTINE + 0x90);
	CHECK_EQ(fp_of(&at), 0x7777);
	CHECK(!at.is_leaf);
}

TEST(without_the_goroutine_rbp_leads_back_where_it_may)
{
	struct unwind at = caller();
	struct abi_rule rule = rule_of(ABI_GO_SAVED);

	put(THREAD + 0x40, 0x7777);
	put(THREAD + 0x48, 0x4444);
	at.thread_pointer = 0;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_LOST);
	rule.cfa_register = ARCH_REGISTER_FP;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x4444);
	CHECK_EQ(UNWIND_SP(&at), THREAD + 0x50);
}

TEST(a_stack_that_grows_belongs_to_the_function_that_has_not_begun)
{
	struct unwind at = caller();
	struct abi_rule rule = rule_of(ABI_GO_RESUME);

	rule.fp_offset = 0x60;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x5555);
	CHECK_EQ(UNWIND_SP(&at), GOROUTINE + 0x80);
	CHECK_EQ(fp_of(&at), GOROUTINE + 0xf0);
	CHECK(at.is_leaf);
}

TEST(a_thread_without_a_goroutine_ends_there)
{
	struct unwind at = caller();
	struct abi_rule rule = rule_of(ABI_GO_RESUME);

	put(M + 0x18, 0);
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_ROOT);
	at.thread_pointer = 0;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_LOST);
}

TEST(a_call_of_c_leads_back_by_the_depth_of_the_goroutine)
{
	struct unwind at = caller();
	struct abi_rule rule = rule_of(ABI_GO_CALL);

	rule.bx_offset = 0x30;
	rule.cfa_addend = 0x28;
	put(THREAD + 0x30, CURG);
	put(THREAD + 0x28, sizeof(memory[0]) - 0x80);
	put(GOROUTINE + 0x88, 0x4444);
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x4444);
	CHECK_EQ(UNWIND_SP(&at), GOROUTINE + 0x90);
}

TEST(a_call_of_c_on_the_same_stack_has_kept_the_stack_pointer)
{
	struct unwind at = caller();
	struct abi_rule rule = rule_of(ABI_GO_CALL);

	rule.bx_offset = 8;
	rule.cfa_addend = 0;
	put(THREAD + 8, 0);
	put(THREAD, THREAD + 0x60);
	put(THREAD + 0x68, 0x4444);
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x4444);
	CHECK_EQ(UNWIND_SP(&at), THREAD + 0x70);
}

TEST(the_caller_of_an_interrupt_is_a_leaf_again)
{
	struct unwind at = caller();
	struct abi_rule rule = rule_of(ABI_GO_INTERRUPT);

	rule.cfa_register = ARCH_REGISTER_SP;
	put(THREAD + 8, 0x4444);
	put(THREAD, 0x7777);
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x4444);
	CHECK(at.is_leaf);
}

TEST(a_register_may_lead_down_to_another_stack)
{
	struct unwind at = caller();
	struct abi_rule rule = rule_of(ABI_GO_REGISTER);

	UNWIND_SP(&at) = GOROUTINE;
	rule.cfa_register = ARCH_REGISTER_FP;
	put(THREAD + 0x48, 0x4444);
	CHECK(THREAD < GOROUTINE);
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(UNWIND_SP(&at), THREAD + 0x50);
}

TEST(stacks_that_lead_to_each_other_come_to_an_end)
{
	struct unwind at = caller();
	struct abi_rule rule = rule_of(ABI_GO_REGISTER);
	int steps = 0;

	rule.cfa_register = ARCH_REGISTER_FP;
	put(THREAD + 0x40, THREAD + 0x40); /* its own caller */
	put(THREAD + 0x48, 0x4444);
	while (steps < 100000 && unwind_by_rule(&at, &rule) == UNWIND_CALLER)
		steps++;
	CHECK_EQ(steps, 1 + UNWIND_MAX_SWITCHES); /* the first goes up */
}

TEST(unreadable_memory_and_unknown_steps_lose_the_stack)
{
	struct unwind at = caller();
	struct abi_rule rule = rule_of(ABI_GO_SAVED);

	put(CURG + 0x38, 0x123456);
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_UNREADABLE);
	rule.bx_saved = 77;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_LOST);
	rule = rule_of(ABI_GO_RESUME);
	put(M + 0x18, 0x123456);
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_UNREADABLE);
}
