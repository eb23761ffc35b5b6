/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/symbol_answers.h"
#include "symbolizer/symbolizer.h"

/*
 * answer_builder - makes an answer, whose form is in symbolizer.h.
 *
 * Either name by name, where places of the same name share a line and each name is demangled once;
 * or by copying what is known of a file.
 */
struct answer_builder {
	struct symbol_answer *answer; /* owned, until the caller takes it */
	size_t line_capacity;
	struct {
		uint32_t *items; /* owned; by string number: number of its line plus one, or 0 */
		size_t count;
		size_t capacity;
	} line_of;
	uint32_t *copied; /* owned; by string number of the known: number here plus one, or 0 */
	size_t copied_count;
};

#define AUTO_ANSWER_BUILDER __attribute__((cleanup(answer_builder_fini))) struct answer_builder

/* answer_builder_init() - an answer of @count empty places. Return: 0 or -ENOMEM. */
int answer_builder_init(struct answer_builder *builder, size_t count);

/*
 * answer_builder_name() - give a place its name.
 * @system_name: as in the symbol table, copied
 * @module: copied, or NULL
 *
 * Return: 0, also when the answer is full and the place stays without; or -ENOMEM.
 */
int answer_builder_name(struct answer_builder *builder, size_t place, const char *system_name,
			const char *module);

/*
 * answer_builder_copy() - give a place the lines that are known at its address.
 * @known: the same one for all places
 *
 * Return: as above.
 */
int answer_builder_copy(struct answer_builder *builder, size_t place,
			const struct symbol_answers *known);

/* answer_builder_fini() - free what was not taken. */
void answer_builder_fini(struct answer_builder *builder);
