// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/array.h"
#include "symbolizer/dwarf_aranges.h"
#include "symbolizer/dwarf_lines.h"
#include "symbolizer/dwarf_names.h"
#include "symbolizer/dwarf_split.h"

static const struct dwarf_options defaults = {
	.max_effort = 400 * 1000 * 1000,
	.max_bytes = 256 << 20,
	.unit_bytes = 16 << 20,
};

#define NO_UNIT UINT64_MAX

/* An address that is asked for and not answered yet. */
struct pending {
	uint64_t address;
	uint64_t unit; /* offset of the one that has it, or NO_UNIT */
	bool is_done;
};

struct pending_list {
	struct pending *items;
	size_t count;
	size_t capacity;
};

struct dwarf_file {
	struct dwarf_options options;
	struct debug_budget budget;
	struct dwarf_image *image;      /* owned, like the rest */
	struct dwarf_image *supplement; /* or NULL */
	struct dwarf_image *package;    /* or NULL */
	struct dwarf_units units;
	struct dwarf_units supplement_units;
	struct dwarf_split split;
	struct dwarf_aranges aranges;
	struct dwarf_intervals scanned;        /* of the units that are not in @aranges */
	bool has_scanned;                      /* all of them */
	const struct dwarf_question *question; /* borrowed while it is answered */
};

static void or_default(struct dwarf_options *options)
{
	if (!options->max_effort)
		options->max_effort = defaults.max_effort;
	if (!options->max_bytes)
		options->max_bytes = defaults.max_bytes;
	if (!options->unit_bytes)
		options->unit_bytes = defaults.unit_bytes;
}

/* A file beside the main one that may be missing, or not be what it should. */
static int open_other(struct dwarf_image **out, int fd, bool is_split, struct debug_budget *budget)
{
	int err = fd >= 0 ? dwarf_image_new(out, fd, is_split, budget) : 0;

	return err == -ENOMEM ? err : 0;
}

int dwarf_file_new(struct dwarf_file **out, const struct dwarf_sources *sources,
		   const struct dwarf_options *options)
{
	AUTO(dwarf_file) file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return -ENOMEM;
	file->options = *options;
	or_default(&file->options);
	file->budget.effort = file->options.max_effort;
	file->budget.bytes = file->options.max_bytes;
	err = dwarf_image_new(&file->image, sources->fd, false, &file->budget);
	if (!err)
		err = open_other(&file->supplement, sources->supplement_fd, false, &file->budget);
	if (!err)
		err = open_other(&file->package, sources->package_fd, true, &file->budget);
	if (!err)
		err = dwarf_aranges_read(&file->aranges, file->image);
	if (err)
		return err;
	file->units.image = file->image;
	file->supplement_units.image = file->supplement;
	file->split = (struct dwarf_split){ .package = file->package, .budget = &file->budget };
	*out = take(file);
	return 0;
}

/* ---- one address ----------------------------------------------------------------------------- */

static int get_lines(struct dwarf_unit *unit)
{
	int err;

	if (unit->lines)
		return 0;
	err = dwarf_lines_new(&unit->lines, unit);
	if (!err)
		unit->bytes += dwarf_lines_bytes(unit->lines);
	return err;
}

/* A frame with room for what it points to. */
struct described {
	struct dwarf_frame frame;
	char function[DWARF_NAME_MAX];
	char file[DWARF_PATH_MAX];
};

/* An address, its unit, and the functions that are there. */
struct located {
	struct dwarf_unit *unit;
	uint64_t address;
	struct dwarf_call calls[DWARF_MAX_CALLS];
	size_t count;
};

/* The frames of one address, described and handed over; *@ret_is_done if there are any. */
static int add_answer(struct dwarf_file *file, const struct located *located, bool *ret_is_done)
{
	struct dwarf_unit *unit = located->unit;
	const struct dwarf_call *calls = located->calls;
	uint64_t address = located->address;
	size_t count = located->count;
	struct dwarf_unit *entries = dwarf_split_unit(&file->split, unit);
	struct dwarf_names names = {
		.units = entries == unit ? &file->units : NULL,
		.supplement = file->supplement ? &file->supplement_units : NULL,
	};
	struct described *described;
	struct dwarf_frame frames[DWARF_MAX_CALLS];
	uint32_t source = 0, line = 0;
	bool has_line = dwarf_lines_find(unit->lines, address, &source, &line);
	uint64_t source_file = source;
	int err;

	if (!count && !has_line)
		return 0;
	*ret_is_done = true;
	described = calloc(count ? count : 1, sizeof(*described));
	if (!described)
		return -ENOMEM;
	for (size_t i = 0; i < count || !i; i++) {
		struct described *at = &described[i];

		if (count)
			dwarf_names_find(&names, entries, &calls[i], at->function);
		if (i || has_line)
			dwarf_lines_path(unit->lines, unit, source_file, at->file);
		frames[i] = (struct dwarf_frame){ at->function, at->file, line };
		source_file = count ? calls[i].call_file : 0;
		line = count ? (uint32_t)calls[i].call_line : 0;
	}
	err = file->question->found(file->question->context, address, frames, count ? count : 1);
	free(described);
	return err;
}

static int answer(struct dwarf_file *file, struct dwarf_unit *unit, uint64_t address,
		  bool *ret_is_done)
{
	struct located located = { .unit = unit, .address = address };
	int err = get_lines(unit);

	if (!err)
		err = dwarf_functions_find(dwarf_split_unit(&file->split, unit), address,
					   located.calls, &located.count);
	return err ? err : add_answer(file, &located, ret_is_done);
}

/* ---- many of them, unit by unit -------------------------------------------------------------- */

static int compare_pending(const void *left, const void *right)
{
	const struct pending *a = left, *b = right;

	if (a->unit != b->unit)
		return a->unit < b->unit ? -1 : 1;
	return (a->address > b->address) - (a->address < b->address);
}

static uint64_t unit_of(const struct dwarf_file *file, uint64_t address)
{
	const struct dwarf_interval *found = dwarf_intervals_find(&file->aranges.list, address);

	if (!found && file->has_scanned)
		found = dwarf_intervals_find(&file->scanned, address);
	return found ? found->value : NO_UNIT;
}

static int make_list(const struct dwarf_file *file, const struct dwarf_question *question,
		     struct pending_list *list)
{
	int err = 0;

	for (size_t i = 0; i < question->count && !err; i++) {
		struct pending item = { .address = question->addresses[i] };

		item.unit = unit_of(file, item.address);
		err = array_add(list, item);
	}
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_pending);
	return err;
}

/* Answers a run of addresses of one unit. */
static int answer_run(struct dwarf_file *file, uint64_t offset, struct pending *items, size_t count)
{
	struct dwarf_unit *unit;
	int err = dwarf_units_get(&file->units, offset, &unit);

	if (err)
		return err == -ENOMEM ? err : 0;
	for (size_t i = 0; i < count && !err; i++) {
		if (items[i].is_done)
			continue;
		err = answer(file, unit, items[i].address, &items[i].is_done);
	}
	dwarf_units_trim(&file->units, file->options.unit_bytes);
	return err;
}

/* The run of items that have the unit of the first one. */
static size_t run_length(const struct pending_list *list, size_t first)
{
	size_t end = first + 1;

	while (end < list->count && list->items[end].unit == list->items[first].unit)
		end++;
	return end - first;
}

/* Notes which addresses the unit at @offset has, and answers those of @unknown that are there. */
static int scan_unit(struct dwarf_file *file, uint64_t offset, struct pending *unknown,
		     size_t count)
{
	struct dwarf_ranges ranges = { 0 };
	struct dwarf_unit *unit;
	int err = dwarf_units_get(&file->units, offset, &unit);

	if (err)
		return err == -ENOMEM ? err : 0;
	err = dwarf_ranges_add(&ranges, unit, &unit->root);
	for (size_t i = 0; i < ranges.count && !err; i++) {
		struct dwarf_interval interval = {
			.start = ranges.items[i].start,
			.end = ranges.items[i].end,
			.value = offset,
		};
		size_t low = 0, high = count, end;

		err = array_add(&file->scanned, interval);
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (unknown[middle].address < interval.start)
				low = middle + 1;
			else
				high = middle;
		}
		for (end = low; end < count && unknown[end].address < interval.end; end++)
			;
		if (!err && end > low)
			err = answer_run(file, offset, unknown + low, end - low);
	}
	free(ranges.items);
	dwarf_units_trim(&file->units, file->options.unit_bytes);
	return err;
}

/*
 * Answers addresses of known units, and on the way, for sections are read forwards, looks at all
 * units that no table speaks of. @known of the items have a unit.
 */
static int answer_scanning(struct dwarf_file *file, struct pending_list *list, size_t known)
{
	struct pending *unknown = list->items + known;
	size_t next = 0;
	uint64_t offset;
	int err = 0;

	for (size_t number = 0; !err; number++) {
		err = dwarf_units_nth(&file->units, number, &offset);
		if (err)
			break;
		while (next < known && list->items[next].unit <= offset && !err) {
			size_t length = run_length(list, next);

			err = answer_run(file, list->items[next].unit, list->items + next, length);
			next += length;
		}
		if (!err && !dwarf_aranges_covers(&file->aranges, offset))
			err = scan_unit(file, offset, unknown, list->count - known);
	}
	dwarf_intervals_sort(&file->scanned);
	file->has_scanned = true;
	for (size_t length; next < known && (!err || err == -ENOENT); next += length) {
		length = run_length(list, next);
		err = answer_run(file, list->items[next].unit, list->items + next, length);
	}
	return err == -ENOENT ? 0 : err;
}

static int answer_all(struct dwarf_file *file, struct pending_list *list)
{
	size_t known = list->count;
	int err = 0;

	while (known && list->items[known - 1].unit == NO_UNIT)
		known--;
	if (known < list->count && !file->has_scanned)
		return answer_scanning(file, list, known);
	for (size_t next = 0, length; next < known && !err; next += length) {
		length = run_length(list, next);
		err = answer_run(file, list->items[next].unit, list->items + next, length);
	}
	return err;
}

int dwarf_file_ask(struct dwarf_file *file, const struct dwarf_question *question)
{
	struct pending_list list = { 0 };
	int err = make_list(file, question, &list);

	file->budget.effort = file->options.max_effort;
	file->split.files = question->files;
	file->question = question;
	if (!err && list.count)
		err = answer_all(file, &list);
	file->split.files = NULL;
	file->question = NULL;
	free(list.items);
	return err;
}

void dwarf_file_rest(struct dwarf_file *file)
{
	dwarf_units_trim(&file->units, 0);
	dwarf_units_trim(&file->supplement_units, 0);
	dwarf_image_rest(file->image);
	dwarf_image_rest(file->supplement);
	dwarf_image_rest(file->package);
}

size_t dwarf_file_bytes(const struct dwarf_file *file)
{
	size_t bytes =
		sizeof(*file) + dwarf_image_bytes(file->image) + dwarf_units_bytes(&file->units) +
		dwarf_units_bytes(&file->supplement_units) +
		dwarf_intervals_bytes(&file->aranges.list) + dwarf_intervals_bytes(&file->scanned);

	if (file->supplement)
		bytes += dwarf_image_bytes(file->supplement);
	if (file->package)
		bytes += dwarf_image_bytes(file->package);
	return bytes;
}

void dwarf_file_free(struct dwarf_file *file)
{
	if (!file)
		return;
	dwarf_units_fini(&file->units);
	dwarf_units_fini(&file->supplement_units);
	dwarf_aranges_fini(&file->aranges);
	free(file->scanned.items);
	dwarf_image_free(file->package);
	dwarf_image_free(file->supplement);
	dwarf_image_free(file->image);
	free(file);
}
