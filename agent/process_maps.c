// SPDX-License-Identifier: Apache-2.0
#include "agent/process_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/array.h"

enum {
	MAX_PROCESSES = 1024,
	MAX_LIST = 8192,        /* mappings of code in a process; what is above is not known */
	MAX_MAPPINGS = 1 << 18, /* in all processes: 14 MiB */
	TEXT_BYTES = 1 << 16,
	MAX_TEXT_BYTES = 32 << 20, /* of one process */
	COST_FACTOR = 10, /* the longest pause between readings, in times of the last one */
};
static const uint64_t MIN_AGE_NS = 100000000;       /* of a list, before it is read again */
static const uint64_t MIN_MISSED_AGE_NS = 10000000; /* where an address is missing in it */
static const uint64_t FORGET_NS = 10000000000;

struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t file_offset;
	uint64_t inode;
	uint64_t word; /* frame word of start */
	uint32_t device;
};

/* Ascending. */
struct mapping_list {
	struct mapping *items;
	size_t count;
	size_t capacity;
	uint64_t read_ns; /* 0: never */
};

struct process {
	uint32_t tgid;
	struct mapping_list current;
	struct mapping_list before; /* the last one of the program that ran before */
	uint64_t tried_ns;          /* to read, with or without success */
	uint64_t cost_ns;           /* of that */
	uint64_t used_ns;
};

struct process_maps {
	struct process_maps_options options;
	struct process *items; /* ascending by tgid */
	size_t count;
	size_t capacity;
	size_t mapping_count;
	char *text; /* TEXT_BYTES */
};

static uint64_t now_ns(const struct process_maps *maps)
{
	return maps->options.now_ns(maps->options.context);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void drop_list(struct process_maps *maps, struct mapping_list *list)
{
	maps->mapping_count -= list->count;
	free(list->items);
	*list = (struct mapping_list){};
}

static const struct mapping *find_mapping(const struct mapping_list *list, uint64_t addr)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->items[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count && list->items[low].start <= addr ? &list->items[low] : NULL;
}

bool mapping_list_find(const struct mapping_list *list, uint64_t addr, uint64_t *ret_word)
{
	const struct mapping *mapping = find_mapping(list, addr);

	if (!mapping)
		return false;
	*ret_word = mapping->word + (addr - mapping->start);
	return true;
}

/* What was known of it stays, if it is the same mapping as before. */
static int add_line(struct process_maps *maps, struct process *process, struct mapping_list *list,
		    const struct maps_line *line, uint32_t tid)
{
	const struct mapping *known = find_mapping(&process->current, line->start);
	struct mapping mapping = {
		.start = line->start,
		.end = line->end,
		.file_offset = line->file_offset,
		.inode = line->inode,
		.device = line->device,
	};
	int err;

	if (!(line->flags & MAPS_EXECUTABLE) || list->count >= MAX_LIST)
		return 0;
	if (known && known->start == line->start && known->end == line->end &&
	    known->file_offset == line->file_offset && known->inode == line->inode &&
	    known->device == line->device) {
		mapping.word = known->word;
	} else {
		err = maps->options.place(maps->options.context, tid, line, &mapping.word);
		if (err)
			return err;
	}
	return array_add(list, mapping);
}

/* All whole lines in the buffer; what is left of them is moved to its begin. */
static int add_lines(struct process_maps *maps, struct process *process, struct mapping_list *list,
		     uint32_t tid, size_t *size)
{
	const char *end = maps->text + *size;
	const char *next = maps->text;
	struct maps_line line;
	int err = 0;

	while (!err && memchr(next, '\n', (size_t)(end - next))) {
		if (maps_line_parse(&line, next, (size_t)(end - next), &next))
			err = add_line(maps, process, list, &line, tid);
	}
	*size = (size_t)(end - next);
	memmove(maps->text, next, *size);
	return err;
}

/* Of a process that is gone there is no file, or an empty one. */
static int read_file(struct process_maps *maps, struct process *process, struct mapping_list *list,
		     uint32_t tid)
{
	char path[128];
	size_t size = 0, total = 0;
	ssize_t length;
	int err = 0;

	snprintf(path, sizeof(path), "%s/%u/maps", maps->options.proc, tid);
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (!err && total < MAX_TEXT_BYTES) {
		length = read(fd, maps->text + size, TEXT_BYTES - size);
		if (length <= 0)
			break;
		size += (size_t)length;
		total += (size_t)length;
		err = add_lines(maps, process, list, tid, &size);
		/* A line that does not fit is none. */
		size = size == TEXT_BYTES ? 0 : size;
	}
	return err;
}

/* ---- processes ------------------------------------------------------------------------------- */

static void release(struct process_maps *maps, struct process *process)
{
	drop_list(maps, &process->current);
	drop_list(maps, &process->before);
}

static void remove_at(struct process_maps *maps, size_t at)
{
	release(maps, &maps->items[at]);
	maps->count--;
	memmove(&maps->items[at], &maps->items[at + 1], (maps->count - at) * sizeof(*maps->items));
}

static void evict_oldest(struct process_maps *maps)
{
	size_t oldest = 0;

	for (size_t i = 1; i < maps->count; i++) {
		if (maps->items[i].used_ns < maps->items[oldest].used_ns)
			oldest = i;
	}
	remove_at(maps, oldest);
}

static size_t position_of(const struct process_maps *maps, uint32_t tgid)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (maps->items[middle].tgid < tgid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int find_or_add(struct process_maps *maps, uint32_t tgid, struct process **ret)
{
	size_t at = position_of(maps, tgid);
	int err;

	if (at < maps->count && maps->items[at].tgid == tgid) {
		*ret = &maps->items[at];
		return 0;
	}
	while (maps->count && (maps->count >= MAX_PROCESSES || maps->mapping_count > MAX_MAPPINGS))
		evict_oldest(maps);
	err = array_grow(&maps->items, &maps->capacity, maps->count, sizeof(*maps->items));
	if (err)
		return err;
	at = position_of(maps, tgid);
	memmove(&maps->items[at + 1], &maps->items[at], (maps->count - at) * sizeof(*maps->items));
	maps->count++;
	maps->items[at] = (struct process){ .tgid = tgid };
	*ret = &maps->items[at];
	return 0;
}

/* ---- what a moment gets ------------------------------------------------------------------------ */

/* The list replaces the one before, which is kept if it was of another program. */
static int read_again(struct process_maps *maps, struct process *process,
		      const struct process_moment *moment, uint64_t image_ns)
{
	struct mapping_list fresh = { .read_ns = now_ns(maps) };
	int err;

	process->tried_ns = fresh.read_ns;
	/* By thread, since the first one may be gone; or by process, since the thread may be. */
	err = read_file(maps, process, &fresh, moment->tid);
	if (!err && !fresh.count)
		err = read_file(maps, process, &fresh, moment->tgid);
	process->cost_ns = now_ns(maps) - fresh.read_ns;
	maps->mapping_count += fresh.count;
	if (err || !fresh.count) {
		drop_list(maps, &fresh);
		return err;
	}
	if (process->current.read_ns && process->current.read_ns < image_ns) {
		drop_list(maps, &process->before);
		process->before = process->current;
	} else {
		drop_list(maps, &process->current);
	}
	process->current = fresh;
	return 0;
}

/* One that was read while the process ran the program of the moment. */
static const struct mapping_list *list_of(const struct process *process,
					  const struct process_moment *moment, uint64_t image_ns)
{
	const struct mapping_list *current = &process->current, *before = &process->before;

	if (moment->time_ns >= image_ns)
		return current->read_ns && current->read_ns >= image_ns ? current : NULL;
	if (current->read_ns && current->read_ns < image_ns)
		return current;
	return before->read_ns && before->read_ns < image_ns ? before : NULL;
}

/* Whether a list read now may be better for the moment than the one that there is. */
static bool is_due(const struct process *process, const struct process_moment *moment,
		   uint64_t image_ns, uint64_t min_age_ns)
{
	uint64_t age = process->used_ns - process->tried_ns;

	if (process->tried_ns >= moment->time_ns || moment->time_ns < image_ns)
		return false;
	return process->tried_ns < image_ns ||
	       (age >= min_age_ns && age >= COST_FACTOR * process->cost_ns);
}

static int get(struct process_maps *maps, const struct process_moment *moment, uint64_t min_age_ns,
	       const struct mapping_list **ret)
{
	uint64_t image_ns = maps->options.image_start(maps->options.context, moment->tgid);
	struct process *process;
	int err = find_or_add(maps, moment->tgid, &process);

	if (err)
		return err;
	process->used_ns = now_ns(maps);
	if (is_due(process, moment, image_ns, min_age_ns))
		err = read_again(maps, process, moment, image_ns);
	*ret = list_of(process, moment, image_ns);
	return err;
}

int process_maps_get(struct process_maps *maps, const struct process_moment *moment,
		     const struct mapping_list **ret)
{
	return get(maps, moment, MIN_AGE_NS, ret);
}

int process_maps_renew(struct process_maps *maps, const struct process_moment *moment,
		       const struct mapping_list **ret)
{
	return get(maps, moment, MIN_MISSED_AGE_NS, ret);
}

void process_maps_turn(struct process_maps *maps)
{
	uint64_t now = now_ns(maps);

	for (size_t i = maps->count; i-- > 0;) {
		if (now - maps->items[i].used_ns >= FORGET_NS)
			remove_at(maps, i);
	}
}

int process_maps_new(struct process_maps **out, const struct process_maps_options *options)
{
	AUTO(process_maps) maps = calloc(1, sizeof(*maps));

	if (!maps)
		return -ENOMEM;
	maps->options = *options;
	maps->text = malloc(TEXT_BYTES);
	if (!maps->text)
		return -ENOMEM;
	*out = take(maps);
	return 0;
}

void process_maps_free(struct process_maps *maps)
{
	if (!maps)
		return;
	for (size_t i = 0; i < maps->count; i++)
		release(maps, &maps->items[i]);
	free(maps->items);
	free(maps->text);
	free(maps);
}
