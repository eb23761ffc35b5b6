// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/array.h"
#include "pprof/encode.h"
#include "pprof/frames.h"
#include "pprof/profile_tables.h"

struct line {
	const char *text; /* borrowed from the table of lines */
	int64_t value;
};

struct folded {
	const struct profile *profile;
	struct frames *frames;
	struct intern *texts;
	struct line *items; /* one for each text */
	size_t count;
	size_t capacity;
	char *text; /* the line that is being put together */
	size_t text_bytes;
};

static void folded_free(struct folded *folded)
{
	if (!folded)
		return;
	frames_free(folded->frames);
	intern_free(folded->texts);
	free(folded->items);
	free(folded->text);
	free(folded);
}
DEFINE_AUTO(folded);

/* Tools for folded stacks expect numbers of samples. */
static size_t shown_value(const struct profile *profile)
{
	if (!strcmp(profile_string(profile, profile->value_types[0].unit), "count"))
		return 0;
	return profile_last_value(profile);
}

static int reserve_text(struct folded *folded, size_t bytes)
{
	char *grown;

	if (bytes <= folded->text_bytes)
		return 0;
	grown = realloc(folded->text, bytes * 2);
	if (!grown)
		return -ENOMEM;
	folded->text = grown;
	folded->text_bytes = bytes * 2;
	return 0;
}

/* Puts the stack together in @folded->text. The ';' is the format's own. */
static int join_stack(struct folded *folded, size_t sample, size_t *ret_length)
{
	const uint32_t *stack;
	size_t depth = frames_of_sample(folded->frames, sample, &stack);
	size_t length = 0;

	for (size_t i = 0; i < depth; i++) {
		const char *name = frames_get(folded->frames, stack[i])->name;
		size_t size = strlen(name);
		int err = reserve_text(folded, length + size + 2);

		if (err)
			return err;
		if (i)
			folded->text[length++] = ';';
		for (size_t k = 0; k < size; k++)
			folded->text[length++] = (char)(name[k] == ';' ? ':' : name[k]);
	}
	*ret_length = length;
	return 0;
}

static int add_line(struct folded *folded, size_t sample, int64_t value)
{
	size_t length;
	uint32_t number;
	int err = join_stack(folded, sample, &length);

	if (!err)
		err = intern_add(folded->texts, folded->text, length, &number);
	if (!err && number == folded->count) {
		struct line line = { .text = intern_get(folded->texts, number, NULL) };

		err = array_add(folded, line);
	}
	if (!err)
		folded->items[number].value = add_saturating(folded->items[number].value, value);
	return err;
}

static int compare_lines(const void *left, const void *right)
{
	const struct line *a = left, *b = right;

	return strcmp(a->text, b->text);
}

static int fold(struct folded *folded)
{
	const struct profile *profile = folded->profile;
	size_t shown = shown_value(profile);

	for (size_t i = 0; i < profile_sample_count(profile); i++) {
		int64_t value = profile_values(profile, i)[shown];
		int err = value > 0 ? add_line(folded, i, value) : 0;

		if (err)
			return err;
	}
	if (folded->count)
		qsort(folded->items, folded->count, sizeof(*folded->items), compare_lines);
	return 0;
}

int encode_folded(const struct profile *profile, FILE *stream)
{
	AUTO(folded) folded = calloc(1, sizeof(*folded));
	int err;

	if (!folded)
		return -ENOMEM;
	folded->profile = profile;
	err = frames_new(&folded->frames, profile);
	if (!err)
		err = intern_new(&folded->texts, SIZE_MAX);
	if (!err)
		err = fold(folded);
	if (err)
		return err;

	for (size_t i = 0; i < folded->count; i++)
		fprintf(stream, "%s %" PRId64 "\n", folded->items[i].text, folded->items[i].value);
	return 0;
}
