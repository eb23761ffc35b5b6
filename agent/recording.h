/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/executable_table.h"
#include "agent/quality.h"
#include "agent/record_options.h"
#include "agent/window.h"

/*
 * recording - one interval of sampling a target, from loading the programs to the last sample.
 *
 * Afterwards it holds what was seen: a window of samples, the files they were in, and the numbers.
 */
struct recording;

/*
 * recording_new() - find the target and load everything; logs what is wrong.
 *
 * Return: 0; -ESRCH if the target does not exist; or another -errno.
 */
int recording_new(struct recording **out, const struct record_options *options);

/* recording_run() - sample until the end. 0 or -errno, logged. */
int recording_run(struct recording *recording);

/* What it saw; borrowed, valid after recording_run(). */
const struct window *recording_window(const struct recording *recording);
const struct executable_table *recording_executables(const struct recording *recording);

/* recording_command_status() - the wait(2) status of the command; -1 if none has ended. */
int recording_command_status(const struct recording *recording);

/* recording_quality() - the numbers that are known without the stacks. 0 or -errno. */
int recording_quality(const struct recording *recording, struct quality *ret);

/* Unix time of the start, length, and the time between two samples of a CPU. */
int64_t recording_start_ns(const struct recording *recording);
uint64_t recording_duration_ns(const struct recording *recording);
uint64_t recording_period_ns(const struct recording *recording);

void recording_free(struct recording *recording);
DEFINE_AUTO(recording);
