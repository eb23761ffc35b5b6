// SPDX-License-Identifier: Apache-2.0
#include "agent/rule_dictionary.h"

#include <errno.h>
#include <string.h>

#include "agent/extent_pool.h"

enum {
	BUCKETS = 16384 /* a power of two; some 5,000 rules are in use on a whole distribution */
};

struct rule_dictionary {
	struct abi_rule *rules; /* borrowed */
	uint32_t *holds;        /* of each rule; 0: not in use */
	uint32_t *next;         /* rule in the same bucket; 0: none */
	uint32_t heads[BUCKETS];
	struct extent_pool *numbers;
};

int rule_dictionary_new(struct rule_dictionary **out, struct abi_rule *memory, uint32_t count)
{
	AUTO(rule_dictionary) dictionary = calloc(1, sizeof(*dictionary));
	int err;

	if (!dictionary)
		return -ENOMEM;
	dictionary->rules = memory;
	dictionary->holds = calloc(count, sizeof(*dictionary->holds));
	dictionary->next = calloc(count, sizeof(*dictionary->next));
	if (!dictionary->holds || !dictionary->next)
		return -ENOMEM;
	err = extent_pool_new(&dictionary->numbers, ABI_RULE_NONE + 1, count);
	if (err)
		return err;
	*out = take(dictionary);
	return 0;
}

static uint32_t *head_of(struct rule_dictionary *dictionary, const struct abi_rule *rule)
{
	uint64_t words[sizeof(*rule) / sizeof(uint64_t)];
	uint64_t hash = 0;

	memcpy(words, rule, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return &dictionary->heads[hash % BUCKETS];
}

int rule_dictionary_hold(struct rule_dictionary *dictionary, const struct abi_rule *rule,
			 uint32_t *ret_number)
{
	uint32_t *head = head_of(dictionary, rule);
	uint32_t number;

	for (number = *head; number; number = dictionary->next[number]) {
		if (!memcmp(&dictionary->rules[number], rule, sizeof(*rule)))
			break;
	}
	if (!number) {
		if (!extent_pool_take(dictionary->numbers, 1, &number))
			return -ENOSPC;
		dictionary->rules[number] = *rule;
		dictionary->next[number] = *head;
		*head = number;
	}
	dictionary->holds[number]++;
	*ret_number = number;
	return 0;
}

void rule_dictionary_release(struct rule_dictionary *dictionary, uint32_t number)
{
	uint32_t *link;

	if (--dictionary->holds[number])
		return;
	link = head_of(dictionary, &dictionary->rules[number]);
	while (*link != number)
		link = &dictionary->next[*link];
	*link = dictionary->next[number];
	extent_pool_give(dictionary->numbers, number, 1);
}

void rule_dictionary_turn(struct rule_dictionary *dictionary)
{
	extent_pool_turn(dictionary->numbers);
}

uint32_t rule_dictionary_used(const struct rule_dictionary *dictionary)
{
	return extent_pool_used(dictionary->numbers);
}

void rule_dictionary_free(struct rule_dictionary *dictionary)
{
	if (!dictionary)
		return;
	extent_pool_free(dictionary->numbers);
	free(dictionary->holds);
	free(dictionary->next);
	free(dictionary);
}
