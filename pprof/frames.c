// SPDX-License-Identifier: Apache-2.0
#include "pprof/frames.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/array.h"
#include "pprof/profile_tables.h"
#include "pprof/utf8.h"

/* What makes two frames the same. Names are numbers in the table of made up names, or strings. */
struct frame_key {
	uint32_t name;
	uint32_t made_name; /* number + 1; 0: @name counts */
	uint32_t module;
	uint32_t file;
	uint32_t kind;
};
_Static_assert(sizeof(struct frame_key) == 20, "compared bytewise: no hidden padding");

struct frames {
	const struct profile *profile;
	struct intern *keys;
	struct intern *made_names;

	struct frame *items; /* one for each key */
	size_t count;
	size_t capacity;

	/* The frames of location n, outermost first, are numbers[first[n - 1]] to first[n]. */
	size_t *first;
	struct {
		uint32_t *items;
		size_t count;
		size_t capacity;
	} numbers;

	uint32_t *process; /* for each sample: its process frame + 1, or 0 */
	uint32_t *stack;   /* room for the deepest one */
};

static const int64_t lines_differ = -1;

/* A function starts in one place; of lines where it was seen, only a single one tells anything. */
static void learn_line(struct frame *frame, int64_t start_line, int64_t line)
{
	int64_t seen = start_line > 0 ? start_line : line;

	if (seen <= 0 || frame->line == seen)
		return;
	frame->line = frame->line ? lines_differ : seen;
}

static int add_frame(struct frames *frames, const struct frame_key *key, uint32_t *ret_number)
{
	const struct profile *profile = frames->profile;
	struct frame frame = {
		.name = key->made_name ? intern_get(frames->made_names, key->made_name - 1, NULL)
				       : profile_string(profile, key->name),
		.module = profile_string(profile, key->module),
		.file = profile_string(profile, key->file),
		.kind = key->kind,
	};
	int err = intern_add(frames->keys, key, sizeof(*key), ret_number);

	if (err || *ret_number < frames->count)
		return err;
	return array_add(frames, frame);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* For a place without a function: what can be said of it. */
static int make_name(struct frames *frames, const struct location_record *location,
		     const char *module, struct frame_key *key)
{
	char text[UTF8_MAX_BYTES + 32];
	uint32_t index;
	int length, err;

	if (!location->address)
		length = snprintf(text, sizeof(text), "%s", *module ? module : "[unknown]");
	else
		length = snprintf(text, sizeof(text), "%s%s0x%" PRIx64, base_name(module),
				  *module ? "+" : "", location->address);
	err = intern_add(frames->made_names, text, (size_t)length, &index);
	key->made_name = index + 1;
	return err;
}

static bool is_special(const char *name)
{
	size_t length = strlen(name);

	return length > 2 && name[0] == '[' && name[length - 1] == ']';
}

/* Adds the frame of one line of @location, or of the bare location if @line is NULL. */
static int add_line(struct frames *frames, const struct location_record *location,
		    const struct profile_line *line)
{
	static const struct mapping_record no_mapping;
	static const struct function_record no_function;
	const struct profile *profile = frames->profile;
	const struct mapping_record *mapping =
		location->mapping ? profile_mapping(profile, location->mapping) : &no_mapping;
	const struct function_record *function =
		line ? profile_function(profile, line->function) : &no_function;
	struct frame_key key = {
		.name = function->name,
		.module = mapping->filename,
		.file = function->filename,
		.kind = mapping->is_kernel ? FRAME_KERNEL : FRAME_CODE,
	};
	uint32_t number;
	int err = 0;

	if (!key.name)
		err = make_name(frames, location, profile_string(profile, key.module), &key);
	else if (is_special(profile_string(profile, key.name)))
		key.kind = FRAME_SPECIAL;
	if (!err)
		err = add_frame(frames, &key, &number);
	if (err)
		return err;
	learn_line(&frames->items[number], function->start_line, line ? line->line : 0);
	return array_add(&frames->numbers, number);
}

static int add_locations(struct frames *frames)
{
	const struct profile *profile = frames->profile;
	size_t count = intern_count(profile->locations);

	frames->first = calloc(count + 1, sizeof(*frames->first));
	if (!frames->first)
		return -ENOMEM;
	for (size_t i = 1; i <= count; i++) {
		const struct location_record *location = profile_location(profile, i);
		size_t left = location->line_count;
		int err = left ? 0 : add_line(frames, location, NULL);

		while (!err && left)
			err = add_line(frames, location, &location->lines[--left]);
		if (err)
			return err;
		frames->first[i] = frames->numbers.count;
	}
	return 0;
}

static size_t frames_at(const struct frames *frames, uint64_t location)
{
	return frames->first[location] - frames->first[location - 1];
}

/* The process frame of a sample, if it has the label, and how deep its stack is. */
static int measure_sample(struct frames *frames, size_t index, uint32_t comm, size_t *ret_depth)
{
	const struct sample_record *sample = profile_sample(frames->profile, index);
	const struct label_record *labels = sample_labels(sample);
	size_t depth = 1;

	for (size_t i = 0; i < sample->location_count; i++)
		depth += frames_at(frames, sample->locations[i]);
	*ret_depth = depth;

	for (size_t i = 0; comm && i < sample->label_count; i++) {
		struct frame_key key = { .name = labels[i].text, .kind = FRAME_PROCESS };
		uint32_t number;
		int err;

		if (labels[i].key != comm || !labels[i].text)
			continue;
		err = add_frame(frames, &key, &number);
		frames->process[index] = number + 1;
		return err;
	}
	return 0;
}

static int measure_samples(struct frames *frames)
{
	static const char label[] = "comm";
	const struct profile *profile = frames->profile;
	size_t count = profile_sample_count(profile), deepest = 1;
	uint32_t comm = 0;

	if (intern_find(profile->strings, label, sizeof(label) - 1, &comm))
		comm = 0;
	frames->process = calloc(count + 1, sizeof(*frames->process));
	if (!frames->process)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t depth;
		int err = measure_sample(frames, i, comm, &depth);

		if (err)
			return err;
		if (depth > deepest)
			deepest = depth;
	}
	frames->stack = calloc(deepest, sizeof(*frames->stack));
	return frames->stack ? 0 : -ENOMEM;
}

int frames_new(struct frames **out, const struct profile *profile)
{
	AUTO(frames) frames = calloc(1, sizeof(*frames));
	int err;

	if (!frames)
		return -ENOMEM;
	frames->profile = profile;
	err = intern_new(&frames->keys, SIZE_MAX);
	if (!err)
		err = intern_new(&frames->made_names, SIZE_MAX);
	if (!err)
		err = add_locations(frames);
	if (!err)
		err = measure_samples(frames);
	if (err)
		return err;
	for (size_t i = 0; i < frames->count; i++) {
		if (frames->items[i].line == lines_differ)
			frames->items[i].line = 0;
	}

	*out = take(frames);
	return 0;
}

size_t frames_count(const struct frames *frames)
{
	return frames->count;
}

const struct frame *frames_get(const struct frames *frames, uint32_t number)
{
	return &frames->items[number];
}

size_t frames_of_sample(struct frames *frames, size_t index, const uint32_t **ret_stack)
{
	const struct sample_record *sample = profile_sample(frames->profile, index);
	size_t depth = 0;

	if (frames->process[index])
		frames->stack[depth++] = frames->process[index] - 1;
	for (size_t i = sample->location_count; i > 0; i--) {
		uint64_t location = sample->locations[i - 1];
		size_t count = frames_at(frames, location);

		memcpy(frames->stack + depth, frames->numbers.items + frames->first[location - 1],
		       count * sizeof(*frames->stack));
		depth += count;
	}
	*ret_stack = frames->stack;
	return depth;
}

void frames_free(struct frames *frames)
{
	if (!frames)
		return;
	intern_free(frames->keys);
	intern_free(frames->made_names);
	free(frames->items);
	free(frames->first);
	free(frames->numbers.items);
	free(frames->process);
	free(frames->stack);
	free(frames);
}
