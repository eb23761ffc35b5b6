/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pprof/format.h"

/*
 * test_profile_fixture - small profiles in a line or two, for the tests of pprof/.
 *
 * What fails here fails the test by a NULL or a number 0 that it then stumbles on.
 */
static const struct profile_value_type fixture_types[] = {
	{ "samples", "count" },
	{ "cpu", "nanoseconds" },
};

/* An empty profile of samples and CPU time at 100 Hz. */
static inline struct profile *fixture_new(void)
{
	const struct profile_options options = {
		.value_types = fixture_types,
		.value_type_count = 2,
		.period_type = { "cpu", "nanoseconds" },
		.period = 10000000,
		.time_ns = 1700000000000000000,
		.duration_ns = 10000000000,
	};
	struct profile *profile = NULL;

	return profile_new(&profile, &options) ? NULL : profile;
}

static inline uint64_t fixture_function(struct profile *profile, const char *name)
{
	const struct profile_function function = { .name = name, .system_name = name };
	uint64_t number = 0;

	return profile_add_function(profile, &function, &number) ? 0 : number;
}

static inline uint64_t fixture_mapping(struct profile *profile, const char *filename)
{
	const struct profile_mapping mapping = { .filename = filename, .has_functions = true };
	uint64_t number = 0;

	return profile_add_mapping(profile, &mapping, &number) ? 0 : number;
}

/* A place in @mapping, or in none if 0, that is all of function @name; bare if @name is NULL. */
static inline uint64_t fixture_location(struct profile *profile, uint64_t mapping, uint64_t address,
					const char *name)
{
	const struct profile_line line = { name ? fixture_function(profile, name) : 0, 0 };
	const struct profile_location location = { mapping, address, &line, name ? 1 : 0 };
	uint64_t number = 0;

	return profile_add_location(profile, &location, &number) ? 0 : number;
}

/* Adds @count samples, of 10 ms each, of the one-line locations @stack, leaf first. */
static inline int fixture_sample(struct profile *profile, const uint64_t *stack, size_t depth,
				 const char *comm, int64_t count)
{
	const struct profile_label label = { "comm", comm, 0 };
	const int64_t values[] = { count, count * 10000000 };
	const struct profile_sample sample = { stack, depth, values, &label, comm ? 1 : 0 };

	return profile_add_sample(profile, &sample);
}

/* The same with the names of functions, leaf first, and NULL behind the last one. */
static inline int fixture_stack(struct profile *profile, const char *comm, int64_t count, ...)
{
	uint64_t stack[16];
	size_t depth = 0;
	const char *name;
	va_list names;

	va_start(names, count);
	while (depth < 16 && (name = va_arg(names, const char *)))
		stack[depth++] = fixture_location(profile, 0, 0, name);
	va_end(names);
	return fixture_sample(profile, stack, depth, comm, count);
}

/* What format_write() makes of @profile, NULL if it fails; the bytes are followed by a NUL. */
static inline char *fixture_written(const struct profile *profile, enum format format,
				    size_t *ret_length)
{
	char *bytes = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&bytes, &length);
	int err = format_write(profile, format, stream);

	fclose(stream);
	if (err) {
		free(bytes);
		return NULL;
	}
	if (ret_length)
		*ret_length = length;
	return bytes;
}
