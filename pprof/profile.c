// SPDX-License-Identifier: Apache-2.0
#include "pprof/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/array.h"
#include "pprof/profile_tables.h"
#include "pprof/utf8.h"

enum {
	MAX_DEPTH = 1 << 16,  /* far beyond what any unwinder here yields */
	MAX_LINES = 1 << 10,  /* functions inlined into each other at one address */
	MAX_LABELS = 1 << 10, /* of one sample */
};

/* A profile is one window or one short recording; what needs more is a mistake. */
static const size_t max_table_bytes = (size_t)256 << 20;

/* A full table and a full machine are the same to those who add. */
static int add_bytes(struct intern *table, const void *bytes, size_t length, uint32_t *ret_index)
{
	int err = intern_add(table, bytes, length, ret_index);

	return err == -ENOSPC ? -ENOMEM : err;
}

static int add_record(struct intern *table, const void *record, size_t length, uint64_t *ret_number)
{
	uint32_t index;
	int err = add_bytes(table, record, length, &index);

	if (!err)
		*ret_number = (uint64_t)index + 1;
	return err;
}

static int add_string(struct profile *profile, const char *text, uint32_t *ret_string)
{
	char clean[UTF8_MAX_BYTES + 1];
	size_t length = utf8_clean(clean, text ? text : "");

	return add_bytes(profile->strings, clean, length, ret_string);
}

static bool is_number_in(const struct intern *table, uint64_t number)
{
	return number >= 1 && number <= intern_count(table);
}

static int reserve_scratch(struct profile *profile, size_t bytes)
{
	void *grown;

	if (bytes <= profile->scratch_bytes)
		return 0;
	grown = realloc(profile->scratch, bytes);
	if (!grown)
		return -ENOMEM;
	profile->scratch = grown;
	profile->scratch_bytes = bytes;
	return 0;
}

static int add_type(struct profile *profile, const struct profile_value_type *type,
		    struct type_record *out)
{
	int err = add_string(profile, type->type, &out->type);

	if (!err)
		err = add_string(profile, type->unit, &out->unit);
	return err;
}

static bool options_are_valid(const struct profile_options *options)
{
	if (options->value_type_count < 1 || options->value_type_count > PROFILE_MAX_VALUES)
		return false;
	for (size_t i = 0; i < options->value_type_count; i++) {
		const struct profile_value_type *type = &options->value_types[i];

		if (!type->type || !type->type[0] || !type->unit || !type->unit[0])
			return false;
	}
	return true;
}

static int make_tables(struct profile *profile)
{
	struct intern **tables[] = { &profile->strings, &profile->mappings, &profile->functions,
				     &profile->locations, &profile->samples };
	uint32_t empty;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		int err = intern_new(tables[i], max_table_bytes);

		if (err)
			return err;
	}
	return add_string(profile, "", &empty);
}

int profile_new(struct profile **out, const struct profile_options *options)
{
	AUTO(profile) profile = NULL;
	int err;

	if (!options_are_valid(options))
		return -EINVAL;
	profile = calloc(1, sizeof(*profile));
	if (!profile)
		return -ENOMEM;
	profile->value_type_count = options->value_type_count;
	profile->period = options->period;
	profile->time_ns = options->time_ns;
	profile->duration_ns = options->duration_ns;

	err = make_tables(profile);
	for (size_t i = 0; !err && i < options->value_type_count; i++)
		err = add_type(profile, &options->value_types[i], &profile->value_types[i]);
	if (!err)
		err = add_type(profile, &options->period_type, &profile->period_type);
	if (err)
		return err;

	*out = take(profile);
	return 0;
}

int profile_add_mapping(struct profile *profile, const struct profile_mapping *mapping,
			uint64_t *ret_number)
{
	struct mapping_record record = {
		.has_functions = mapping->has_functions,
		.is_kernel = mapping->is_kernel,
	};
	int err = add_string(profile, mapping->filename, &record.filename);

	if (!err)
		err = add_string(profile, mapping->build_id, &record.build_id);
	if (!err)
		err = add_record(profile->mappings, &record, sizeof(record), ret_number);
	return err;
}

int profile_add_function(struct profile *profile, const struct profile_function *function,
			 uint64_t *ret_number)
{
	struct function_record record = { .start_line = function->start_line };
	int err = add_string(profile, function->name, &record.name);

	if (!err)
		err = add_string(profile, function->system_name, &record.system_name);
	if (!err)
		err = add_string(profile, function->filename, &record.filename);
	if (!err)
		err = add_record(profile->functions, &record, sizeof(record), ret_number);
	return err;
}

int profile_add_location(struct profile *profile, const struct profile_location *location,
			 uint64_t *ret_number)
{
	size_t bytes = sizeof(struct location_record);
	struct location_record *record;
	int err;

	if (location->line_count > MAX_LINES ||
	    (location->mapping && !is_number_in(profile->mappings, location->mapping)))
		return -EINVAL;
	for (size_t i = 0; i < location->line_count; i++) {
		if (!is_number_in(profile->functions, location->lines[i].function))
			return -EINVAL;
	}

	bytes += location->line_count * sizeof(*location->lines);
	err = reserve_scratch(profile, bytes);
	if (err)
		return err;
	record = profile->scratch;
	record->mapping = location->mapping;
	record->address = location->address;
	record->line_count = location->line_count;
	for (size_t i = 0; i < location->line_count; i++)
		record->lines[i] = location->lines[i];
	return add_record(profile->locations, record, bytes, ret_number);
}

static int compare_labels(const void *left, const void *right)
{
	const struct label_record *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->text != b->text)
		return a->text < b->text ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

/* Sorted, so that the order in which labels are given makes no difference. */
static int fill_labels(struct profile *profile, const struct profile_sample *sample,
		       struct label_record *out, uint32_t *ret_count)
{
	uint32_t count = 0;

	for (size_t i = 0; i < sample->label_count; i++) {
		const struct profile_label *label = &sample->labels[i];
		struct label_record *record = &out[count];
		int err;

		/* pprof cannot tell an empty text from none. */
		if (label->text && !label->text[0])
			continue;
		*record = (struct label_record){ .number = label->text ? 0 : label->number };
		err = add_string(profile, label->key, &record->key);
		if (!err)
			err = add_string(profile, label->text, &record->text);
		if (err)
			return err;
		count++;
	}
	if (count)
		qsort(out, count, sizeof(*out), compare_labels);
	*ret_count = count;
	return 0;
}

/* Puts the record of @sample into the scratch space. */
static int fill_sample(struct profile *profile, const struct profile_sample *sample,
		       size_t *ret_bytes)
{
	size_t bytes = sizeof(struct sample_record) + sample->location_count * sizeof(uint64_t);
	struct sample_record *record;
	struct label_record *labels;
	int err = reserve_scratch(profile, bytes + sample->label_count * sizeof(*labels));

	if (err)
		return err;
	record = profile->scratch;
	record->location_count = (uint32_t)sample->location_count;
	memcpy(record->locations, sample->locations, sample->location_count * sizeof(uint64_t));
	labels = (struct label_record *)(record->locations + sample->location_count);
	err = fill_labels(profile, sample, labels, &record->label_count);
	*ret_bytes = bytes + record->label_count * sizeof(*labels);
	return err;
}

static bool sample_is_valid(const struct profile *profile, const struct profile_sample *sample)
{
	if (!sample->location_count || sample->location_count > MAX_DEPTH ||
	    sample->label_count > MAX_LABELS)
		return false;
	for (size_t i = 0; i < sample->location_count; i++) {
		if (!is_number_in(profile->locations, sample->locations[i]))
			return false;
	}
	return true;
}

int profile_add_sample(struct profile *profile, const struct profile_sample *sample)
{
	size_t count = profile_sample_count(profile);
	uint32_t index;
	int64_t *values;
	size_t bytes;
	int err;

	if (!sample_is_valid(profile, sample))
		return -EINVAL;
	err = fill_sample(profile, sample, &bytes);
	/* Room for the values first: a sample without values must never stand in the table. */
	if (!err)
		err = array_grow(&profile->values, &profile->sample_capacity, count,
				 profile->value_type_count * sizeof(*profile->values));
	if (!err)
		err = add_bytes(profile->samples, profile->scratch, bytes, &index);
	if (err)
		return err;

	values = profile_values(profile, index);
	if (index == count)
		memset(values, 0, profile->value_type_count * sizeof(*values));
	for (size_t i = 0; i < profile->value_type_count; i++)
		values[i] = add_saturating(values[i], sample->values[i]);
	return 0;
}

int profile_add_comment(struct profile *profile, const char *text)
{
	uint32_t string;
	int err = add_string(profile, text, &string);

	return err ? err : array_add(&profile->comments, string);
}

int64_t profile_total(const struct profile *profile, size_t index)
{
	size_t count = profile_sample_count(profile);
	int64_t total = 0;

	if (index >= profile->value_type_count)
		return 0;
	for (size_t i = 0; i < count; i++)
		total = add_saturating(total, profile_values(profile, i)[index]);
	return total;
}

size_t profile_sample_count(const struct profile *profile)
{
	return intern_count(profile->samples);
}

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	intern_free(profile->strings);
	intern_free(profile->mappings);
	intern_free(profile->functions);
	intern_free(profile->locations);
	intern_free(profile->samples);
	free(profile->values);
	free(profile->comments.items);
	free(profile->scratch);
	free(profile);
}
