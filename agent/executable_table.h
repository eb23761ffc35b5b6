/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "agent/mapped_file.h"
#include "agent/sampler.h"
#include "agent/table_counts.h"
#include "agent/table_loader.h"
#include "agent/unwind_cache.h"
#include "agent/unwind_memory.h"

/*
 * executable_table - the files in which samples were found, by the id that the kernel side gave.
 *
 * A file is opened while a process maps it, through that mapping and not by its path: so a
 * deleted, replaced or overlaid file, or one in another mount namespace, is the right one. What
 * was opened is checked against the sample's file by mapping it here and letting the kernel side
 * identify it. Then its unwind table is compiled, by the loader's threads, and given to the kernel
 * side. Holds at most a given number of files, and as many tables as there is memory for; what was not seen
 * for longest goes first, and before it what was only expected and never seen.
 */
struct executable_table;

/* Why a file has no descriptor. */
enum executable_state {
	EXECUTABLE_OPEN,
	EXECUTABLE_GONE,       /* no process mapped it any more when we came */
	EXECUTABLE_FORBIDDEN,  /* not allowed to open it: a capability is missing */
	EXECUTABLE_UNREADABLE, /* not a regular file, on a FUSE file system, or an I/O error */
	EXECUTABLE_CHANGED,    /* what could be opened is not what was sampled */
};

/* Whether a file's unwind table is in the kernel side's memory. */
enum table_state {
	TABLE_NONE,    /* the file is not open, or has nothing to unwind by */
	TABLE_LOADING, /* being compiled */
	TABLE_WAITING, /* there was no room; tried again, ever more seldom */
	TABLE_LOADED,
	TABLE_EVICTED, /* had to make room; wanted again when the file is seen again */
};

struct executable {
	uint32_t id;
	enum executable_state state;
	uint32_t attempts; /* to open it, that met another file or none that can be read */
	int fd;            /* open for reading, or -1 */
	char *path;        /* as its process sees it, or just the last part; never NULL */
	struct abi_file file;
	uint32_t tid; /* of a thread that had it mapped when it was opened */
	enum table_state table_state;
	uint32_t table_tries; /* that found no room */
	uint64_t next_try;    /* turn of the next one */
	struct loaded_table table;
	struct timespec modified; /* time of the last change of its bytes, when it was checked */
	uint64_t last_seen;       /* in ticks of the table's own clock; 0: never */
	uint64_t
		first_seen_ns; /* CLOCK_MONOTONIC, by the kernel side; 0: never when it was added */
};

/*
 * executable_table_new() - an empty table of at most @limit files.
 * @cache: of compiled tables, borrowed; NULL: none
 *
 * Return: 0 or -errno.
 */
int executable_table_new(struct executable_table **out, struct sampler *sampler, size_t limit,
			 struct unwind_cache *cache);

/* executable_table_fd() - readable when executable_table_collect() has something to do; borrowed. */
int executable_table_fd(const struct executable_table *table);

/* executable_table_collect() - gives the kernel side the tables that are ready. */
void executable_table_collect(struct executable_table *table);

/*
 * executable_table_turn() - to be called now and then, not sooner after another than a tick may
 * last: what was unloaded before the last turn is free now, and what had to wait is loaded.
 */
void executable_table_turn(struct executable_table *table);

/* executable_table_settle() - collect until nothing is being loaded; false when time is over. */
bool executable_table_settle(struct executable_table *table, uint64_t timeout_ns);

/* executable_table_wait() - until a table is ready that was asked for, which it collects, or time is over. */
void executable_table_wait(struct executable_table *table, uint64_t timeout_ns);

/* executable_table_stop_loading() - no more tables, and no more threads. */
void executable_table_stop_loading(struct executable_table *table);

/* executable_table_loading() - tables that were asked for and are not there. */
size_t executable_table_loading(const struct executable_table *table);

/* executable_table_counts() - since the beginning. */
const struct table_counts *executable_table_counts(const struct executable_table *table);

/*
 * executable_table_expect() - have a table for a file before any sample is in it.
 * @file: from mapped_file_open_path(); what it owns is taken, in any case
 * @pid: of a process that has it, whose root directory its debug file may be in; 0: none
 *
 * Never pushes out a file or a table that samples were in.
 * Return: 0, also if the file is there already; -ENOSPC; or -ENOMEM.
 */
int executable_table_expect(struct executable_table *table, struct mapped_file *file, pid_t pid);

/* executable_table_add() - open the file of @event, unless that was done. 0 or -ENOMEM. */
int executable_table_add(struct executable_table *table, const struct abi_executable_event *event);

/* executable_table_find() - borrowed until the next add; NULL if unknown, or evicted. */
const struct executable *executable_table_find(const struct executable_table *table, uint32_t id);

/* executable_table_touch() - note that a sample was in file @id. */
void executable_table_touch(struct executable_table *table, uint32_t id);

/* executable_is_unchanged() - whether the open file can only have the bytes that were sampled. */
bool executable_is_unchanged(const struct executable *executable);

/* executable_table_evicted() - how many files had to go. */
size_t executable_table_evicted(const struct executable_table *table);

/* executable_table_forbidden() - how many could not be opened for want of a capability. */
size_t executable_table_forbidden(const struct executable_table *table);

void executable_table_free(struct executable_table *table);
DEFINE_AUTO(executable_table);
