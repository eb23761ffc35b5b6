// SPDX-License-Identifier: Apache-2.0
#include "agent/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent/base/clock.h"
#include "agent/base/intern.h"
#include "agent/base/log.h"
#include "agent/command_files.h"
#include "agent/process_list.h"

enum {
	MAX_AT_ONCE = 12,     /* tables that were asked for and are not there */
	MAX_BYTES = 4 << 20,  /* of what was seen: some 50,000 files */
	MAX_FILE = 512 << 20, /* bytes of a file; larger ones wait for a sample */
	NS_PER_MS = 1000000,
	ALL_LISTING_MS = 40, /* of CPU, to find the files of the whole machine */
	ALL_LOADING_MS = 60, /* of CPU, to compile their tables */
	LINK_BYTES = 320,
};

struct preload {
	struct sampler *sampler;
	struct executable_table *executables;
	struct preload_targets targets;
	struct intern *seen;  /* pairs of device and inode */
	struct intern *paths; /* of a command */
	uint32_t next_path;
	struct process_list *processes;
	size_t next_process;
	bool has_processes; /* the list is made */
	pid_t pid;          /* whose mappings are being read */
	DIR *mappings;      /* NULL: of none */
	uint64_t used_ns;   /* CPU */
};

int preload_new(struct preload **out, struct sampler *sampler, struct executable_table *executables,
		const struct preload_targets *targets)
{
	AUTO(preload) preload = calloc(1, sizeof(*preload));
	int err;

	if (!preload)
		return -ENOMEM;
	preload->sampler = sampler;
	preload->executables = executables;
	preload->targets = *targets;
	err = intern_new(&preload->seen, MAX_BYTES);
	if (!err)
		err = intern_new(&preload->paths, MAX_BYTES);
	if (!err)
		err = process_list_new(&preload->processes);
	if (!err && targets->command)
		err = command_files_find(preload->paths, targets->command);
	if (err)
		return err;
	*out = take(preload);
	return 0;
}

/* Ours come behind the targets: the dynamic loader and the C library, for whoever comes. */
static void list_processes(struct preload *preload)
{
	const struct preload_targets *targets = &preload->targets;
	int err = 0;

	preload->has_processes = true;
	for (size_t i = 0; !err && i < targets->pid_count; i++)
		err = process_list_add(preload->processes, targets->pids[i]);
	if (!err && targets->cgroup)
		err = process_list_add_cgroup(preload->processes, targets->cgroup);
	if (!err)
		err = process_list_add(preload->processes, getpid());
	if (!err && targets->is_all)
		err = process_list_add_all(preload->processes);
	if (err)
		log_debug("not all processes are looked at beforehand");
}

/* Whether the file at @path below @directory is one that was not seen yet, and may be read. */
static bool is_new_file(struct preload *preload, int directory, const char *path)
{
	struct stat status;
	uint32_t number;
	uint64_t pair[2];

	if (fstatat(directory, path, &status, 0) || !S_ISREG(status.st_mode))
		return false;
	pair[0] = status.st_dev;
	pair[1] = status.st_ino;
	if (!intern_find(preload->seen, pair, sizeof(pair), &number) ||
	    intern_add(preload->seen, pair, sizeof(pair), &number))
		return false;
	return status.st_size <= MAX_FILE;
}

static void expect_file(struct preload *preload, const char *path, pid_t pid)
{
	struct mapped_file file = MAPPED_FILE_NONE;

	if (!mapped_file_open_path(&file, preload->sampler, path))
		executable_table_expect(preload->executables, &file, pid);
}

static void look_at_path(struct preload *preload)
{
	const char *path = intern_get(preload->paths, preload->next_path++, NULL);

	if (is_new_file(preload, AT_FDCWD, path))
		expect_file(preload, path, 0);
}

/* Its program, and then the rest; processes that run the same program mostly have the same libraries. */
static void look_at_process(struct preload *preload)
{
	char path[LINK_BYTES];
	bool is_new;

	preload->pid = process_list_get(preload->processes, preload->next_process++);
	snprintf(path, sizeof(path), "/proc/%d/exe", preload->pid);
	is_new = is_new_file(preload, AT_FDCWD, path);
	if (is_new)
		expect_file(preload, path, preload->pid);
	if (!is_new && preload->targets.is_all)
		return;
	snprintf(path, sizeof(path), "/proc/%d/map_files", preload->pid);
	preload->mappings = opendir(path);
}

static void look_at_mapping(struct preload *preload)
{
	const struct dirent *found = readdir(preload->mappings);
	char path[LINK_BYTES];

	if (!found) {
		closedir(take(preload->mappings));
		return;
	}
	if (found->d_name[0] == '.' ||
	    !is_new_file(preload, dirfd(preload->mappings), found->d_name))
		return;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%s", preload->pid, found->d_name);
	expect_file(preload, path, preload->pid);
}

static bool has_used_its_time(const struct preload *preload)
{
	const struct table_counts *counts = executable_table_counts(preload->executables);

	return preload->targets.is_all &&
	       (preload->used_ns > (uint64_t)ALL_LISTING_MS * NS_PER_MS ||
		counts->expected_cpu_ns > (uint64_t)ALL_LOADING_MS * NS_PER_MS);
}

/* One file, or one process. */
static enum preload_state look_at_next(struct preload *preload)
{
	if (executable_table_loading(preload->executables) >= MAX_AT_ONCE)
		return PRELOAD_WAITS;
	if (preload->next_path < intern_count(preload->paths))
		look_at_path(preload);
	else if (has_used_its_time(preload))
		return PRELOAD_DONE;
	else if (!preload->has_processes)
		list_processes(preload);
	else if (preload->mappings)
		look_at_mapping(preload);
	else if (preload->next_process < process_list_count(preload->processes))
		look_at_process(preload);
	else
		return PRELOAD_DONE;
	return PRELOAD_GOES_ON;
}

enum preload_state preload_step(struct preload *preload, uint64_t budget_ns)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + budget_ns;
	uint64_t start_cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	enum preload_state state;

	do {
		state = look_at_next(preload);
	} while (state == PRELOAD_GOES_ON && clock_ns(CLOCK_MONOTONIC) < end);
	preload->used_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_cpu;
	return state;
}

enum preload_state preload_run(struct preload *preload, uint64_t timeout_ns)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + timeout_ns, now;
	enum preload_state state = PRELOAD_GOES_ON;

	while ((now = clock_ns(CLOCK_MONOTONIC)) < end) {
		state = preload_step(preload, end - now);
		now = clock_ns(CLOCK_MONOTONIC);
		if (state == PRELOAD_DONE && now < end)
			executable_table_settle(preload->executables, end - now);
		if (state == PRELOAD_DONE)
			break;
		executable_table_wait(preload->executables, now < end ? end - now : 0);
	}
	return state;
}

void preload_free(struct preload *preload)
{
	if (!preload)
		return;
	if (preload->processes && preload->seen)
		log_debug("looked beforehand at %zu of %zu processes, %u files, in %.1f ms of CPU",
			  preload->next_process, process_list_count(preload->processes),
			  intern_count(preload->seen), (double)preload->used_ns / 1e6);
	if (preload->mappings)
		closedir(preload->mappings);
	process_list_free(preload->processes);
	intern_free(preload->paths);
	intern_free(preload->seen);
	free(preload);
}
