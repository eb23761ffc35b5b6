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

/* Makes room for string number @index. */
static int reach(struct answer_names *names, uint32_t index)
{
	int err = 0;

	while (!err && names->count <= index)
		err = array_add(names, 0);
	return err;
}

/* Finds or makes the string that is the readable form of @system_name. */
static int readable_of(struct answer_builder *builder, uint32_t system_name, uint32_t *ret_name)
{
	struct answer_names *known = &builder->readable_of;
	char readable[DEMANGLED_MAX + 1];
	int err = reach(known, system_name);

	if (!err && !known->items[system_name]) {
		err = add_string(builder, demangle(string_at(builder, system_name), readable),
				 ret_name);
		if (!err)
			known->items[system_name] = *ret_name + 1;
	}
	if (!err)
		*ret_name = known->items[system_name] - 1;
	return err;
}

static int add_line(struct answer_builder *builder, const struct symbol_line *line)
{
	struct symbol_answer *answer = builder->answer;
	int err = array_grow(&answer->lines, &builder->line_capacity, answer->line_count,
			     sizeof(*line));

	if (!err)
		answer->lines[answer->line_count++] = *line;
	return err;
}

/* Finds or makes the line of a name alone; *@ret_line is its number. */
static int line_of(struct answer_builder *builder, const char *system_name, uint32_t *ret_line)
{
	struct symbol_line line = { 0 };
	uint32_t index, name;
	int err = add_string(builder, system_name, &index);

	if (!err)
		err = reach(&builder->line_of, index);
	if (err)
		return err;
	if (!builder->line_of.items[index]) {
		err = readable_of(builder, index, &name);
		if (err)
			return err;
		line.system_name = string_at(builder, index);
		line.name = string_at(builder, name);
		err = add_line(builder, &line);
		if (err)
			return err;
		builder->line_of.items[index] = (uint32_t)builder->answer->line_count;
	}
	*ret_line = builder->line_of.items[index] - 1;
	return 0;
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

static int add_source_line(struct answer_builder *builder, const struct answer_line *from)
{
	struct symbol_line line = { .line = from->line };
	uint32_t system_name, name, file;
	int err = add_string(builder, from->system_name, &system_name);

	if (!err)
		err = readable_of(builder, system_name, &name);
	if (!err && from->file)
		err = add_string(builder, from->file, &file);
	if (err)
		return err;
	line.system_name = string_at(builder, system_name);
	line.name = string_at(builder, name);
	line.file = from->file ? string_at(builder, file) : NULL;
	return add_line(builder, &line);
}

int answer_builder_lines(struct answer_builder *builder, size_t place,
			 const struct answer_line *lines, size_t count)
{
	struct symbol_answer *answer = builder->answer;
	size_t first = answer->line_count;
	int err = 0;

	if (count == 1 && !lines->file && !lines->line)
		return answer_builder_name(builder, place, lines->system_name, NULL);
	for (size_t i = 0; i < count && !err; i++)
		err = add_source_line(builder, &lines[i]);
	if (err) {
		answer->line_count = first;
		return err == -ENOSPC ? 0 : err;
	}
	answer->places[place].first_line = (uint32_t)first;
	answer->places[place].line_count = (uint32_t)count;
	return 0;
}

void answer_builder_fini(struct answer_builder *builder)
{
	symbol_answer_free(builder->answer);
	free(builder->line_of.items);
	free(builder->readable_of.items);
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
