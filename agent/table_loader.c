// SPDX-License-Identifier: Apache-2.0
#include "agent/table_loader.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "agent/base/clock.h"
#include "symbolizer/debug_file.h"

enum {
	LANES = 2,
	LANE_SMALL = 1, /* leaves large files to the other one */
	SMALL_FILE = 8 << 20,
	SMALL_MAX_BYTES = 24 << 20, /* of memory; the other lane has the compiler's own limit */
	MAPPED_BYTES = 64 << 10,    /* of an allocation */
	QUEUE_SIZE = 64,            /* each holds descriptors */
	EXPECTED_QUEUE = 16,        /* of them for files that no sample was in */
	MAX_OVERTAKEN = 32,
	COVERAGE_PART = 2, /* compilers give rules to nearly all code, or to none of it */
};

struct job {
	struct table_request request;
	uint64_t size;      /* of the file, bytes */
	uint64_t queued_ns; /* CLOCK_MONOTONIC */
	unsigned overtaken; /* by younger ones */
	struct table_result result;
};

struct lane {
	struct table_loader *loader;
	bool only_small;
	pthread_t thread;
	bool has_thread;
};

struct table_loader {
	struct table_loader_options options;
	struct lane lanes[LANES];
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	struct job queue[QUEUE_SIZE]; /* in order of arrival */
	size_t queued;
	struct table_result results[QUEUE_SIZE];
	size_t done;
	size_t in_work;
	bool is_closing;
	int event_fd;
};

static void release(struct table_request *request)
{
	if (request->fd >= 0)
		close(take_fd(&request->fd));
	if (request->root_fd >= 0)
		close(take_fd(&request->root_fd));
	free(take(request->path));
}

/* ---- one job ------------------------------------------------------------------------------------ */

/* Built without unwind tables, or assembler: a debug file may know more. */
static bool has_few_rows(const struct unwind_table *table)
{
	return table->code_bytes && table->covered_bytes < table->code_bytes / COVERAGE_PART;
}

static int compile_with_debug_file(struct unwind_table **out, const struct job *job,
				   struct unwind_options *options)
{
	AUTO_FD debug_fd = -1;
	int err = debug_file_find(&debug_fd, job->request.fd, job->request.root_fd,
				  job->request.path);

	if (err)
		return err;
	options->debug_fd = &debug_fd;
	err = unwind_table_compile(out, job->request.fd, options);
	options->debug_fd = NULL;
	return err;
}

static int compile(struct job *job, struct unwind_options *options)
{
	AUTO(unwind_table) table = NULL;
	AUTO(unwind_table) better = NULL;
	int err = unwind_table_compile(&table, job->request.fd, options);

	if (err)
		return err;
	if (has_few_rows(table) && !compile_with_debug_file(&better, job, options) &&
	    better->covered_bytes > table->covered_bytes) {
		job->result.table = take(better);
		job->result.source = TABLE_FROM_DEBUG_FILE;
		return 0;
	}
	job->result.table = take(table);
	return 0;
}

/* A table with a part from elsewhere is not kept: that part may change while the file does not. */
static int load(const struct lane *lane, struct job *job)
{
	struct unwind_cache *cache = lane->loader->options.cache;
	struct unwind_options options = {
		.max_rows = lane->loader->options.max_rows,
		.max_bytes = lane->only_small ? SMALL_MAX_BYTES : 0,
		.follow_code = true,
	};
	int err;

	if (cache && !unwind_cache_load(cache, &job->request.file, &job->result.table)) {
		job->result.source = TABLE_CACHED;
		return 0;
	}
	err = compile(job, &options);
	if (cache && !err && job->result.source == TABLE_COMPILED)
		unwind_cache_store(cache, &job->request.file, job->request.fd, job->result.table);
	return err;
}

static void work(const struct lane *lane, struct job *job)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	uint64_t cpu_start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	job->result.id = job->request.id;
	job->result.waited_ns = start - job->queued_ns;
	job->result.err = load(lane, job);
	release(&job->request);
	job->result.took_ns = clock_ns(CLOCK_MONOTONIC) - start;
	job->result.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_start;
}

/* ---- the threads --------------------------------------------------------------------------------- */

static bool is_large(const struct job *job)
{
	return job->size > SMALL_FILE;
}

/* What is small is in good hands with the other lane, while a sample waits for something large. */
static bool comes_before(const struct lane *lane, const struct job *a, const struct job *b)
{
	bool a_is_old = a->overtaken >= MAX_OVERTAKEN, b_is_old = b->overtaken >= MAX_OVERTAKEN;

	if (a_is_old != b_is_old)
		return a_is_old;
	if (a->request.is_urgent != b->request.is_urgent)
		return a->request.is_urgent;
	if (!lane->only_small && a->request.is_urgent && is_large(a) != is_large(b))
		return is_large(a);
	return a->size < b->size;
}

/* Takes the next job out of the queue; false if there is none for this lane. */
static bool take_job(struct table_loader *loader, const struct lane *lane, struct job *ret)
{
	struct job *best = NULL;

	for (size_t i = 0; i < loader->queued; i++) {
		struct job *job = &loader->queue[i];

		if (lane->only_small && is_large(job))
			continue;
		if (!best || comes_before(lane, job, best))
			best = job;
	}
	if (!best)
		return false;
	for (struct job *job = loader->queue; job < best; job++)
		job->overtaken++;
	*ret = *best;
	loader->queued--;
	memmove(best, best + 1, (size_t)(&loader->queue[loader->queued] - best) * sizeof(*best));
	return true;
}

/* Waits for a job that this lane may do; false when the loader closes. */
static bool next_job(struct table_loader *loader, const struct lane *lane, struct job *ret)
{
	bool has_job = false;

	pthread_mutex_lock(&loader->lock);
	while (!loader->is_closing) {
		has_job =
			loader->done + loader->in_work < QUEUE_SIZE && take_job(loader, lane, ret);
		if (has_job)
			break;
		pthread_cond_wait(&loader->wake, &loader->lock);
	}
	loader->in_work += has_job;
	pthread_mutex_unlock(&loader->lock);
	return has_job;
}

static void deliver(struct table_loader *loader, const struct table_result *result)
{
	const uint64_t one = 1;
	ssize_t written;

	pthread_mutex_lock(&loader->lock);
	loader->results[loader->done++] = *result;
	loader->in_work--;
	written = write(loader->event_fd, &one, sizeof(one));
	(void)written; /* fails only where the counter is near its end, and so readable */
	pthread_mutex_unlock(&loader->lock);
}

static void *run(void *context)
{
	struct lane *lane = context;
	struct job job;

	while (next_job(lane->loader, lane, &job)) {
		work(lane, &job);
		deliver(lane->loader, &job.result);
	}
	return NULL;
}

static int start_lanes(struct table_loader *loader)
{
	for (size_t i = 0; i < LANES; i++) {
		struct lane *lane = &loader->lanes[i];
		int err;

		*lane = (struct lane){ .loader = loader, .only_small = i == LANE_SMALL };
		err = pthread_create(&lane->thread, NULL, run, lane);
		if (err)
			return -err;
		lane->has_thread = true;
	}
	return 0;
}

int table_loader_new(struct table_loader **out, const struct table_loader_options *options)
{
	AUTO(table_loader) loader = calloc(1, sizeof(*loader));
	int err;

	if (!loader)
		return -ENOMEM;
	loader->options = *options;
	/* What compiling takes for a moment goes back at once, and not into a heap that stays. */
	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
	pthread_mutex_init(&loader->lock, NULL);
	pthread_cond_init(&loader->wake, NULL);
	loader->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loader->event_fd < 0)
		return -errno;
	err = start_lanes(loader);
	if (err)
		return err;
	*out = take(loader);
	return 0;
}

/* ---- the other side ------------------------------------------------------------------------------ */

int table_loader_fd(const struct table_loader *loader)
{
	return loader->event_fd;
}

int table_loader_add(struct table_loader *loader, struct table_request *request)
{
	size_t limit = request->is_urgent ? QUEUE_SIZE : EXPECTED_QUEUE;
	struct stat status = {};
	int err = 0;

	if (fstat(request->fd, &status))
		status.st_size = 0;
	pthread_mutex_lock(&loader->lock);
	if (loader->queued >= limit) {
		err = -EAGAIN;
	} else {
		loader->queue[loader->queued++] = (struct job){
			.request = *request,
			.size = (uint64_t)status.st_size,
			.queued_ns = clock_ns(CLOCK_MONOTONIC),
		};
		*request = TABLE_REQUEST_NONE;
		pthread_cond_broadcast(&loader->wake);
	}
	pthread_mutex_unlock(&loader->lock);
	release(request);
	return err;
}

void table_loader_hurry(struct table_loader *loader, uint32_t id)
{
	pthread_mutex_lock(&loader->lock);
	for (size_t i = 0; i < loader->queued; i++) {
		if (loader->queue[i].request.id == id)
			loader->queue[i].request.is_urgent = true;
	}
	pthread_mutex_unlock(&loader->lock);
}

bool table_loader_take(struct table_loader *loader, struct table_result *ret)
{
	bool is_there;
	uint64_t events;

	pthread_mutex_lock(&loader->lock);
	is_there = loader->done;
	if (is_there) {
		*ret = loader->results[0];
		loader->done--;
		memmove(&loader->results[0], &loader->results[1],
			loader->done * sizeof(*loader->results));
		pthread_cond_broadcast(&loader->wake);
	} else if (read(loader->event_fd, &events, sizeof(events)) < 0) {
		events = 0; /* nobody had written: that is all right */
	}
	pthread_mutex_unlock(&loader->lock);
	return is_there;
}

size_t table_loader_pending(struct table_loader *loader)
{
	size_t count;

	pthread_mutex_lock(&loader->lock);
	count = loader->queued + loader->in_work + loader->done;
	pthread_mutex_unlock(&loader->lock);
	return count;
}

void table_loader_free(struct table_loader *loader)
{
	if (!loader)
		return;
	pthread_mutex_lock(&loader->lock);
	loader->is_closing = true;
	pthread_cond_broadcast(&loader->wake);
	pthread_mutex_unlock(&loader->lock);
	for (size_t i = 0; i < LANES; i++) {
		if (loader->lanes[i].has_thread)
			pthread_join(loader->lanes[i].thread, NULL);
	}
	for (size_t i = 0; i < loader->queued; i++)
		release(&loader->queue[i].request);
	for (size_t i = 0; i < loader->done; i++)
		unwind_table_free(loader->results[i].table);
	if (loader->event_fd >= 0)
		close(loader->event_fd);
	pthread_cond_destroy(&loader->wake);
	pthread_mutex_destroy(&loader->lock);
	free(loader);
}
