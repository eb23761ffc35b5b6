// SPDX-License-Identifier: Apache-2.0
#include "agent/quality.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/base/cleanup.h"

/* The kernel accounts in steps of 10 ms for each CPU: below this, a rate would say little. */
static const uint64_t MIN_BUSY_NS = 1000000000;

static const char *const drop_names[] = {
#define X(name, text) text,
	ABI_DROPS(X)
#undef X
};

static const char *const verdict_names[] = {
#define X(name, text, frame) text,
	ABI_VERDICTS(X)
#undef X
};

uint64_t quality_drops(const struct quality *quality)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ABI_DROP_KINDS; i++)
		sum += quality->drops[i];
	return sum;
}

double quality_achieved_hz(const struct quality *quality)
{
	if (quality->busy_ns < MIN_BUSY_NS)
		return 0;
	return (double)quality->busy_ticks * 1e9 / (double)quality->busy_ns;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_drops(FILE *out, const struct quality *quality)
{
	fprintf(out, ", %llu lost", (unsigned long long)quality_drops(quality));
	for (size_t i = 0; i < ABI_DROP_KINDS; i++) {
		if (quality->drops[i])
			fprintf(out, " (%s %llu)", drop_names[i],
				(unsigned long long)quality->drops[i]);
	}
}

static void print_rate(FILE *out, const struct quality *quality)
{
	double achieved = quality_achieved_hz(quality);

	if (achieved > 0)
		fprintf(out, "; %.1f Hz of %u", achieved, quality->frequency_hz);
	else
		fprintf(out, "; %u Hz, on CPUs too idle to check it", quality->frequency_hz);
}

static void print_stacks(FILE *out, const struct quality *quality)
{
	fprintf(out, "; %.1f %% of stacks whole",
		percent(quality->verdicts[ABI_VERDICT_WHOLE], quality->exported));
	for (size_t i = 0; i < ABI_VERDICT_KINDS; i++) {
		if (i != ABI_VERDICT_WHOLE && quality->verdicts[i])
			fprintf(out, ", %s %.1f %%", verdict_names[i],
				percent(quality->verdicts[i], quality->exported));
	}
	if (quality->frame_pointers_only)
		fprintf(out, "; by frame pointers alone");
}

char *quality_line(const struct quality *quality)
{
	AUTO_STRING line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	if (!out)
		return NULL;
	fprintf(out, "samples: %llu taken, %llu exported", (unsigned long long)quality->taken,
		(unsigned long long)quality->exported);
	print_drops(out, quality);
	print_rate(out, quality);
	fprintf(out, "; %.1f %% of frames named", percent(quality->frames_named, quality->frames));
	print_stacks(out, quality);
	return fclose(out) ? NULL : take(line);
}
