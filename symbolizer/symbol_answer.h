/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/symbolizer.h"

/*
 * answer_builder - makes an answer, whose form is in symbolizer.h.
 *
 * Places of the same name and nothing else share a line, and each name is demangled once.
 */
struct answer_names {
	uint32_t *items; /* owned; by string number: what it leads to plus one, or 0 */
	size_t count;
	size_t capacity;
};

struct answer_builder {
	struct symbol_answer *answer; /* owned, until the caller takes it */
	size_t line_capacity;
	struct answer_names line_of;     /* number of the line that has this name and no source */
	struct answer_names readable_of; /* number of the string that is its readable form */
};

#define AUTO_ANSWER_BUILDER __attribute__((cleanup(answer_builder_fini))) struct answer_builder

/* A function and where it is; strings are borrowed during the call. */
struct answer_line {
	const char *system_name;
	const char *file; /* NULL if unknown */
	uint32_t line;
};

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

/* answer_builder_lines() - the same for a place with @count lines, innermost first. */
int answer_builder_lines(struct answer_builder *builder, size_t place,
			 const struct answer_line *lines, size_t count);

/* answer_builder_fini() - free what was not taken. */
void answer_builder_fini(struct answer_builder *builder);
