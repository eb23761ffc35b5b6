// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/kallsyms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/array.h"
#include "symbolizer/alias.h"

enum {
	MAX_LINE = 1024, /* the kernel's own limit for a name is 512 */
	MAX_FUNCTIONS = 4 * 1024 * 1024,
	MAX_TEXT_BYTES = 256 * 1024 * 1024,
	/* What lies farther behind its start is not part of a function. BPF programs may be long. */
	MAX_FUNCTION_BYTES = 1024 * 1024,
};

struct function {
	uint64_t address;
	uint32_t name;        /* offset in the text */
	uint32_t module : 30; /* offset in the text, 0: the kernel proper */
	uint32_t is_local : 1;
	uint32_t is_weak : 1;
};

struct function_list {
	struct function *items;
	size_t count;
	size_t capacity;
};

/* Strings with their NULs, one after the other; the first is empty. */
struct text {
	char *items;
	size_t count;
	size_t capacity;
};

struct kallsyms {
	struct function_list functions; /* ascending, no address twice */
	struct text text;
};

/* One line of the file; the strings point into it. */
struct line {
	uint64_t address;
	char type;
	const char *name;
	const char *module; /* "" for the kernel proper */
};

struct reader {
	struct kallsyms *kallsyms;
	uint32_t module; /* of the line before: those of a module stand together */
	bool saw_zero;   /* an address was hidden */
};

/* Ends the word at *@at before the first of @separators, and moves on behind it. */
static char *cut_word(char **at, const char *separators)
{
	char *word = *at;

	*at += strcspn(word, separators);
	if (**at)
		*(*at)++ = '\0';
	return word;
}

static bool parse_line(char *text, struct line *ret)
{
	char *end;

	*ret = (struct line){ .address = strtoull(text, &end, 16), .module = "" };
	if (end == text || end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	ret->type = end[1];
	end += 3;
	ret->name = cut_word(&end, " \t\r\n");
	end += strspn(end, " \t");
	if (*end++ == '[')
		ret->module = cut_word(&end, "]\r\n");
	return *ret->name;
}

/* The next line that is not absurdly long. */
static bool read_line(FILE *stream, char *line)
{
	while (fgets(line, MAX_LINE, stream)) {
		int c;

		if (strlen(line) < MAX_LINE - 1 || line[MAX_LINE - 2] == '\n')
			return true;
		do {
			c = getc(stream);
		} while (c != '\n' && c != EOF);
	}
	return false;
}

static int add_text(struct text *text, const char *string, uint32_t *ret_offset)
{
	size_t size = strlen(string) + 1;

	while (text->capacity - text->count < size) {
		int err = array_grow(&text->items, &text->capacity, text->capacity, 1);

		if (err)
			return err;
	}
	*ret_offset = (uint32_t)text->count;
	memcpy(text->items + text->count, string, size);
	text->count += size;
	return 0;
}

static int add_function(struct reader *reader, const struct line *line)
{
	struct text *text = &reader->kallsyms->text;
	struct function function = {
		.address = line->address,
		.is_local = line->type == 't',
		.is_weak = line->type == 'w' || line->type == 'W',
	};
	int err = 0;

	if (!*line->module)
		reader->module = 0;
	else if (strcmp(line->module, &text->items[reader->module]) != 0)
		err = add_text(text, line->module, &reader->module);
	if (!err)
		err = add_text(text, line->name, &function.name);
	if (err)
		return err;
	function.module = reader->module;
	return array_add(&reader->kallsyms->functions, function);
}

static int read_functions(struct reader *reader, FILE *stream)
{
	struct kallsyms *kallsyms = reader->kallsyms;
	uint32_t empty;
	char text[MAX_LINE];
	int err = add_text(&kallsyms->text, "", &empty);

	while (!err && read_line(stream, text) && kallsyms->functions.count < MAX_FUNCTIONS &&
	       kallsyms->text.count < MAX_TEXT_BYTES) {
		struct line line;

		if (!parse_line(text, &line) || !strchr("tTwW", line.type))
			continue;
		if (line.address)
			err = add_function(reader, &line);
		else
			reader->saw_zero = true;
	}
	return err;
}

static int compare_functions(const void *left, const void *right, void *context)
{
	const struct function *a = left, *b = right;
	const char *text = context;
	struct alias alias_a = { .name = text + a->name, .is_weak = a->is_weak };
	struct alias alias_b = { .name = text + b->name, .is_weak = b->is_weak };

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->is_local != b->is_local)
		return a->is_local ? 1 : -1;
	return alias_compare(&alias_a, &alias_b);
}

/* Keeps the first function of each address. */
static void drop_aliases(struct function_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!kept || list->items[kept - 1].address != list->items[i].address)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

/* Gives back what the arrays grew too much. */
static void trim(struct kallsyms *kallsyms)
{
	struct function_list *list = &kallsyms->functions;
	struct text *text = &kallsyms->text;
	struct function *fewer = reallocarray(list->items, list->count, sizeof(*fewer));
	char *shorter = realloc(text->items, text->count);

	if (fewer)
		list->items = fewer;
	if (shorter)
		text->items = shorter;
}

int kallsyms_new_from_stream(struct kallsyms **out, FILE *stream)
{
	AUTO(kallsyms) kallsyms = calloc(1, sizeof(*kallsyms));
	struct reader reader = { .kallsyms = kallsyms };
	int err;

	if (!kallsyms)
		return -ENOMEM;
	err = read_functions(&reader, stream);
	if (err)
		return err;
	if (!kallsyms->functions.count)
		return reader.saw_zero ? -EPERM : -ENOENT;
	qsort_r(kallsyms->functions.items, kallsyms->functions.count,
		sizeof(*kallsyms->functions.items), compare_functions, kallsyms->text.items);
	drop_aliases(&kallsyms->functions);
	trim(kallsyms);

	*out = take(kallsyms);
	return 0;
}

bool kallsyms_find(const struct kallsyms *kallsyms, uint64_t address, struct kernel_symbol *ret)
{
	const struct function *functions = kallsyms->functions.items;
	size_t left = kallsyms->functions.count, after = 0;
	const char *text = kallsyms->text.items;

	/* @after becomes the first function that starts beyond @address. */
	while (left) {
		size_t half = left / 2;

		if (functions[after + half].address <= address) {
			after += half + 1;
			left -= half + 1;
		} else {
			left = half;
		}
	}
	if (!after || address - functions[after - 1].address >= MAX_FUNCTION_BYTES)
		return false;
	ret->name = text + functions[after - 1].name;
	ret->module = functions[after - 1].module ? text + functions[after - 1].module : NULL;
	return true;
}

size_t kallsyms_count(const struct kallsyms *kallsyms)
{
	return kallsyms->functions.count;
}

void kallsyms_free(struct kallsyms *kallsyms)
{
	if (!kallsyms)
		return;
	free(kallsyms->functions.items);
	free(kallsyms->text.items);
	free(kallsyms);
}
