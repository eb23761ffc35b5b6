/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "agent/unwind_cache.h"
#include "bpf/abi.h"
#include "symbolizer/unwind_table.h"

/*
 * table_loader - unwind tables, compiled beside the loop that samples.
 *
 * Requests go in, each an open file; tables come out, in any order. What a sample waits for comes before
 * what is only expected, and small files before large ones, but nothing waits for ever. Of the two
 * threads one leaves large files to the other, so that a file that takes a second does not
 * hold up a library that takes a millisecond.
 *
 * Nothing but descriptors and values goes through the two queues, so that they can lead to
 * another process. Used by one thread besides its own.
 */
struct table_loader;

struct table_loader_options {
	size_t max_rows;            /* of a table; see unwind_options */
	struct unwind_cache *cache; /* borrowed; NULL: none. Used by the loader's threads only */
};

struct table_request {
	uint32_t id;    /* the asker's own name of it */
	bool is_urgent; /* a sample was in it */
	int fd;         /* of the file; owned */
	int root_fd;    /* its process's root directory, to find its debug file in; owned, or -1 */
	char *path;     /* of the file, from there; owned, may be NULL */
	struct abi_file file; /* what makes it the same file, for the cache */
};
#define TABLE_REQUEST_NONE ((struct table_request){ .fd = -1, .root_fd = -1 })

/* Where a table came from. */
enum table_source {
	TABLE_COMPILED,
	TABLE_CACHED,
	TABLE_FROM_DEBUG_FILE, /* compiled with the help of the file's separate debug file */
	TABLE_SOURCE_COUNT,
};

struct table_result {
	uint32_t id;
	int err;                    /* of unwind_table_compile() */
	struct unwind_table *table; /* the taker's to free; NULL if @err */
	enum table_source source;
	uint64_t waited_ns; /* in the queue */
	uint64_t took_ns;   /* from there on */
	uint64_t cpu_ns;    /* of that, on a CPU */
};

/* table_loader_new() - Return: 0 or -errno. */
int table_loader_new(struct table_loader **out, const struct table_loader_options *options);

/* table_loader_fd() - readable when there are results; borrowed. */
int table_loader_fd(const struct table_loader *loader);

/*
 * table_loader_add() - ask for a table; takes what @request owns, in any case.
 *
 * Return: 0, or -EAGAIN if too many are waiting already.
 */
int table_loader_add(struct table_loader *loader, struct table_request *request);

/* table_loader_hurry() - a sample was in the file of the request that @id names. */
void table_loader_hurry(struct table_loader *loader, uint32_t id);

/* table_loader_take() - the next result; false if there is none yet. */
bool table_loader_take(struct table_loader *loader, struct table_result *ret);

/* table_loader_pending() - requests whose result was not taken yet. */
size_t table_loader_pending(struct table_loader *loader);

/* table_loader_free() - ends after what is being compiled just now. Accepts NULL. */
void table_loader_free(struct table_loader *loader);
DEFINE_AUTO(table_loader);
