// SPDX-License-Identifier: Apache-2.0
/* Steps by a rule that stands in its row. */
#include "tests/unit/unwind_fixture.h"

TEST(a_compact_rule_says_how_large_the_frame_is_and_what_it_saved)
{
	struct unwind at = caller_at();
	__u64 value;

	stack[1] = 0x7777; /* rbx */
	stack[2] = 0x6666; /* rbp */
	stack[5] = 0x5555;
	CHECK_EQ(unwind_by_compact_rule(&at, ABI_COMPACT_RULE | 4 << ABI_COMPACT_BX_SHIFT |
						     3 << ABI_COMPACT_FP_SHIFT | 6),
		 UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x5555);
	CHECK_EQ(UNWIND_SP(&at), STACK + 0x30);
	CHECK(!at.is_leaf);
	CHECK(register_value(&at, ARCH_REGISTER_FP, &value) && value == 0x6666);
	CHECK(register_value(&at, ARCH_REGISTER_BX, &value) && value == 0x7777);
}

TEST(a_compact_rule_may_count_from_the_frame_pointer_and_leaves_registers_alone)
{
	struct unwind at = caller_at();
	__u64 value;

	stack[9] = 0x5555;
	CHECK_EQ(unwind_by_compact_rule(&at, ABI_COMPACT_RULE | ABI_COMPACT_BY_FP | 2),
		 UNWIND_CALLER);
	CHECK_EQ(at.pc, 0x5555);
	CHECK_EQ(UNWIND_SP(&at), STACK + 0x50);
	CHECK(register_value(&at, ARCH_REGISTER_FP, &value) && value == STACK + 0x40);
	CHECK(register_value(&at, ARCH_REGISTER_BX, &value) && value == 0x103);
	at.known &= ~(1U << ARCH_REGISTER_FP);
	CHECK_EQ(unwind_by_compact_rule(&at, ABI_COMPACT_RULE | ABI_COMPACT_BY_FP | 2),
		 UNWIND_LOST);
}

TEST(a_compact_rule_ends_and_fails_as_others_do)
{
	struct unwind at = caller_at();

	CHECK_EQ(unwind_by_compact_rule(&at, ABI_COMPACT_RULE | 1), UNWIND_ROOT);
	CHECK_EQ(unwind_by_compact_rule(&at, ABI_COMPACT_RULE | 0), UNWIND_LOST);
	CHECK_EQ(unwind_by_compact_rule(&at, ABI_COMPACT_RULE | 255), UNWIND_UNREADABLE);
	UNWIND_FP(&at) = STACK - 0xff; /* not even a stack elsewhere */
	CHECK_EQ(unwind_by_compact_rule(&at, ABI_COMPACT_RULE | ABI_COMPACT_BY_FP | 2),
		 UNWIND_LOST);
}
