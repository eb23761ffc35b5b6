/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/base/cleanup.h"
#include "agent/executable_table.h"
#include "agent/sampler.h"

/*
 * preload - unwind tables of files in which samples are to be expected, before there are any.
 *
 * Goes through the files that running processes have mapped (/proc/PID/exe and /proc/PID/map_files), of the
 * targets, or of the whole machine with the busiest processes first; and through those that
 * a command is going to map. In slices, between other work. Only files are remembered, nothing of
 * processes. Of the whole machine, only so much as a bounded time of CPU allows: what is rarely used can
 * wait until it is.
 */
struct preload;

struct preload_targets {
	const pid_t *pids;
	size_t pid_count;
	const char *cgroup;   /* a directory; NULL: none */
	char *const *command; /* NULL: none */
	bool is_all;          /* of the machine */
};

/* preload_new() - nothing is read yet; everything is borrowed but @targets. Return: 0 or -ENOMEM. */
int preload_new(struct preload **out, struct sampler *sampler, struct executable_table *executables,
		const struct preload_targets *targets);

/* What there is to do. */
enum preload_state {
	PRELOAD_GOES_ON,
	PRELOAD_WAITS, /* until some of the tables are there that it asked for */
	PRELOAD_DONE,
};

/* preload_step() - work for about @budget_ns. */
enum preload_state preload_step(struct preload *preload, uint64_t budget_ns);

/* preload_run() - to the end, tables loaded, or until the time is over. */
enum preload_state preload_run(struct preload *preload, uint64_t timeout_ns);

void preload_free(struct preload *preload);
DEFINE_AUTO(preload);
