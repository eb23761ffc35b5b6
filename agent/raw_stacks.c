// SPDX-License-Identifier: Apache-2.0
#include "agent/raw_stacks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/base/intern.h"
#include "agent/file_identity.h"
#include "agent/frame_word.h"
#include "agent/process_maps.h"

enum {
	MAX_FILE_BYTES = 16 << 20, /* of identities: some hundred thousand files */
};

struct raw_stacks {
	struct sampler *sampler;
	struct executable_table *executables;
	struct process_maps *maps;
	struct intern *files; /* abi_file; a file's id is its number here, plus one */
	struct abi_sample sample;
	uint64_t frames[ABI_MAX_KERNEL_FRAMES + ABI_MAX_USER_FRAMES]; /* of the sample */
};
_Static_assert(offsetof(struct raw_stacks, frames) ==
		       offsetof(struct raw_stacks, sample) + sizeof(struct abi_sample),
	       "no gap between header and frames");

/* ---- files --------------------------------------------------------------------------------------- */

/* If it cannot be reached any more, what the line tells must do. */
static struct abi_file identity_of(uint32_t tid, const struct maps_line *line)
{
	struct abi_file file = { .inode = line->inode, .device = line->device };
	struct abi_file found;
	char link[80];

	snprintf(link, sizeof(link), "/proc/%u/map_files/%llx-%llx", tid,
		 (unsigned long long)line->start, (unsigned long long)line->end);
	return file_identity_of_path(&found, link) ? file : found;
}

/* The last part of the path, without the mark of a deleted file. */
static void copy_name(char *ret, size_t size, const struct maps_line *line)
{
	static const char deleted[] = " (deleted)";
	size_t length = line->path_length, start;

	if (length > strlen(deleted) &&
	    !memcmp(line->path + length - strlen(deleted), deleted, strlen(deleted)))
		length -= strlen(deleted);
	for (start = length; start && line->path[start - 1] != '/'; start--)
		;
	snprintf(ret, size, "%.*s", (int)(length - start), line->path + start);
}

/* Opens it while it is there, if it was not opened before. */
static int number_file(struct raw_stacks *stacks, uint32_t tid, const struct maps_line *line,
		       uint32_t *ret_id)
{
	struct abi_executable_event event = {
		.type = ABI_RECORD_EXECUTABLE,
		.tid = tid,
		.start = line->start,
		.end = line->end,
		.file = identity_of(tid, line),
	};
	uint32_t number;
	int err = intern_add(stacks->files, &event.file, sizeof(event.file), &number);

	if (err)
		return err;
	event.id = *ret_id = number + 1;
	copy_name(event.name, sizeof(event.name), line);
	return executable_table_add(stacks->executables, &event);
}

static bool is_vdso(const struct maps_line *line)
{
	return line->path_length == 6 && !memcmp(line->path, "[vdso]", 6);
}

static int place_line(void *context, uint32_t tid, const struct maps_line *line, uint64_t *ret_word)
{
	struct raw_stacks *stacks = context;
	uint64_t last = line->file_offset + (line->end - line->start);
	uint32_t id;
	int err;

	*ret_word = line->start;
	if (is_vdso(line))
		*ret_word = ABI_FRAME_VDSO << ABI_FRAME_KIND_SHIFT;
	if (!line->inode)
		return 0;
	*ret_word = ABI_FRAME_UNKNOWN << ABI_FRAME_KIND_SHIFT | line->start;
	if (last >> ABI_FRAME_OFFSET_BITS)
		return 0;
	err = number_file(stacks, tid, line, &id);
	if (!err)
		*ret_word = ABI_FRAME_FILE << ABI_FRAME_KIND_SHIFT |
			    (uint64_t)id << ABI_FRAME_OFFSET_BITS | line->file_offset;
	return err == -ENOSPC ? 0 : err;
}

static uint64_t image_start(void *context, uint32_t tgid)
{
	const struct raw_stacks *stacks = context;

	return sampler_image_start(stacks->sampler, tgid);
}

static uint64_t now_ns(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- stacks -------------------------------------------------------------------------------------- */

/* False where the frame is no code. A leaf is: it was executed. */
static bool place_frame(uint64_t *frame, const struct mapping_list *list, bool is_leaf)
{
	uint64_t addr = frame_place(*frame);

	if (frame_kind(*frame) != ABI_FRAME_ADDRESS || mapping_list_find(list, addr, frame))
		return true;
	if (is_leaf)
		*frame = addr;
	return is_leaf;
}

/* How many frames are right, and in place now. */
static uint16_t place_frames(uint64_t *frames, uint16_t count, const struct mapping_list *list)
{
	uint16_t placed = 0;

	while (placed < count && place_frame(&frames[placed], list, !placed))
		placed++;
	return placed;
}

static bool has_all(const uint64_t *frames, uint16_t count, const struct mapping_list *list)
{
	uint64_t word;

	for (uint16_t i = 0; i < count; i++) {
		if (frame_kind(frames[i]) == ABI_FRAME_ADDRESS &&
		    !mapping_list_find(list, frame_place(frames[i]), &word))
			return false;
	}
	return true;
}

static int place_stack(struct raw_stacks *stacks, const struct process_moment *moment)
{
	struct abi_stack *stack = &stacks->sample.stack;
	uint64_t *frames = stacks->frames + stack->kernel_frames;
	const struct mapping_list *list = NULL;
	uint16_t placed;
	int err = process_maps_get(stacks->maps, moment, &list);

	if (!err && list && !has_all(frames, stack->user_frames, list))
		err = process_maps_renew(stacks->maps, moment, &list);
	if (err)
		return err;
	if (!list) {
		stack->user_frames = 0;
		stack->verdict = ABI_VERDICT_UNMAPPED;
		return 0;
	}
	placed = place_frames(frames, stack->user_frames, list);
	if (placed < stack->user_frames)
		stack->verdict = ABI_VERDICT_NO_UNWIND_INFO;
	stack->user_frames = placed;
	return 0;
}

int raw_stacks_place(struct raw_stacks *stacks, const struct abi_sample *sample,
		     const struct abi_sample **ret)
{
	size_t frames = (size_t)sample->stack.kernel_frames + sample->stack.user_frames;
	struct process_moment moment = {
		.tgid = sample->tgid,
		.tid = sample->tid,
		.time_ns = sample->time_ns,
	};

	*ret = sample;
	if (!sample->stack.user_frames)
		return 0;
	stacks->sample = *sample;
	memcpy(stacks->frames, ABI_STACK_FRAMES(&sample->stack), frames * sizeof(*stacks->frames));
	*ret = &stacks->sample;
	return place_stack(stacks, &moment);
}

void raw_stacks_turn(struct raw_stacks *stacks)
{
	process_maps_turn(stacks->maps);
}

int raw_stacks_new(struct raw_stacks **out, struct sampler *sampler,
		   struct executable_table *executables)
{
	AUTO(raw_stacks) stacks = calloc(1, sizeof(*stacks));
	struct process_maps_options options = {
		.proc = "/proc",
		.context = stacks,
		.now_ns = now_ns,
		.place = place_line,
		.image_start = image_start,
	};
	int err;

	if (!stacks)
		return -ENOMEM;
	stacks->sampler = sampler;
	stacks->executables = executables;
	err = process_maps_new(&stacks->maps, &options);
	if (!err)
		err = intern_new(&stacks->files, MAX_FILE_BYTES);
	if (err)
		return err;
	*out = take(stacks);
	return 0;
}

void raw_stacks_free(struct raw_stacks *stacks)
{
	if (!stacks)
		return;
	process_maps_free(stacks->maps);
	intern_free(stacks->files);
	free(stacks);
}
