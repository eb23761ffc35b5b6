// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/array.h"
#include "agent/base/intern.h"
#include "symbolizer/demangle.h"

/* All names of one answer; a thousand places of C++ take 100 KB. */
enum {
	MAX_STRING_BYTES = 64 * 1024 * 1024
};

int answer_builder_init(struct answer_builder *builder, size_t count)
{
	AUTO(symbol_answer) answer = calloc(1, sizeof(*answer));
	int err;

	if (!answer)
		return -ENOMEM;
	answer->places = calloc(count ? count : 1, sizeof(*answer->places));
	if (!answer->places)
		return -ENOMEM;
	answer->place_count = count;
	err = intern_new(&answer->strings, MAX_STRING_BYTES);
	if (err)
		return err;

	*builder = (struct answer_builder){ .answer = take(answer) };
	return 0;
}

static int add_string(struct answer_builder *builder, const char *string, uint32_t *ret_index)
{
	return intern_add(builder->answer->strings, string, strlen(string), ret_index);
}

static const char *string_at(const struct answer_builder *builder, uint32_t index)
{
	return intern_get(builder->answer->strings, index, NULL);
}

/* Appends the line of a name that came for the first time. */
static int add_line(struct answer_builder *builder, uint32_t system_name)
{
	struct symbol_answer *answer = builder->answer;
	struct symbol_line line = { .system_name = string_at(builder, system_name) };
	char readable[DEMANGLED_MAX + 1];
	uint32_t name;
	int err = add_string(builder, demangle(line.system_name, readable), &name);

	if (err)
		return err;
	line.name = string_at(builder, name);
	err = array_grow(&answer->lines, &builder->line_capacity, answer->line_count, sizeof(line));
	if (err)
		return err;
	answer->lines[answer->line_count++] = line;
	builder->line_of.items[system_name] = (uint32_t)answer->line_count;
	return 0;
}

/* Finds or makes the line of a name; *@ret_line is its number. */
static int line_of(struct answer_builder *builder, const char *system_name, uint32_t *ret_line)
{
	uint32_t index;
	int err = add_string(builder, system_name, &index);

	while (!err && builder->line_of.count <= index)
		err = array_add(&builder->line_of, 0);
	if (!err && !builder->line_of.items[index])
		err = add_line(builder, index);
	if (!err)
		*ret_line = builder->line_of.items[index] - 1;
	return err;
}

int answer_builder_name(struct answer_builder *builder, size_t place, const char *system_name,
			const char *module)
{
	struct symbol_place *named = &builder->answer->places[place];
	uint32_t line, index;
	int err = line_of(builder, system_name, &line);

	if (!err && module)
		err = add_string(builder, module, &index);
	if (err)
		return err == -ENOSPC ? 0 : err;
	named->first_line = line;
	named->line_count = 1;
	named->module = module ? string_at(builder, index) : NULL;
	return 0;
}

/* The string here that is number @number of the known; *@ret is NULL for none. */
static int copy_string(struct answer_builder *builder, const struct symbol_answers *known,
		       uint32_t number, const char **ret)
{
	uint32_t index;
	int err;

	*ret = NULL;
	if (number == SYMBOL_NO_STRING)
		return 0;
	if (!builder->copied[number]) {
		err = add_string(builder, symbol_answers_string(known, number), &index);
		if (err)
			return err;
		builder->copied[number] = index + 1;
	}
	*ret = string_at(builder, builder->copied[number] - 1);
	return 0;
}

static int copy_line(struct answer_builder *builder, const struct symbol_answers *known,
		     const struct symbol_known_line *from)
{
	struct symbol_answer *answer = builder->answer;
	struct symbol_line line = { .line = from->line };
	int err = copy_string(builder, known, from->name, &line.name);

	if (!err)
		err = copy_string(builder, known, from->system_name, &line.system_name);
	if (!err)
		err = copy_string(builder, known, from->file, &line.file);
	if (!err)
		err = array_grow(&answer->lines, &builder->line_capacity, answer->line_count,
				 sizeof(line));
	if (!err)
		answer->lines[answer->line_count++] = line;
	return err;
}

/* A name alone: places of one function share its line. */
static int copy_name(struct answer_builder *builder, const struct symbol_answers *known,
		     const struct symbol_known_line *from, uint32_t *ret_line)
{
	const char *system_name;
	uint32_t index;
	int err = copy_string(builder, known, from->system_name, &system_name);

	if (err)
		return err;
	index = builder->copied[from->system_name] - 1;
	while (!err && builder->line_of.count <= index)
		err = array_add(&builder->line_of, 0);
	if (!err && !builder->line_of.items[index]) {
		err = copy_line(builder, known, from);
		if (!err)
			builder->line_of.items[index] = (uint32_t)builder->answer->line_count;
	}
	if (!err)
		*ret_line = builder->line_of.items[index] - 1;
	return err;
}

int answer_builder_copy(struct answer_builder *builder, size_t place,
			const struct symbol_answers *known)
{
	struct symbol_answer *answer = builder->answer;
	size_t before = answer->line_count;
	uint32_t first = (uint32_t)before;
	const struct symbol_known_line *lines;
	size_t count = symbol_answers_get(known, answer->places[place].address, &lines);
	bool is_name = count == 1 && lines->file == SYMBOL_NO_STRING && !lines->line;
	int err = 0;

	if (!builder->copied) {
		builder->copied_count = symbol_answers_string_count(known);
		builder->copied = calloc(builder->copied_count + 1, sizeof(*builder->copied));
	}
	if (!builder->copied)
		return -ENOMEM;
	if (is_name)
		err = copy_name(builder, known, lines, &first);
	for (size_t i = 0; i < count && !err && !is_name; i++)
		err = copy_line(builder, known, &lines[i]);
	if (err) {
		answer->line_count = before;
		return err == -ENOSPC ? 0 : err;
	}
	answer->places[place].first_line = first;
	answer->places[place].line_count = (uint32_t)count;
	return 0;
}

void answer_builder_fini(struct answer_builder *builder)
{
	symbol_answer_free(builder->answer);
	free(builder->line_of.items);
	free(builder->copied);
}

void symbol_answer_free(struct symbol_answer *answer)
{
	if (!answer)
		return;
	intern_free(answer->strings);
	free(answer->places);
	free(answer->lines);
	free(answer);
}
