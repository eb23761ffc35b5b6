/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/intern.h"
#include "pprof/profile.h"

/*
 * profile_tables - the inside of struct profile, for the encoders of this room only.
 *
 * Every table is an intern table whose byte strings are the records below, so "the same again"
 * is one comparison of bytes: records have no hidden padding. Strings are referred to by their
 * number in @strings, which is pprof's string table; number 0 is "".
 */
struct type_record {
	uint32_t type;
	uint32_t unit;
};

struct mapping_record {
	uint32_t filename;
	uint32_t build_id;
	uint32_t has_functions;
	uint32_t is_kernel;
};
_Static_assert(sizeof(struct mapping_record) == 16, "compared bytewise: no hidden padding");

struct function_record {
	uint32_t name;
	uint32_t system_name;
	uint32_t filename;
	uint32_t zero;
	int64_t start_line;
};
_Static_assert(sizeof(struct function_record) == 24, "compared bytewise: no hidden padding");

struct location_record {
	uint64_t mapping;
	uint64_t address;
	uint64_t line_count;
	struct profile_line lines[];
};
_Static_assert(sizeof(struct location_record) == 24, "compared bytewise: no hidden padding");
_Static_assert(sizeof(struct profile_line) == 16, "compared bytewise: no hidden padding");

struct label_record {
	uint32_t key;
	uint32_t text; /* 0: the label is a number */
	int64_t number;
};
_Static_assert(sizeof(struct label_record) == 16, "compared bytewise: no hidden padding");

/* Followed by its labels, sorted by key. */
struct sample_record {
	uint32_t location_count;
	uint32_t label_count;
	uint64_t locations[];
};
_Static_assert(sizeof(struct sample_record) == 8, "compared bytewise: no hidden padding");

struct profile {
	struct intern *strings;
	struct intern *mappings; /* here and below: number - 1 in its table */
	struct intern *functions;
	struct intern *locations;
	struct intern *samples;
	int64_t *values; /* value_type_count for each sample */
	size_t sample_capacity;

	struct type_record value_types[PROFILE_MAX_VALUES];
	size_t value_type_count;
	struct type_record period_type;
	int64_t period;
	int64_t time_ns;
	int64_t duration_ns;

	struct {
		uint32_t *items;
		size_t count;
		size_t capacity;
	} comments;

	void *scratch; /* where a record is put together before it is looked up */
	size_t scratch_bytes;
};

static inline const char *profile_string(const struct profile *profile, uint32_t string)
{
	return intern_get(profile->strings, string, NULL);
}

static inline const struct mapping_record *profile_mapping(const struct profile *profile,
							   uint64_t number)
{
	return intern_get(profile->mappings, (uint32_t)(number - 1), NULL);
}

static inline const struct function_record *profile_function(const struct profile *profile,
							     uint64_t number)
{
	return intern_get(profile->functions, (uint32_t)(number - 1), NULL);
}

static inline const struct location_record *profile_location(const struct profile *profile,
							     uint64_t number)
{
	return intern_get(profile->locations, (uint32_t)(number - 1), NULL);
}

/* Samples have no number of their own: @index is 0 to profile_sample_count() - 1. */
static inline const struct sample_record *profile_sample(const struct profile *profile,
							 size_t index)
{
	return intern_get(profile->samples, (uint32_t)index, NULL);
}

static inline const struct label_record *sample_labels(const struct sample_record *sample)
{
	return (const struct label_record *)(sample->locations + sample->location_count);
}

static inline int64_t *profile_values(const struct profile *profile, size_t sample)
{
	return profile->values + sample * profile->value_type_count;
}

/* The value type that is shown by default. */
static inline size_t profile_last_value(const struct profile *profile)
{
	return profile->value_type_count - 1;
}

/* Counts come from foreign files too; a sum that does not fit stays at the end of the scale. */
static inline int64_t add_saturating(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return a < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}
