/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "agent/sampler.h"
#include "agent/unwind_memory.h"

/*
 * executable_table - the files in which samples were found, by the id that the kernel side gave.
 *
 * A file is opened while a process maps it, through that mapping and not by its path: so a
 * deleted, replaced or overlaid file, or one in another mount namespace, is the right one. What
 * was opened is checked against the sample's file by mapping it here and letting the kernel side
 * identify it. Then its unwind table is compiled and given to the kernel side. Holds at most a given
 * number of files, and as many tables as there is memory for; what was not seen for longest goes
 * first.
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
	enum table_state table_state;
	uint32_t table_tries; /* that found no room */
	uint64_t next_try;    /* turn of the next one */
	struct loaded_table table;
	struct timespec modified; /* time of the last change of its bytes, when it was checked */
	uint64_t last_seen;       /* in ticks of the table's own clock */
};

/* executable_table_new() - an empty table of at most @limit files. 0 or -ENOMEM. */
int executable_table_new(struct executable_table **out, struct sampler *sampler, size_t limit);

/* executable_table_turn() - to be called after every drain: loads what had to wait. */
void executable_table_turn(struct executable_table *table);

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
