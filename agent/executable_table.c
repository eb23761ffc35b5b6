// SPDX-License-Identifier: Apache-2.0
#include "agent/executable_table.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/base/array.h"
#include "agent/base/log.h"
#include "agent/mapped_file.h"
#include "agent/vdso.h"

enum {
	MAX_ATTEMPTS = 8,
	MAX_BACKOFF = 8, /* 512 turns: two minutes of an agent that drains four times a second */
};

struct executable_table {
	struct sampler *sampler; /* borrowed */
	struct unwind_memory *memory;
	struct executable *items; /* ascending by id */
	size_t count;
	size_t capacity;
	size_t limit;
	uint64_t clock; /* goes up with each sighting */
	uint64_t turn;  /* goes up with each executable_table_turn() */
	size_t evicted;
	size_t forbidden;
};

/* ---- unwind tables ----------------------------------------------------------------------------- */

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
	sampler_set_ready(table->sampler, &oldest->file, oldest->id, NULL);
	unwind_memory_unload(table->memory, &oldest->table);
	oldest->table_state = TABLE_EVICTED;
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

static void load_table(struct executable_table *table, struct executable *executable)
{
	AUTO(unwind_table) compiled = NULL;
	struct unwind_options options = {};
	int err;

	if (sampler_tier(table->sampler) == STACK_TIER_FRAME_POINTERS)
		return;
	err = unwind_table_compile(&compiled, executable->fd, &options);
	if (!err)
		err = load_compiled(table, executable, compiled);
	executable->table_state = !err && executable->table.rules ? TABLE_LOADED : TABLE_NONE;
	if (err == -ENOSPC) {
		executable->table_state = TABLE_WAITING;
		/* What was evicted for it is free after two turns; compiling again costs. */
		executable->next_try = table->turn + (2ULL << executable->table_tries);
		executable->table_tries += executable->table_tries < MAX_BACKOFF;
		return;
	}
	executable->table_tries = 0;
	if (err)
		log_debug("no unwind table of %s: %s", executable->path, strerror(-err));
	sampler_set_ready(table->sampler, &executable->file, executable->id,
			  err ? NULL : &executable->table.place);
}

/* The vDSO is in every process and never evicted. */
static void load_vdso_table(struct executable_table *table)
{
	AUTO(unwind_table) compiled = NULL;
	AUTO_FD fd = vdso_open();
	struct unwind_options options = {};
	struct loaded_table loaded;

	if (fd < 0 || unwind_table_compile(&compiled, fd, &options) ||
	    unwind_memory_load(table->memory, compiled, &loaded))
		return;
	sampler_set_vdso_table(table->sampler, &loaded.place);
	free(loaded.rules); /* held for good */
}

void executable_table_turn(struct executable_table *table)
{
	unwind_memory_turn(table->memory);
	table->turn++;
	for (size_t i = 0; i < table->count; i++) {
		struct executable *executable = &table->items[i];

		if (executable->table_state == TABLE_WAITING && table->turn >= executable->next_try)
			load_table(table, executable);
	}
}

/* ---- files --------------------------------------------------------------------------------------- */

static uint64_t *open_words(void *context, uint32_t first, uint32_t count)
{
	return sampler_open_unwind_words(context, first, count);
}

static void close_words(void *context, uint64_t *words, uint32_t first, uint32_t count)
{
	(void)context;
	sampler_close_unwind_words(words, first, count);
}

int executable_table_new(struct executable_table **out, struct sampler *sampler, size_t limit)
{
	AUTO(executable_table) table = calloc(1, sizeof(*table));
	struct unwind_words words = {
		.context = sampler,
		.count = sampler_unwind_word_count(sampler),
		.open = open_words,
		.close = close_words,
	};
	int err;

	if (!table)
		return -ENOMEM;
	table->sampler = sampler;
	table->limit = limit;
	err = unwind_memory_new(&table->memory, &words, sampler_unwind_rules(sampler));
	if (err)
		return err;
	if (sampler_tier(sampler) != STACK_TIER_FRAME_POINTERS)
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
	executable->last_seen = ++table->clock;
	if (executable->table_state == TABLE_EVICTED)
		executable->table_state = TABLE_WAITING;
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

/* A new entry for @event's file, in its place by id. */
static int insert(struct executable_table *table, const struct abi_executable_event *event,
		  struct executable **ret)
{
	AUTO_STRING name = strndup(event->name, sizeof(event->name));
	size_t at;
	int err;

	if (!name)
		return -ENOMEM;
	if (table->count >= table->limit)
		evict_oldest(table);
	err = array_grow(&table->items, &table->capacity, table->count, sizeof(*table->items));
	if (err)
		return err;
	at = position_of(table, event->id);
	memmove(&table->items[at + 1], &table->items[at],
		(table->count - at) * sizeof(*table->items));
	table->count++;
	table->items[at] = (struct executable){
		.id = event->id,
		.state = EXECUTABLE_GONE,
		.fd = -1,
		.path = take(name),
		.file = event->file,
		.last_seen = ++table->clock,
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
	table->forbidden += executable->state == EXECUTABLE_FORBIDDEN;
	if (executable->state == EXECUTABLE_OPEN)
		load_table(table, executable);
	else if (!is_hopeful(executable))
		sampler_set_ready(table->sampler, &event->file, event->id, NULL);
	mapped_file_close(&file);
	log_debug("executable %u: %s%s%s", executable->id, executable->path, err ? ": " : "",
		  err ? strerror(-err) : "");
}

int executable_table_add(struct executable_table *table, const struct abi_executable_event *event)
{
	struct executable *executable = find(table, event->id);
	int err;

	if (!executable) {
		err = insert(table, event, &executable);
		if (err)
			return err;
	}
	if (is_hopeful(executable))
		open_file(table, executable, event);
	return 0;
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
	for (size_t i = 0; i < table->count; i++)
		release(table, &table->items[i]);
	unwind_memory_free(table->memory);
	free(table->items);
	free(table);
}
