// SPDX-License-Identifier: Apache-2.0
#include "pprof/top_table.h"

#include <errno.h>
#include <string.h>

#include "pprof/frames.h"
#include "pprof/profile_tables.h"

struct row {
	const struct frame *frame;
	int64_t self;
	int64_t total;
	size_t last_sample; /* number + 1 of the last sample that it was in */
};

/* Most used first; equal ones by name, so that equal profiles print the same. */
static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left;
	const struct row *b = right;

	if (a->self != b->self)
		return a->self < b->self ? 1 : -1;
	if (a->total != b->total)
		return a->total < b->total ? 1 : -1;
	return strcmp(a->frame->name, b->frame->name);
}

static void add_sample(struct row *rows, const struct profile *profile, struct frames *frames,
		       size_t index)
{
	int64_t value = profile_values(profile, index)[profile_last_value(profile)];
	const uint32_t *stack;
	size_t depth = frames_of_sample(frames, index, &stack);

	for (size_t i = 0; i < depth; i++) {
		struct row *row = &rows[stack[i]];

		if (row->last_sample == index + 1)
			continue;
		row->last_sample = index + 1;
		row->total = add_saturating(row->total, value);
	}
	if (depth)
		rows[stack[depth - 1]].self = add_saturating(rows[stack[depth - 1]].self, value);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void print_rows(FILE *stream, const struct row *rows, size_t count, int64_t sum)
{
	double whole = sum > 0 ? (double)sum : 1;

	fprintf(stream, "%10s %7s %10s %7s  %s\n", "self", "", "total", "", "function");
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		const char *module = base_name(row->frame->module);

		fprintf(stream, "%8.3f s %6.2f%% %8.3f s %6.2f%%  %s%s%s\n",
			(double)row->self / 1e9, 100 * (double)row->self / whole,
			(double)row->total / 1e9, 100 * (double)row->total / whole,
			row->frame->name, *module ? "  " : "", module);
	}
}

int top_table_write(const struct profile *profile, size_t rows, FILE *stream)
{
	AUTO(frames) frames = NULL;
	struct row *table;
	size_t count = 0;
	int err = frames_new(&frames, profile);

	if (err)
		return err;
	table = calloc(frames_count(frames) + 1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < profile_sample_count(profile); i++)
		add_sample(table, profile, frames, i);
	for (uint32_t i = 0; i < frames_count(frames); i++) {
		const struct frame *frame = frames_get(frames, i);

		if (frame->kind == FRAME_PROCESS || !table[i].total)
			continue;
		table[count] = table[i];
		table[count++].frame = frame;
	}
	qsort(table, count, sizeof(*table), compare_rows);
	print_rows(stream, table, count < rows ? count : rows,
		   profile_total(profile, profile_last_value(profile)));
	free(table);
	return fflush(stream) || ferror(stream) ? -EIO : 0;
}
