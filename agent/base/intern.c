// SPDX-License-Identifier: Apache-2.0
#include "agent/base/intern.h"

#include <errno.h>
#include <string.h>

#include "agent/base/array.h"

enum {
	CHUNK_BYTES = 64 * 1024,
	FIRST_BUCKETS = 256, /* a power of two */
};

struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	uint64_t bytes[]; /* 8-byte aligned */
};

struct entry {
	const char *bytes;
	uint32_t length;
	uint32_t hash;
};

struct intern {
	struct chunk *chunks;
	struct entry *items;
	size_t count;
	size_t capacity;
	uint32_t *buckets; /* entry number + 1, 0: empty; open addressing, linear */
	size_t bucket_count;
	size_t bytes;
	size_t max_bytes;
};

/* Mixes eight bytes at a time: stacks are arrays of u64, and short strings end in the tail. */
static uint32_t hash_of(const void *bytes, size_t length)
{
	const uint64_t mix = 0x9e3779b97f4a7c15ULL;
	uint64_t hash = length * mix;
	const char *at = bytes;

	for (; length >= sizeof(uint64_t); length -= sizeof(uint64_t), at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * mix;
		hash ^= hash >> 29;
	}
	if (length) {
		uint64_t word = 0;

		memcpy(&word, at, length);
		hash = (hash ^ word) * mix;
		hash ^= hash >> 29;
	}
	return (uint32_t)(hash ^ hash >> 32);
}

int intern_new(struct intern **out, size_t max_bytes)
{
	AUTO(intern) table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->buckets = calloc(FIRST_BUCKETS, sizeof(*table->buckets));
	if (!table->buckets)
		return -ENOMEM;
	table->bucket_count = FIRST_BUCKETS;
	table->bytes = sizeof(*table) + FIRST_BUCKETS * sizeof(*table->buckets);
	table->max_bytes = max_bytes;

	*out = take(table);
	return 0;
}

/* The bucket that holds these bytes, or the empty one where they belong. */
static uint32_t *bucket_of(const struct intern *table, const void *bytes, size_t length,
			   uint32_t hash)
{
	size_t mask = table->bucket_count - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		uint32_t *bucket = &table->buckets[i];
		const struct entry *entry;

		if (!*bucket)
			return bucket;
		entry = &table->items[*bucket - 1];
		if (entry->hash == hash && entry->length == length &&
		    !memcmp(entry->bytes, bytes, length))
			return bucket;
	}
}

/* Keeps the table at most half full, so that a search ends soon. */
static int grow_buckets(struct intern *table)
{
	size_t wanted = table->bucket_count * 2;
	uint32_t *grown;

	if (table->count * 2 < table->bucket_count)
		return 0;
	if (table->bytes + table->bucket_count * sizeof(*grown) > table->max_bytes)
		return -ENOSPC;
	grown = calloc(wanted, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++) {
		size_t at = table->items[i].hash & (wanted - 1);

		while (grown[at])
			at = (at + 1) & (wanted - 1);
		grown[at] = (uint32_t)i + 1;
	}
	free(table->buckets);
	table->buckets = grown;
	table->bytes += table->bucket_count * sizeof(*grown);
	table->bucket_count = wanted;
	return 0;
}

static int grow_entries(struct intern *table)
{
	size_t before = table->capacity;
	int err;

	if (table->count == UINT32_MAX - 1)
		return -ENOSPC;
	err = array_grow(&table->items, &table->capacity, table->count, sizeof(*table->items));
	table->bytes += (table->capacity - before) * sizeof(*table->items);
	return err;
}

/* Room for @size bytes in the newest chunk, or in a new one. */
static int copy_space(struct intern *table, size_t size, char **ret_space)
{
	struct chunk *chunk = table->chunks;

	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;

		if (table->bytes + sizeof(*chunk) + room > table->max_bytes)
			return -ENOSPC;
		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return -ENOMEM;
		*chunk = (struct chunk){ .next = table->chunks, .size = room };
		table->chunks = chunk;
		table->bytes += sizeof(*chunk) + room;
	}
	*ret_space = (char *)chunk->bytes + chunk->used;
	chunk->used += size;
	return 0;
}

int intern_add(struct intern *table, const void *bytes, size_t length, uint32_t *ret_index)
{
	uint32_t hash = hash_of(bytes, length);
	uint32_t *bucket = bucket_of(table, bytes, length, hash);
	char *copy;
	int err;

	if (*bucket) {
		*ret_index = *bucket - 1;
		return 0;
	}
	if (length > UINT32_MAX - 16)
		return -ENOSPC;
	err = grow_buckets(table);
	if (!err)
		err = grow_entries(table);
	if (!err)
		err = copy_space(table, (length + 1 + 7) & ~(size_t)7, &copy);
	if (err)
		return err;

	if (length)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	table->items[table->count] = (struct entry){ copy, (uint32_t)length, hash };
	*ret_index = (uint32_t)table->count++;
	*bucket_of(table, bytes, length, hash) = *ret_index + 1;
	return 0;
}

int intern_find(const struct intern *table, const void *bytes, size_t length, uint32_t *ret_index)
{
	const uint32_t *bucket = bucket_of(table, bytes, length, hash_of(bytes, length));

	if (!*bucket)
		return -ENOENT;
	*ret_index = *bucket - 1;
	return 0;
}

uint32_t intern_count(const struct intern *table)
{
	return (uint32_t)table->count;
}

const void *intern_get(const struct intern *table, uint32_t index, size_t *ret_length)
{
	if (ret_length)
		*ret_length = table->items[index].length;
	return table->items[index].bytes;
}

size_t intern_bytes(const struct intern *table)
{
	return table->bytes;
}

void intern_free(struct intern *table)
{
	if (!table)
		return;
	while (table->chunks) {
		struct chunk *chunk = table->chunks;

		table->chunks = chunk->next;
		free(chunk);
	}
	free(table->items);
	free(table->buckets);
	free(table);
}
