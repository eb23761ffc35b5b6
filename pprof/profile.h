/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"

/*
 * profile - stacks with values, as every format of this room writes them.
 *
 * A builder in the shape of pprof: samples refer to locations, locations to functions and a
 * mapping, all of them to one table of strings. Each table holds a thing once; what add returns
 * is its number, from 1 on and dense, in the order of first use, and 0 is "none". Strings may be
 * any bytes, and NULL is "": they are made valid UTF-8 without control characters on the way in,
 * and cut to 4 KiB.
 */
struct profile;

/* What a value counts: "samples" in "count", "cpu" in "nanoseconds". */
struct profile_value_type {
	const char *type;
	const char *unit;
};

struct profile_options {
	const struct profile_value_type *value_types; /* the last one is shown by default */
	size_t value_type_count;                      /* 1 to PROFILE_MAX_VALUES */
	struct profile_value_type period_type;
	int64_t period;      /* in the unit of period_type */
	int64_t time_ns;     /* start of collection, Unix time */
	int64_t duration_ns; /* length of collection */
};

enum {
	PROFILE_MAX_VALUES = 4
};

/* A file whose code was running. Two mappings are the same if all fields are. */
struct profile_mapping {
	const char *filename;
	const char *build_id; /* lower-case hex, "" if none */
	bool has_functions;   /* may be claimed: pprof's flag if every location has a function */
	bool is_kernel;       /* kept for colouring, not part of pprof */
};

struct profile_function {
	const char *name;
	const char *system_name; /* mangled, same as name if it is not */
	const char *filename;    /* "" if unknown */
	int64_t start_line;      /* 0 if unknown */
};

struct profile_line {
	uint64_t function; /* number of a function */
	int64_t line;      /* 0 if unknown */
};

/* Innermost inlined function first. */
struct profile_location {
	uint64_t mapping; /* number of a mapping, or 0 */
	uint64_t address; /* ELF virtual address, kernel address, or 0 */
	const struct profile_line *lines;
	size_t line_count;
};

/* Either text, or a number if text is NULL. The text "" leaves the label out: pprof has no such. */
struct profile_label {
	const char *key;
	const char *text;
	int64_t number;
};

/* Leaf first. Equal samples are added up, whatever the order of their labels. */
struct profile_sample {
	const uint64_t *locations; /* numbers of locations, at least one */
	size_t location_count;
	const int64_t *values; /* one for each value type */
	const struct profile_label *labels;
	size_t label_count;
};

/* profile_new() - an empty profile. Return: 0, -EINVAL for bad value types, or -ENOMEM. */
int profile_new(struct profile **out, const struct profile_options *options);

/* Each: 0 and the thing's number, -EINVAL if it refers to what is not there, or -ENOMEM. */
int profile_add_mapping(struct profile *profile, const struct profile_mapping *mapping,
			uint64_t *ret_number);
int profile_add_function(struct profile *profile, const struct profile_function *function,
			 uint64_t *ret_number);
int profile_add_location(struct profile *profile, const struct profile_location *location,
			 uint64_t *ret_number);

/*
 * profile_add_sample() - 0, -ENOMEM, or -EINVAL if a location is not there, or if there are none
 * or absurdly many of locations (65536) or labels (1024).
 */
int profile_add_sample(struct profile *profile, const struct profile_sample *sample);

/* profile_add_comment() - a line of free text that travels with the profile. 0 or -ENOMEM. */
int profile_add_comment(struct profile *profile, const char *text);

/* profile_total() - the sum of value @index over all samples. */
int64_t profile_total(const struct profile *profile, size_t index);

/* profile_sample_count() - how many distinct samples there are. */
size_t profile_sample_count(const struct profile *profile);

void profile_free(struct profile *profile);
DEFINE_AUTO(profile);
