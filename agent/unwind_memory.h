/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "agent/base/cleanup.h"
#include "bpf/abi.h"
#include "symbolizer/unwind_table.h"

/*
 * unwind_memory - the unwind tables that the kernel side reads, packed into a fixed memory.
 *
 * A table is written before anything leads to it, and what is freed is not written again
 * before ticks that may read it are over; see abi.h for the layout.
 */
struct unwind_memory;

/* A table in the memory. A value; whoever has it frees it. Empty if rules is NULL. */
struct loaded_table {
	struct abi_unwind_table place;
	uint32_t first_word;
	uint32_t word_count;
	uint32_t *rules; /* of each of the file's rules what its rows say, owned */
	size_t rule_count;
};

/* How a part of the words is reached: only while a table is written, so that it is not ours to hold. */
struct unwind_words {
	void *context;
	uint32_t count; /* of all words */
	/* @count words from number @first on, for writing; NULL with errno set. */
	uint64_t *(*open)(void *context, uint32_t first, uint32_t count);
	void (*close)(void *context, uint64_t *words, uint32_t first, uint32_t count);
};

/*
 * unwind_memory_new() - an empty memory, all of which is free.
 * @rules: ABI_MAX_RULES of them, borrowed, shared with the kernel side
 *
 * Return: 0 or -ENOMEM.
 */
int unwind_memory_new(struct unwind_memory **out, const struct unwind_words *words,
		      struct abi_rule *rules);

/*
 * unwind_memory_load() - pack @table into the memory.
 *
 * Return: 0; -ENOSPC if there is no room now; -E2BIG if there never is; or another -errno.
 */
int unwind_memory_load(struct unwind_memory *memory, const struct unwind_table *table,
		       struct loaded_table *ret);

/* unwind_memory_fit() - cut a table that is larger than the whole memory to what could be loaded. */
void unwind_memory_fit(const struct unwind_memory *memory, struct unwind_table *table);

/* unwind_memory_unload() - nothing leads to the table any more: make room. Empties @table. */
void unwind_memory_unload(struct unwind_memory *memory, struct loaded_table *table);

/* unwind_memory_turn() - to be called at every drain: lets freed places be used again. */
void unwind_memory_turn(struct unwind_memory *memory);

/* unwind_memory_used_bytes() - of tables. */
size_t unwind_memory_used_bytes(const struct unwind_memory *memory);

/* unwind_memory_resting_bytes() - that will be free after the next turns. */
size_t unwind_memory_resting_bytes(const struct unwind_memory *memory);

/* unwind_memory_size_of() - bytes that @table takes when it is loaded. */
size_t unwind_memory_size_of(const struct unwind_table *table);

void unwind_memory_free(struct unwind_memory *memory);
DEFINE_AUTO(unwind_memory);
