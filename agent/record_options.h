/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/sampler.h"
#include "pprof/format.h"

/*
 * record_options - the command line of `wick record`, understood and checked.
 *
 * Strings are borrowed from argv.
 */
enum {
	RECORD_MAX_OUTPUTS = 8,
	RECORD_MAX_PIDS = 64,
};

struct record_output {
	const char *path; /* "-": standard output */
	enum format format;
};

enum target_kind {
	TARGET_ALL,
	TARGET_PIDS,
	TARGET_CGROUP,
	TARGET_COMMAND,
};

struct record_options {
	enum target_kind target;
	pid_t pids[RECORD_MAX_PIDS];
	size_t pid_count;
	const char *cgroup;
	char **command;       /* NULL-terminated */
	uint64_t duration_ns; /* 0: until the target ends or Ctrl-C */
	uint32_t frequency_hz;
	uint32_t max_frames;      /* of the user part of a stack */
	uint32_t unwind_bytes;    /* of memory for unwind tables */
	const char *unwind_cache; /* a directory for compiled ones; NULL: none */
	struct record_output outputs[RECORD_MAX_OUTPUTS];
	size_t output_count;
	uint32_t top_rows;
	enum stack_tier tier;
	const char *btf; /* file with the kernel's types; NULL: the kernel's own */
	bool no_lines;
	bool no_inlines;
	bool allow_unsafe_kernel;
	bool quiet;
	bool verbose;
	bool help; /* asked for: nothing else is valid */
};

/*
 * record_options_parse() - Logs what is wrong with which argument.
 *
 * Return: 0 or -EINVAL.
 */
int record_options_parse(struct record_options *ret, int argc, char **argv);

/* record_writes_stdout() - whether standard output belongs to data. */
bool record_writes_stdout(const struct record_options *options);
