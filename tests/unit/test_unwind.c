// SPDX-License-Identifier: Apache-2.0
/* The steps of the unwinder on made-up memory: the same source that runs in the kernel. */
#include "tests/unit/unwind_fixture.h"

TEST(a_frame_record_leads_to_the_caller)
{
	struct unwind at = leaf_at("\x90", 1);

	stack[8] = STACK + 0x80;
	stack[9] = 0x4444;
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x4444);
	CHECK_EQ(UNWIND_SP(&at), STACK + 0x50);
	CHECK_EQ(UNWIND_FP(&at), STACK + 0x80);
	CHECK(!at.is_leaf);
	CHECK_EQ(at.known, ARCH_REGISTERS_TRACKED);
}

TEST(a_zero_frame_pointer_or_return_address_ends_the_chain)
{
	struct unwind at = leaf_at("\x90", 1);

	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_END);
	UNWIND_FP(&at) = 0;
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_END);
}

TEST(a_frame_pointer_that_cannot_be_one_loses_the_chain)
{
	struct unwind at = leaf_at("\x90", 1);

	UNWIND_FP(&at) = STACK - 8; /* below the stack pointer: would go in circles */
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_LOST);
	UNWIND_FP(&at) = STACK + 0x41;
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_LOST);
	UNWIND_FP(&at) = 0x10000;
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_UNREADABLE);
	at.known = 0;
	CHECK_EQ(unwind_frame_pointer(&at), UNWIND_LOST);
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

/* Before the push, at the return, and at a jump through memory: a tail call, or a PLT entry. */
TEST(without_a_frame_the_return_address_is_on_top)
{
	static const char *const instructions[] = {
		"\x55\x48\x89\xe5", "\xf3\x0f\x1e\xfa", "\xc3", "\xf3\xc3", "\xc2\x08",
		"\xff\x25\xe2\x4f", "\xf2\xff\x25\xe2"
	};
	static const size_t sizes[] = { 4, 4, 1, 2, 2, 4, 4 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct unwind at = leaf_at(instructions[i], sizes[i]);
		struct unwind_offer offer;

		stack[0] = 0x7777;
		CHECK(unwind_leaf_without_frame(&at, &offer));
		unwind_accept(&at, &offer);
		CHECK_EQ(at.pc, 0x7777);
		CHECK_EQ(UNWIND_SP(&at), STACK + 8);
		CHECK_EQ(UNWIND_FP(&at), STACK + 0x40);
		CHECK(!at.is_leaf);
	}
}

TEST(after_the_push_the_callers_frame_pointer_is_on_top_of_it)
{
	static const char *const instructions[] = { "\x48\x89\xe5", "\x48\x8b\xec" };

	for (size_t i = 0; i < 2; i++) {
		struct unwind at = leaf_at(instructions[i], 3);
		struct unwind_offer offer;

		stack[0] = STACK + 0x60;
		stack[1] = 0x7777;
		CHECK(unwind_leaf_without_frame(&at, &offer));
		CHECK_EQ(offer.pc, 0x7777);
		CHECK_EQ(offer.sp, STACK + 16);
		CHECK_EQ(offer.fp, STACK + 0x60);
	}
}

TEST(other_code_leaves_it_to_the_frame_pointer)
{
	struct unwind at = leaf_at("\x48\x01\xd8", 3); /* add %rbx,%rax */
	struct unwind_offer offer;

	CHECK(!unwind_leaf_without_frame(&at, &offer));
	at.pc = 0x500000; /* code that cannot be read */
	CHECK(!unwind_leaf_without_frame(&at, &offer));
}

TEST(the_code_that_ends_a_signal_handler_is_told_by_its_bytes)
{
	static const char glibc[] = "\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05";
	static const char musl[] = "\xb8\x0f\x00\x00\x00\x0f\x05\x66";
	static const char other[] = "\x48\xc7\xc0\x0e\x00\x00\x00\x0f\x05";
	struct unwind at = leaf_at(glibc, 9);

	CHECK(unwind_is_signal_return(&at));
	at = leaf_at(musl, 8);
	CHECK(unwind_is_signal_return(&at));
	at = leaf_at(other, 9);
	CHECK(!unwind_is_signal_return(&at));
}

/* ---- by a rule ------------------------------------------------------------------------------- */

/* What most functions have: the return address right below the frame's address. */
static struct abi_rule rule_of(__u8 base, __s32 offset)
{
	return (struct abi_rule){
		.cfa = ABI_CFA_REGISTER,
		.cfa_register = base,
		.cfa_offset = offset,
		.ra_saved = ABI_SAVED_AT_CFA,
		.ra_offset = -8,
	};
}

TEST(a_frame_is_as_large_as_its_rule_says)
{
	struct abi_rule rule = rule_of(ARCH_REGISTER_SP, 0x20);
	struct unwind at = leaf_at("\x90", 1);

	stack[3] = 0x5555;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x5555);
	CHECK_EQ(UNWIND_SP(&at), STACK + 0x20);
	CHECK_EQ(UNWIND_FP(&at), STACK + 0x40);
	CHECK(!at.is_leaf);
}

TEST(a_saved_frame_pointer_is_read_when_it_is_asked_for)
{
	struct abi_rule saves = rule_of(ARCH_REGISTER_SP, 0x20);
	struct abi_rule uses = rule_of(ARCH_REGISTER_FP, 0x10);
	struct unwind at = leaf_at("\x90", 1);

	saves.fp_saved = ABI_SAVED_AT_CFA;
	saves.fp_offset = -16;
	stack[2] = STACK + 0x60;
	stack[3] = 0x5555;
	stack[13] = 0x6666;
	CHECK_EQ(unwind_by_rule(&at, &saves), UNWIND_CALLER);
	CHECK_EQ(unwind_by_rule(&at, &uses), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x6666);
	CHECK_EQ(UNWIND_SP(&at), STACK + 0x70);
}

TEST(the_frame_may_be_found_through_rbx_which_a_callee_saved)
{
	struct abi_rule saves = rule_of(ARCH_REGISTER_SP, 0x10);
	struct abi_rule uses = rule_of(ARCH_REGISTER_BX, 0x10);
	struct unwind at = leaf_at("\x90", 1);

	saves.bx_saved = ABI_SAVED_AT_CFA;
	saves.bx_offset = -16;
	stack[0] = STACK + 0x30;
	stack[1] = 0x5555;
	stack[7] = 0x6666;
	CHECK_EQ(unwind_by_rule(&at, &saves), UNWIND_CALLER);
	CHECK_EQ(unwind_by_rule(&at, &uses), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x6666);
}

TEST(a_realigned_frame_is_found_through_memory)
{
	struct abi_rule rule = rule_of(ARCH_REGISTER_FP, -8);
	struct unwind at = caller_at();

	rule.cfa = ABI_CFA_DEREF;
	rule.fp_saved = ABI_SAVED_AT_REGISTER;
	rule.saved_base = ARCH_REGISTER_FP;
	stack[7] = STACK + 0x78;
	stack[8] = STACK + 0x90;
	stack[14] = 0x5555;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x5555);
	CHECK_EQ(UNWIND_SP(&at), STACK + 0x78);
	CHECK(at.is_saved & 1 << ARCH_REGISTER_FP);
	CHECK_EQ(UNWIND_FP(&at), STACK + 0x40);
}

TEST(in_a_plt_the_frame_grows_where_the_entry_pushes)
{
	struct abi_rule rule = rule_of(ARCH_REGISTER_SP, 11);
	struct unwind at = leaf_at("\x90", 1);

	rule.cfa = ABI_CFA_PLT;
	stack[0] = 0x5555;
	stack[1] = 0x6666;
	at.pc = CODE + 0x1a;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x5555);
	at = leaf_at("\x90", 1);
	stack[1] = 0x6666;
	at.pc = CODE + 0x1b;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x6666);
}

TEST(only_a_leaf_can_use_registers_that_calls_destroy)
{
	struct abi_rule rule = rule_of(10, 8);
	struct unwind at = leaf_at("\x90", 1);

	at.registers[10] = STACK + 0x10;
	stack[2] = 0x5555;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x5555);
	at = caller_at();
	at.registers[10] = STACK + 0x10;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_LOST);
}

TEST(a_leaf_may_have_its_return_address_in_a_register)
{
	struct abi_rule rule = rule_of(ARCH_REGISTER_SP, 0);
	struct unwind at = leaf_at("\x90", 1);

	rule.ra_saved = ABI_SAVED_REGISTER;
	rule.ra_offset = 5; /* vfork keeps it in rdi */
	at.registers[5] = 0x5555;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x5555);
	CHECK_EQ(UNWIND_SP(&at), STACK);
	at = caller_at();
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_LOST);
}

TEST(a_signal_frame_gives_back_everything_and_the_interrupted_instruction_is_a_leaf)
{
	struct abi_rule rule = { .cfa = ABI_CFA_SIGNAL };
	struct unwind at = caller_at();

	for (__u64 i = 0; i < 32; i++)
		stack[i] = 0x9000 + i;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK(at.is_leaf);
	CHECK_EQ(at.known, (1 << ARCH_REGISTERS) - 1);
	CHECK_EQ(at.registers[8], 0x9005); /* r8, after 40 bytes */
	CHECK_EQ(at.registers[15], 0x900c);
	CHECK_EQ(at.registers[5], 0x900d); /* rdi */
	CHECK_EQ(UNWIND_FP(&at), 0x900f);
	CHECK_EQ(at.registers[ARCH_REGISTER_BX], 0x9010);
	CHECK_EQ(UNWIND_SP(&at), 0x9014);
	CHECK_EQ(at.pc, 0x9015);
}

TEST(the_root_is_where_a_rule_or_a_zero_return_address_says_so)
{
	struct abi_rule end = { .cfa = ABI_CFA_END };
	struct abi_rule rule = rule_of(ARCH_REGISTER_SP, 8);
	struct unwind at = leaf_at("\x90", 1);

	CHECK_EQ(unwind_by_rule(&at, &end), UNWIND_ROOT);
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_ROOT);
}

/* As code does that has switched to a stack further up: where its own was is in its frame pointer. */
TEST(a_rule_may_lead_down_to_another_stack_by_a_register_but_not_forever)
{
	struct abi_rule rule = rule_of(ARCH_REGISTER_FP, 16);
	struct unwind at = caller_at();
	int steps = 0;

	stack[9] = 0x5555;
	UNWIND_SP(&at) = STACK + 0x80;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x5555);
	CHECK_EQ(UNWIND_SP(&at), STACK + 0x50);
	/* The same frame again and again. */
	while (unwind_by_rule(&at, &rule) == UNWIND_CALLER)
		steps++;
	CHECK_EQ(steps, UNWIND_MAX_SWITCHES - 1);
	at = caller_at();
	UNWIND_SP(&at) = STACK + 0x80;
	UNWIND_FP(&at) = STACK + 0x41;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_LOST);
}

/* A signal frame that says of itself that it is what was interrupted. */
TEST(signal_frames_may_lead_down_but_not_forever)
{
	struct abi_rule rule = { .cfa = ABI_CFA_SIGNAL };
	struct unwind at = caller_at();
	int steps = 0;

	stack[20] = STACK; /* rsp, at 160 */
	stack[21] = 0x1000;
	while (unwind_by_rule(&at, &rule) == UNWIND_CALLER)
		steps++;
	CHECK_EQ(steps, UNWIND_MAX_SWITCHES);
	at = caller_at();
	stack[20] = STACK + 8;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.switches, 0);
}

TEST(a_rule_that_leads_down_or_nowhere_or_out_of_the_stack_is_not_followed)
{
	struct abi_rule down = rule_of(ARCH_REGISTER_SP, -8);
	struct abi_rule still = rule_of(ARCH_REGISTER_SP, 0);
	struct abi_rule far = rule_of(ARCH_REGISTER_SP, 0x100000);
	struct abi_rule memory = rule_of(ARCH_REGISTER_SP, 0x100000);
	struct unwind at = caller_at();

	memory.cfa = ABI_CFA_DEREF;
	CHECK_EQ(unwind_by_rule(&at, &down), UNWIND_LOST);
	CHECK_EQ(unwind_by_rule(&at, &still), UNWIND_LOST);
	CHECK_EQ(unwind_by_rule(&at, &far), UNWIND_UNREADABLE);
	CHECK_EQ(unwind_by_rule(&at, &memory), UNWIND_LOST);
}

/* Assembler may keep the frame in a register that compiled code would lose, and call code that leaves it alone. */
TEST(a_callee_leaves_registers_alone_unless_it_is_one_that_it_would_save)
{
	struct abi_rule leaf = rule_of(ARCH_REGISTER_SP, 8);
	struct abi_rule by_rax = rule_of(ARCH_REGISTER_SP, 0x20);
	struct unwind at = leaf_at("\x90", 1);

	by_rax.cfa_register = 0;
	stack[0] = 0x5555;
	stack[5] = 0x6666;
	at.registers[0] = STACK + 0x10;
	CHECK_EQ(unwind_by_rule(&at, &leaf), UNWIND_CALLER);
	CHECK_EQ(unwind_by_rule(&at, &by_rax), UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x6666);

	by_rax.cfa_register = 12;
	at = leaf_at("\x90", 1);
	stack[0] = 0x5555;
	at.registers[12] = STACK + 0x10;
	CHECK_EQ(unwind_by_rule(&at, &leaf), UNWIND_CALLER);
	CHECK_EQ(unwind_by_rule(&at, &by_rax), UNWIND_LOST);
}

TEST(no_return_address_is_a_root_only_where_somebody_described_the_code)
{
	struct abi_rule rule = rule_of(ARCH_REGISTER_SP, 8);
	struct unwind at = leaf_at("\x90", 1);

	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_ROOT);
	at = leaf_at("\x90", 1);
	rule.is_guess = true;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_LOST);
}

TEST(what_a_guess_leads_to_is_behind_a_call)
{
	static const char *const before[] = {
		"\x90\x90\x90\xe8\x01\x02\x03\x04", "\x90\x90\x90\x90\x90\x90\xff\xd0",
		"\x90\x90\x90\x90\x90\x41\xff\xd3", "\x90\x90\x90\x90\x90\xff\x50\x08",
		"\x90\x90\x90\x90\xff\x54\x24\x08", "\x90\x90\xff\x15\x01\x02\x03\x04",
		"\x90\xff\x94\x24\x01\x02\x03\x04", "\x90\x90\x90\x90\x90\x90\x90\x90",
		"\x90\x90\xe8\x01\x02\x03\x04\x90", "\x90\x90\x90\x90\x90\x90\xff\xe0"
	};
	struct abi_rule rule = rule_of(ARCH_REGISTER_SP, 8);

	rule.is_guess = true;
	for (int i = 0; i < 10; i++) {
		struct unwind at = leaf_at(before[i], 8);

		stack[0] = CODE + 8;
		CHECK_EQ(unwind_by_rule(&at, &rule), i < 7 ? UNWIND_CALLER : UNWIND_LOST);
	}
}

TEST(a_guess_may_lead_to_the_end_of_a_context)
{
	struct abi_rule rule = rule_of(ARCH_REGISTER_SP, 8);
	/* mov %rbx,%rsp; mov (%rsp),%rdi; and with another register */
	struct unwind at = leaf_at("\x48\x89\xdc\x48\x8b\x3c\x24\x48", 8);

	rule.is_guess = true;
	stack[0] = CODE;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_CALLER);
	CHECK_EQ(at.pc, CODE);
	at = leaf_at("\x48\x89\xdc\x48\x8b\x34\x24\x48", 8);
	stack[0] = CODE;
	CHECK_EQ(unwind_by_rule(&at, &rule), UNWIND_LOST);
}

TEST(a_system_call_is_like_the_instruction_behind_it)
{
	struct unwind at = leaf_at("\x0f\x05\xc3\x90", 4);
	struct unwind_offer offer;

	stack[0] = 0x7777;
	CHECK(unwind_leaf_without_frame(&at, &offer));
	CHECK_EQ(offer.pc, 0x7777);
	at = leaf_at("\x0f\x05\x48\x85", 4);
	CHECK(!unwind_leaf_without_frame(&at, &offer));
}

TEST(a_thread_may_be_new_only_behind_a_system_call_that_gave_0)
{
	__u64 registers[ARCH_REGISTERS] = { [2] = CODE + 2 };

	CHECK(arch_may_be_new(CODE + 2, registers));
	CHECK(arch_may_be_new(CODE + 7, registers));
	CHECK(!arch_may_be_new(CODE + 10, registers));
	CHECK(!arch_may_be_new(CODE + 1, registers));
	registers[0] = 1;
	CHECK(!arch_may_be_new(CODE + 2, registers));
}
