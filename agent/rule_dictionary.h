/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "agent/base/cleanup.h"
#include "bpf/abi.h"

/*
 * rule_dictionary - every distinct unwind rule of this machine, once, by number.
 *
 * The numbers are places in the memory that the kernel side reads. A rule is kept while somebody
 * holds it; its number is given to another rule only two turns after the last one let go.
 * Number 0 is ABI_RULE_NONE and always there.
 */
struct rule_dictionary;

/*
 * rule_dictionary_new() - a dictionary in @memory.
 * @memory: @count rules, borrowed, shared with the kernel side
 *
 * Return: 0 or -ENOMEM.
 */
int rule_dictionary_new(struct rule_dictionary **out, struct abi_rule *memory, uint32_t count);

/* rule_dictionary_hold() - the number of @rule, which is added if it is new. 0 or -ENOSPC. */
int rule_dictionary_hold(struct rule_dictionary *dictionary, const struct abi_rule *rule,
			 uint32_t *ret_number);

/* rule_dictionary_release() - let go of one hold. */
void rule_dictionary_release(struct rule_dictionary *dictionary, uint32_t number);

/* rule_dictionary_turn() - time has passed; see extent_pool. */
void rule_dictionary_turn(struct rule_dictionary *dictionary);

/* rule_dictionary_used() - rules that are held. */
uint32_t rule_dictionary_used(const struct rule_dictionary *dictionary);

void rule_dictionary_free(struct rule_dictionary *dictionary);
DEFINE_AUTO(rule_dictionary);
