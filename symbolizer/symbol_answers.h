/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"

/*
 * symbol_answers - what was found at addresses of one file, for whoever asks again.
 *
 * Strings are held once and have numbers, so that a whole answer is copied out of it without
 * looking at a string twice; each name is demangled once.
 */
struct symbol_answers;

/* Strings by number; SYMBOL_NO_STRING: unknown. */
struct symbol_known_line {
	uint32_t name;
	uint32_t system_name;
	uint32_t file;
	uint32_t line;
};
#define SYMBOL_NO_STRING UINT32_MAX

/* A line as it is found; strings are borrowed during the call. */
struct symbol_new_line {
	const char *system_name;
	const char *file; /* NULL if unknown */
	uint32_t line;
};

/* symbol_answers_new() - Return: 0 or -ENOMEM. */
int symbol_answers_new(struct symbol_answers **out);

/* symbol_answers_has() - whether there is one for @address, even if it says that nothing is known. */
bool symbol_answers_has(const struct symbol_answers *answers, uint64_t address);

/*
 * symbol_answers_add() - @count lines at @address, innermost first, unless there is an answer.
 *
 * Return: 0, -ENOSPC if there is no room for more strings, or -ENOMEM.
 */
int symbol_answers_add(struct symbol_answers *answers, uint64_t address,
		       const struct symbol_new_line *lines, size_t count);

/*
 * symbol_answers_get() - the lines at @address.
 * @ret_lines: borrowed until the next add
 *
 * Return: how many there are, 0 if nothing is known.
 */
size_t symbol_answers_get(const struct symbol_answers *answers, uint64_t address,
			  const struct symbol_known_line **ret_lines);

/* symbol_answers_string() - string number @number, borrowed until the table goes. */
const char *symbol_answers_string(const struct symbol_answers *answers, uint32_t number);

/* symbol_answers_string_count() - numbers are below this. */
uint32_t symbol_answers_string_count(const struct symbol_answers *answers);

/* symbol_answers_bytes() - memory held. */
size_t symbol_answers_bytes(const struct symbol_answers *answers);

void symbol_answers_free(struct symbol_answers *answers);
DEFINE_AUTO(symbol_answers);
