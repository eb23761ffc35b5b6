// SPDX-License-Identifier: Apache-2.0
#include "agent/rule_dictionary.h"

#include <errno.h>

#include "tests/harness/test.h"

static struct abi_rule rule_of(__s32 offset)
{
	return (struct abi_rule){ .cfa = ABI_CFA_REGISTER, .cfa_offset = offset };
}

TEST(equal_rules_have_one_number_and_others_another)
{
	AUTO(rule_dictionary) dictionary = NULL;
	struct abi_rule memory[8] = {};
	struct abi_rule one = rule_of(8), two = rule_of(16);
	uint32_t first, second, again;

	CHECK_EQ(rule_dictionary_new(&dictionary, memory, 8), 0);
	CHECK_EQ(rule_dictionary_hold(dictionary, &one, &first), 0);
	CHECK_EQ(rule_dictionary_hold(dictionary, &two, &second), 0);
	CHECK_EQ(rule_dictionary_hold(dictionary, &one, &again), 0);
	CHECK(first != ABI_RULE_NONE && second != ABI_RULE_NONE && first != second);
	CHECK_EQ(again, first);
	CHECK_EQ(memory[first].cfa_offset, 8);
	CHECK_EQ(memory[second].cfa_offset, 16);
	CHECK_EQ(rule_dictionary_used(dictionary), 2);
}

TEST(a_number_is_given_again_only_when_nobody_can_be_reading_it)
{
	AUTO(rule_dictionary) dictionary = NULL;
	struct abi_rule memory[2] = {};
	struct abi_rule one = rule_of(8), two = rule_of(16);
	uint32_t number;

	CHECK_EQ(rule_dictionary_new(&dictionary, memory, 2), 0);
	CHECK_EQ(rule_dictionary_hold(dictionary, &one, &number), 0);
	CHECK_EQ(rule_dictionary_hold(dictionary, &one, &number), 0);
	CHECK_EQ(rule_dictionary_hold(dictionary, &two, &number), -ENOSPC);
	rule_dictionary_release(dictionary, 1);
	CHECK_EQ(rule_dictionary_used(dictionary), 1);
	rule_dictionary_release(dictionary, 1);
	CHECK_EQ(rule_dictionary_used(dictionary), 0);
	CHECK_EQ(rule_dictionary_hold(dictionary, &two, &number), -ENOSPC);
	rule_dictionary_turn(dictionary);
	rule_dictionary_turn(dictionary);
	CHECK_EQ(rule_dictionary_hold(dictionary, &two, &number), 0);
	CHECK_EQ(number, 1);
	CHECK_EQ(memory[1].cfa_offset, 16);
}

TEST(thousands_of_rules_come_and_go)
{
	enum {
		COUNT = 20000
	};
	static struct abi_rule memory[COUNT + 1];
	AUTO(rule_dictionary) dictionary = NULL;
	uint32_t number;

	CHECK_EQ(rule_dictionary_new(&dictionary, memory, COUNT + 1), 0);
	for (int round = 0; round < 3; round++) {
		for (__s32 i = 0; i < COUNT; i++) {
			struct abi_rule rule = rule_of(i * 3 + round);

			CHECK_EQ(rule_dictionary_hold(dictionary, &rule, &number), 0);
		}
		CHECK_EQ(rule_dictionary_used(dictionary), COUNT);
		for (uint32_t i = 1; i <= COUNT; i++)
			rule_dictionary_release(dictionary, i);
		rule_dictionary_turn(dictionary);
		rule_dictionary_turn(dictionary);
	}
	CHECK_EQ(rule_dictionary_used(dictionary), 0);
}
