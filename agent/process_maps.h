/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "agent/maps_line.h"

/*
 * process_maps - where the code of processes is mapped, by what /proc/PID/maps said a moment ago.
 *
 * Only for kernels whose own tree of mappings cannot be read. A process's list is read when a sample comes
 * that is newer than it, but not more than ten times a second and not for more than a tenth of the
 * time; at once after it executed another program, or when code is met that the list does not have. A list is
 * never used for samples of the program before or after it. Of a process that is gone the last
 * list remains for what was sampled until then. Bounded in processes and in mappings.
 */
struct process_maps;
struct mapping_list;

/* Whose sample, and from when. */
struct process_moment {
	uint32_t tgid;
	uint32_t tid;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
};

struct process_maps_options {
	const char *proc; /* where processes are listed: "/proc"; borrowed */
	void *context;
	uint64_t (*now_ns)(void *context); /* CLOCK_MONOTONIC */
	/* The frame word of the first byte of a mapping that holds code. 0 or -ENOMEM. */
	int (*place)(void *context, uint32_t tid, const struct maps_line *line, uint64_t *ret_word);
	/* When the process executed its program, CLOCK_MONOTONIC; 0: long ago. */
	uint64_t (*image_start)(void *context, uint32_t tgid);
};

/* process_maps_new() - nothing is known yet. 0 or -ENOMEM. */
int process_maps_new(struct process_maps **out, const struct process_maps_options *options);

/*
 * process_maps_get() - the code of a process at a moment.
 * @ret: borrowed until the next call; NULL if it is not known and cannot be any more
 *
 * Return: 0 or -ENOMEM.
 */
int process_maps_get(struct process_maps *maps, const struct process_moment *moment,
		     const struct mapping_list **ret);

/* process_maps_renew() - the same, when the list does not have an address: it may be too old. */
int process_maps_renew(struct process_maps *maps, const struct process_moment *moment,
		       const struct mapping_list **ret);

/* mapping_list_find() - the frame word of an address; false if there is no code. */
bool mapping_list_find(const struct mapping_list *list, uint64_t addr, uint64_t *ret_word);

/* process_maps_turn() - now and then: forgets what was not asked for in ten seconds. */
void process_maps_turn(struct process_maps *maps);

void process_maps_free(struct process_maps *maps);
DEFINE_AUTO(process_maps);
