/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "pprof/profile.h"

/*
 * frames - the stacks of a profile as people read them: names, root first, inlined calls unfolded.
 *
 * Text formats show functions, not addresses: a frame is what has the same name, module and file.
 * A sample's label "comm" is the root frame of its stack. Nothing here outlives the profile.
 */
struct frames;

enum frame_kind {
	FRAME_CODE,
	FRAME_KERNEL,
	FRAME_SPECIAL, /* stands for what is not known: "[truncated]" */
	FRAME_PROCESS, /* made of the label "comm" */
};

struct frame {
	const char *name;   /* never empty: "libc.so.6+0x2a10" or "[unknown]" for lack of better */
	const char *module; /* file name of the mapping, "" if none */
	const char *file;   /* of the source, "" if unknown */
	int64_t line;       /* where the function starts, else the one line seen in it, else 0 */
	enum frame_kind kind;
};

/* frames_new() - the frames of all locations of @profile. Return: 0 or -ENOMEM. */
int frames_new(struct frames **out, const struct profile *profile);

/* frames_count() - how many there are; a stack is made of the numbers 0 to count - 1. */
size_t frames_count(const struct frames *frames);

/* frames_get() - borrowed until frames_free(). */
const struct frame *frames_get(const struct frames *frames, uint32_t number);

/*
 * frames_of_sample() - the stack of sample @index, root first.
 * @ret_stack: borrowed until the next call
 *
 * Return: how deep the stack is.
 */
size_t frames_of_sample(struct frames *frames, size_t index, const uint32_t **ret_stack);

void frames_free(struct frames *frames);
DEFINE_AUTO(frames);
