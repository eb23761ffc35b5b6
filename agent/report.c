// SPDX-License-Identifier: Apache-2.0
#include "agent/report.h"

#include <errno.h>
#include <string.h>

#include "agent/frame_word.h"
#include "agent/place_names.h"
#include "agent/place_table.h"

enum {
	MAX_LOCATIONS = ABI_MAX_KERNEL_FRAMES + ABI_MAX_USER_FRAMES + 2
};

static const char *const verdict_marks[] = {
#define X(name, text, frame) frame,
	ABI_VERDICTS(X)
#undef X
};

struct report {
	const struct window *window;
	const struct place_table *places;
	struct profile *profile;
	uint64_t period_ns;
	struct quality *quality;
	uint64_t marks[ABI_VERDICT_KINDS]; /* locations; 0: not used yet */
	uint64_t locations[MAX_LOCATIONS]; /* of the stack at hand */
	size_t location_count;
};

/*
 * A chain of frame pointers that ends is no proof of a whole stack, since code without frame
 * pointers may leave a zero there; that the last frame is where programs begin, is.
 */
static enum abi_verdict final_verdict(const struct abi_stack *stack, const struct place *outermost)
{
	if (!outermost || !stack->user_frames || stack->verdict == ABI_VERDICT_WHOLE ||
	    stack->verdict == ABI_VERDICT_COMPAT)
		return stack->verdict;
	if (outermost->is_entry)
		return ABI_VERDICT_WHOLE;
	if (stack->flags & ABI_STACK_PENDING && stack->verdict != ABI_VERDICT_DEPTH_LIMIT)
		return ABI_VERDICT_PENDING;
	return stack->verdict == ABI_VERDICT_CHAIN_END ? ABI_VERDICT_NO_UNWIND_INFO
						       : stack->verdict;
}

static int add_mark(struct report *report, enum abi_verdict verdict)
{
	uint64_t *mark = &report->marks[verdict];
	int err = 0;

	if (!*mark)
		err = place_names_mark(report->profile, verdict_marks[verdict], mark);
	if (!err)
		report->locations[report->location_count++] = *mark;
	return err;
}

/* The stack as locations, with marks where something is missing. */
static int convert_stack(struct report *report, const struct abi_stack *stack, uint64_t count)
{
	uint32_t frames = (uint32_t)stack->kernel_frames + stack->user_frames;
	const struct place *place = NULL;
	enum abi_verdict verdict;
	int err = 0;

	report->location_count = 0;
	for (uint32_t i = 0; !err && i < frames; i++) {
		if (i == stack->kernel_frames && stack->flags & ABI_STACK_KERNEL_CUT)
			err = add_mark(report, ABI_VERDICT_DEPTH_LIMIT);
		place = place_table_find(report->places, frame_of_stack(stack, i));
		report->locations[report->location_count++] = place->location;
		report->quality->frames += count;
		report->quality->frames_named += place->is_named ? count : 0;
	}
	verdict = final_verdict(stack, place);
	report->quality->verdicts[verdict] += count;
	if (!err && (verdict != ABI_VERDICT_WHOLE || !frames))
		err = add_mark(report,
			       verdict == ABI_VERDICT_WHOLE ? ABI_VERDICT_NO_UNWIND_INFO : verdict);
	return err;
}

static int add_entry(struct report *report, const struct window_entry *entry)
{
	char comm[ABI_COMM_BYTES + 1] = {};
	int64_t values[] = { (int64_t)entry->count, (int64_t)(entry->count * report->period_ns) };
	const struct profile_label labels[] = {
		{ .key = "comm", .text = comm },
		{ .key = "pid", .number = entry->pid },
		{ .key = "tid", .number = entry->tid },
	};
	struct profile_sample sample = {
		.locations = report->locations,
		.values = values,
		.labels = labels,
		.label_count = sizeof(labels) / sizeof(*labels),
	};
	int err;

	memcpy(comm, entry->comm, sizeof(entry->comm));
	err = convert_stack(report, window_stack(report->window, entry->stack), entry->count);
	if (err)
		return err;
	sample.location_count = report->location_count;
	report->quality->exported += entry->count;
	return profile_add_sample(report->profile, &sample);
}

int report_add(const struct report_sources *sources, struct profile *profile, uint64_t period_ns,
	       struct quality *quality)
{
	AUTO(place_table) places = NULL;
	struct place_sources names = { sources->executables, sources->symbolizer, profile };
	struct report report = {
		.window = sources->window,
		.profile = profile,
		.period_ns = period_ns,
		.quality = quality,
	};
	int err = place_table_new(&places, sources->window);

	if (!err)
		err = place_names_add(&names, places);
	report.places = places;
	for (uint32_t i = 0; !err && i < window_entry_count(sources->window); i++) {
		struct window_entry entry = window_entry(sources->window, i);

		err = add_entry(&report, &entry);
	}
	return err;
}
