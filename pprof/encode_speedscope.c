// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "pprof/encode.h"
#include "pprof/frames.h"
#include "pprof/json.h"
#include "pprof/profile_tables.h"

/* The units that the format knows; every other value is a bare number. */
static const char *unit_of(const char *unit)
{
	static const char *const known[] = { "nanoseconds", "microseconds", "milliseconds",
					     "seconds", "bytes" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strcmp(unit, known[i]))
			return unit;
	}
	return "none";
}

static void write_frames(FILE *stream, const struct frames *frames)
{
	for (size_t i = 0; i < frames_count(frames); i++) {
		const struct frame *frame = frames_get(frames, (uint32_t)i);
		const char *file = *frame->file ? frame->file : frame->module;

		fputs(i ? ",\n{\"name\":" : "\n{\"name\":", stream);
		json_text(stream, frame->name);
		if (*file) {
			fputs(",\"file\":", stream);
			json_text(stream, file);
		}
		if (*frame->file && frame->line)
			fprintf(stream, ",\"line\":%" PRId64, frame->line);
		putc('}', stream);
	}
}

static void write_stacks(FILE *stream, const struct profile *profile, struct frames *frames)
{
	size_t shown = profile_last_value(profile);
	const char *comma = "";

	for (size_t i = 0; i < profile_sample_count(profile); i++) {
		const uint32_t *stack;
		size_t depth;

		if (profile_values(profile, i)[shown] <= 0)
			continue;
		depth = frames_of_sample(frames, i, &stack);
		fprintf(stream, "%s\n[", comma);
		for (size_t k = 0; k < depth; k++)
			fprintf(stream, "%s%" PRIu32, k ? "," : "", stack[k]);
		putc(']', stream);
		comma = ",";
	}
}

/* Returns the sum of the weights, where the time line of the viewer ends. */
static int64_t write_weights(FILE *stream, const struct profile *profile)
{
	size_t shown = profile_last_value(profile);
	const char *comma = "";
	int64_t total = 0;

	for (size_t i = 0; i < profile_sample_count(profile); i++) {
		int64_t value = profile_values(profile, i)[shown];

		if (value <= 0)
			continue;
		fprintf(stream, "%s%" PRId64, comma, value);
		total = add_saturating(total, value);
		comma = ",";
	}
	return total;
}

int encode_speedscope(const struct profile *profile, FILE *stream)
{
	const struct type_record *type = &profile->value_types[profile_last_value(profile)];
	AUTO(frames) frames = NULL;
	int64_t end;
	int err = frames_new(&frames, profile);

	if (err)
		return err;
	fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
	      "\"exporter\":\"wick\",\"name\":\"wick\",\"activeProfileIndex\":0,\n"
	      "\"shared\":{\"frames\":[",
	      stream);
	write_frames(stream, frames);
	fputs("]},\n\"profiles\":[{\"type\":\"sampled\",\"name\":", stream);
	json_text(stream, profile_string(profile, type->type));
	fputs(",\"unit\":", stream);
	json_text(stream, unit_of(profile_string(profile, type->unit)));
	fputs(",\"samples\":[", stream);
	write_stacks(stream, profile, frames);
	fputs("],\n\"weights\":[", stream);
	end = write_weights(stream, profile);
	fprintf(stream, "],\n\"startValue\":0,\"endValue\":%" PRId64 "}]}\n", end);
	return 0;
}
