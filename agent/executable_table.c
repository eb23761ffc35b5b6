// SPDX-License-Identifier: Apache-2.0
#include "agent/executable_table.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/base/array.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/unwind_words.h"
#include "agent/vdso.h"

enum {
	MAX_ATTEMPTS = 8,
	NS_PER_MS = 1000000,
	MAX_BACKOFF = 8, /* 512 turns: two minutes of an agent that drains four times a second */
};

struct executable_table {
	struct sampler *sampler; /* borrowed */
	struct unwind_memory *memory;
	struct table_loader *loader; /* NULL: loads no more */
	struct executable *items;    /* ascending by id */
	size_t count;
	size_t capacity;
	size_t limit;
	uint64_t clock; /* goes up with each sighting */
	uint64_t turn;  /* goes up with each executable_table_turn() */
	size_t evicted;
	size_t forbidden;
	struct table_counts counts;
};

/* ---- unwind tables ----------------------------------------------------------------------------- */

static struct executable *find(const struct executable_table *table, uint32_t id);

/* Takes the table of the file not seen for longest, other than @keep, out of the memory. */
static bool evict_table(struct executable_table *table, const struct executable *keep)
{
	struct executable *oldest = NULL;

	for (size_t i = 0; i < table->count; i++) {
		struct executable *executable = &table->items[i];

		if (executable->table_state == TABLE_LOADED && executable != keep &&
		    (!oldest || executable->last_seen < oldest->last_seen))
			oldest = executable;
	}
	if (!oldest || oldest->last_seen >= keep->last_seen)
		return false;
	sampler_set_pending(table->sampler, &oldest->file, oldest->id);
	sampler_forget_remembered(table->sampler);
	unwind_memory_unload(table->memory, &oldest->table);
	oldest->table_state = TABLE_EVICTED;
	table->counts.evicted++;
	return true;
}

/* What is evicted is free only later: one round makes room, the next turn uses it. */
static int load_compiled(struct executable_table *table, struct executable *executable,
			 const struct unwind_table *compiled)
{
	int err = unwind_memory_load(table->memory, compiled, &executable->table);

	if (err == -ENOSPC && !unwind_memory_resting_bytes(table->memory)) {
		size_t wanted = unwind_memory_size_of(compiled);

		while (unwind_memory_resting_bytes(table->memory) < wanted &&
		       evict_table(table, executable))
			;
	}
	return err;
}

/* Has the loader compile it; false, and to be asked again, if that has too much to do. Takes @root_fd. */
static bool ask_for_table(struct executable_table *table, struct executable *executable,
			  int root_fd)
{
	struct table_request request = {
		.id = executable->id,
		.is_urgent = executable->last_seen,
		.fd = fcntl(executable->fd, F_DUPFD_CLOEXEC, 0),
		.root_fd = root_fd,
		.path = strdup(executable->path),
		.file = executable->file,
	};
	bool is_taken = !table_loader_add(table->loader, &request);

	executable->table_state = is_taken ? TABLE_LOADING : TABLE_WAITING;
	executable->next_try = table->turn;
	return is_taken;
}

/* Nothing is loaded where frame pointers alone are followed, and any more at the end. */
static void want_table(struct executable_table *table, struct executable *executable, pid_t pid)
{
	if (!table->loader)
		return;
	sampler_set_pending(table->sampler, &executable->file, executable->id);
	ask_for_table(table, executable, mapped_file_open_root(pid));
}

/* There was no room for it. */
static void put_off(struct executable_table *table, struct executable *executable)
{
	if (!executable->last_seen) {
		executable->table_state = TABLE_EVICTED;
		return;
	}
	executable->table_state = TABLE_WAITING;
	/* What was evicted for it is free after two turns; compiling again costs. */
	executable->next_try = table->turn + (2ULL << executable->table_tries);
	executable->table_tries += executable->table_tries < MAX_BACKOFF;
}

static void use_result(struct executable_table *table, const struct table_result *result)
{
	struct executable *executable = find(table, result->id);
	int err = result->err;

	table->counts.cpu_ns += result->cpu_ns;
	if (!executable || executable->table_state != TABLE_LOADING)
		return; /* had to go meanwhile */
	if (!executable->last_seen)
		table->counts.expected_cpu_ns += result->cpu_ns;
	if (!err && result->table->row_count) {
		unwind_memory_fit(table->memory, result->table);
		err = load_compiled(table, executable, result->table);
	}
	if (err == -ENOSPC) {
		put_off(table, executable);
		return;
	}
	executable->table_state = !err && executable->table.rules ? TABLE_LOADED : TABLE_NONE;
	executable->table_tries = 0;
	sampler_set_ready(table->sampler, &executable->file, executable->id,
			  err ? NULL : &executable->table.place);
	if (!err) {
		table_counts_add(&table->counts, result, executable->path,
				 executable->first_seen_ns);
		table->counts.expected += !executable->last_seen;
		executable->first_seen_ns = 0;
		return;
	}
	table->counts.failed++;
	log_debug("no unwind table of %s: %s", executable->path, strerror(-err));
}

/* The vDSO is in every process and never evicted. */
static void load_vdso_table(struct executable_table *table)
{
	AUTO(unwind_table) compiled = NULL;
	AUTO_FD fd = vdso_open();
	struct unwind_options options = { .follow_code = true };
	struct loaded_table loaded;

	if (fd < 0 || unwind_table_compile(&compiled, fd, &options) ||
	    unwind_memory_load(table->memory, compiled, &loaded))
		return;
	sampler_set_vdso_table(table->sampler, &loaded.place);
	free(loaded.rules); /* held for good */
}

void executable_table_collect(struct executable_table *table)
{
	struct table_result result;

	while (table->loader && table_loader_take(table->loader, &result)) {
		use_result(table, &result);
		unwind_table_free(result.table);
	}
	for (size_t i = 0; table->loader && i < table->count; i++) {
		struct executable *executable = &table->items[i];

		if (executable->table_state == TABLE_WAITING &&
		    table->turn >= executable->next_try && !ask_for_table(table, executable, -1))
			break;
	}
}

void executable_table_turn(struct executable_table *table)
{
	unwind_memory_turn(table->memory);
	table->turn++;
	executable_table_collect(table);
}

void executable_table_wait(struct executable_table *table, uint64_t timeout_ns)
{
	struct pollfd wait = { .fd = executable_table_fd(table), .events = POLLIN };

	if (executable_table_loading(table))
		poll(&wait, 1, (int)(timeout_ns / NS_PER_MS + 1));
	executable_table_collect(table);
}

bool executable_table_settle(struct executable_table *table, uint64_t timeout_ns)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + timeout_ns, now;

	executable_table_collect(table);
	while (executable_table_loading(table)) {
		now = clock_ns(CLOCK_MONOTONIC);
		if (now >= end)
			return false;
		executable_table_wait(table, end - now);
	}
	return true;
}

void executable_table_stop_loading(struct executable_table *table)
{
	if (table->loader)
		table_counts_log(&table->counts);
	table_loader_free(take(table->loader));
}

int executable_table_fd(const struct executable_table *table)
{
	return table->loader ? table_loader_fd(table->loader) : -1;
}

size_t executable_table_loading(const struct executable_table *table)
{
	return table->loader ? table_loader_pending(table->loader) : 0;
}

const struct table_counts *executable_table_counts(const struct executable_table *table)
{
	return &table->counts;
}

/* ---- files --------------------------------------------------------------------------------------- */

int executable_table_new(struct executable_table **out, struct sampler *sampler, size_t limit,
			 struct unwind_cache *cache)
{
	AUTO(executable_table) table = calloc(1, sizeof(*table));
	struct unwind_words words = unwind_words_of(sampler);
	struct table_loader_options loading = { .max_rows = 2UL * words.count, .cache = cache };
	int err;

	if (!table)
		return -ENOMEM;
	table->sampler = sampler;
	table->limit = limit;
	err = unwind_memory_new(&table->memory, &words, sampler_unwind_rules(sampler));
	if (!err && sampler_tier(sampler) == STACK_TIER_FULL)
		err = table_loader_new(&table->loader, &loading);
	if (err)
		return err;
	if (table->loader)
		load_vdso_table(table);
	*out = take(table);
	return 0;
}

/* Where @id is, or belongs. */
static size_t position_of(const struct executable_table *table, uint32_t id)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->items[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct executable *find(const struct executable_table *table, uint32_t id)
{
	size_t at = position_of(table, id);

	return at < table->count && table->items[at].id == id ? &table->items[at] : NULL;
}

const struct executable *executable_table_find(const struct executable_table *table, uint32_t id)
{
	return find(table, id);
}

void executable_table_touch(struct executable_table *table, uint32_t id)
{
	struct executable *executable = find(table, id);

	if (!executable)
		return;
	if (executable->table_state == TABLE_EVICTED)
		executable->table_state = TABLE_WAITING;
	if (executable->table_state == TABLE_LOADING && !executable->last_seen && table->loader)
		table_loader_hurry(table->loader, id);
	executable->last_seen = ++table->clock;
}

static void release(struct executable_table *table, struct executable *executable)
{
	unwind_memory_unload(table->memory, &executable->table);
	if (executable->fd >= 0)
		close(executable->fd);
	free(executable->path);
}

static void evict_oldest(struct executable_table *table)
{
	size_t oldest = 0;

	for (size_t i = 1; i < table->count; i++) {
		if (table->items[i].last_seen < table->items[oldest].last_seen)
			oldest = i;
	}
	sampler_forget(table->sampler, &table->items[oldest].file);
	release(table, &table->items[oldest]);
	table->count--;
	memmove(&table->items[oldest], &table->items[oldest + 1],
		(table->count - oldest) * sizeof(*table->items));
	table->evicted++;
}

/* A new entry in its place by id, which takes @path. */
static int insert(struct executable_table *table, uint32_t id, const struct abi_file *file,
		  char *path, struct executable **ret)
{
	AUTO_STRING name = path;
	size_t at;
	int err;

	if (!name)
		return -ENOMEM;
	if (table->count >= table->limit)
		evict_oldest(table);
	err = array_grow(&table->items, &table->capacity, table->count, sizeof(*table->items));
	if (err)
		return err;
	at = position_of(table, id);
	memmove(&table->items[at + 1], &table->items[at],
		(table->count - at) * sizeof(*table->items));
	table->count++;
	table->items[at] = (struct executable){
		.id = id,
		.state = EXECUTABLE_GONE,
		.fd = -1,
		.path = take(name),
		.file = *file,
	};
	*ret = &table->items[at];
	return 0;
}

static enum executable_state state_of_failure(int err)
{
	if (err == -EACCES || err == -EPERM)
		return EXECUTABLE_FORBIDDEN;
	if (err == -ESTALE)
		return EXECUTABLE_CHANGED;
	return err == -ENOENT || err == -ESRCH ? EXECUTABLE_GONE : EXECUTABLE_UNREADABLE;
}

/*
 * Whether another event may still lead to the file: one that was gone may be caught in another
 * process, and a mapping may have been replaced by a different one before we came.
 */
static bool is_hopeful(const struct executable *executable)
{
	switch (executable->state) {
	case EXECUTABLE_GONE:
		return true;
	case EXECUTABLE_CHANGED:
	case EXECUTABLE_UNREADABLE:
		return executable->attempts < MAX_ATTEMPTS;
	default:
		return false;
	}
}

static void open_file(struct executable_table *table, struct executable *executable,
		      const struct abi_executable_event *event)
{
	struct mapped_file file = MAPPED_FILE_NONE;
	int err = mapped_file_open(&file, table->sampler, event);

	if (!err) {
		executable->fd = take_fd(&file.fd);
		executable->modified = file.modified;
		free(executable->path);
		executable->path = take(file.path);
	}
	executable->state = err ? state_of_failure(err) : EXECUTABLE_OPEN;
	executable->attempts++;
	executable->tid = event->tid;
	table->forbidden += executable->state == EXECUTABLE_FORBIDDEN;
	if (executable->state == EXECUTABLE_OPEN) {
		want_table(table, executable, (pid_t)event->tid);
	} else if (!is_hopeful(executable)) {
		sampler_set_ready(table->sampler, &event->file, event->id, NULL);
	}
	mapped_file_close(&file);
	log_debug("executable %u: %s%s%s", executable->id, executable->path, err ? ": " : "",
		  err ? strerror(-err) : "");
}

int executable_table_add(struct executable_table *table, const struct abi_executable_event *event)
{
	struct executable *executable = find(table, event->id);
	int err;

	if (!executable) {
		err = insert(table, event->id, &event->file,
			     strndup(event->name, sizeof(event->name)), &executable);
		if (err)
			return err;
		executable->last_seen = ++table->clock;
		executable->first_seen_ns = event->time_ns;
	}
	if (is_hopeful(executable))
		open_file(table, executable, event);
	return 0;
}

int executable_table_expect(struct executable_table *table, struct mapped_file *file, pid_t pid)
{
	struct mapped_file taken = *file;
	struct executable *executable = find(table, file->id);
	int err = 0;

	*file = MAPPED_FILE_NONE;
	if (!executable)
		err = table->count < table->limit
			      ? insert(table, taken.id, &taken.file, take(taken.path), &executable)
			      : -ENOSPC;
	if (!err && executable->state != EXECUTABLE_OPEN) {
		executable->state = EXECUTABLE_OPEN;
		executable->fd = take_fd(&taken.fd);
		executable->modified = taken.modified;
		want_table(table, executable, pid);
		log_debug("executable %u: %s, expected", executable->id, executable->path);
	}
	mapped_file_close(&taken);
	return err;
}

/* Not the change time, which also moves when the file is unlinked or renamed. */
bool executable_is_unchanged(const struct executable *executable)
{
	struct stat now;

	return executable->fd >= 0 && !fstat(executable->fd, &now) &&
	       (uint64_t)now.st_size == executable->file.size &&
	       now.st_mtim.tv_sec == executable->modified.tv_sec &&
	       now.st_mtim.tv_nsec == executable->modified.tv_nsec;
}

size_t executable_table_evicted(const struct executable_table *table)
{
	return table->evicted;
}

size_t executable_table_forbidden(const struct executable_table *table)
{
	return table->forbidden;
}

void executable_table_free(struct executable_table *table)
{
	if (!table)
		return;
	table_loader_free(table->loader);
	for (size_t i = 0; i < table->count; i++)
		release(table, &table->items[i]);
	unwind_memory_free(table->memory);
	free(table->items);
	free(table);
}
