// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind_words.h"

static uint64_t *open_words(void *context, uint32_t first, uint32_t count)
{
	return sampler_open_unwind_words(context, first, count);
}

static void close_words(void *context, uint64_t *words, uint32_t first, uint32_t count)
{
	(void)context;
	sampler_close_unwind_words(words, first, count);
}

struct unwind_words unwind_words_of(struct sampler *sampler)
{
	return (struct unwind_words){
		.context = sampler,
		.count = sampler_unwind_word_count(sampler),
		.open = open_words,
		.close = close_words,
	};
}
