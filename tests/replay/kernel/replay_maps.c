// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include <bpf/bpf_helpers.h>

#include "tests/replay/kernel/replay_maps.h"

/*
 * An array map is memory for all its entries, made when it is first asked for. A hash is a list.
 */
enum {
	MAX_MAPS = 64,
};

struct storage {
	const void *definition;
	char *entries;
	uint32_t count; /* of entries: all of an array, those in use of a hash */
	uint32_t limit;
	uint32_t key_bytes;
	uint32_t value_bytes;
	bool is_hash;
};

static struct storage maps[MAX_MAPS];
static size_t map_count;

static struct storage *storage_of(const struct replay_map *map)
{
	size_t i;

	for (i = 0; i < map_count; i++) {
		if (maps[i].definition == map->definition)
			return &maps[i];
	}
	if (map_count == MAX_MAPS)
		abort();
	maps[i] = (struct storage){
		.definition = map->definition,
		.limit = map->max_entries,
		.key_bytes = map->key_bytes,
		.value_bytes = map->value_bytes,
		.is_hash = map->type == BPF_MAP_TYPE_HASH || map->type == BPF_MAP_TYPE_LRU_HASH,
	};
	maps[i].entries = calloc(map->max_entries, map->key_bytes + map->value_bytes);
	if (!maps[i].entries)
		abort();
	map_count++;
	return &maps[i];
}

void replay_map_bind(struct replay_map map, void *memory, uint32_t count)
{
	struct storage *storage = storage_of(&map);

	free(storage->entries);
	storage->entries = memory;
	storage->limit = count;
}

static char *find_in_hash(const struct storage *storage, const void *key)
{
	size_t size = storage->key_bytes + storage->value_bytes;

	for (size_t i = 0; i < storage->count; i++) {
		char *entry = storage->entries + i * size;

		if (!memcmp(entry, key, storage->key_bytes))
			return entry;
	}
	return NULL;
}

void *replay_map_find(struct replay_map map, const void *key)
{
	struct storage *storage = storage_of(&map);
	uint32_t number;
	char *entry;

	if (storage->is_hash) {
		entry = find_in_hash(storage, key);
		return entry ? entry + storage->key_bytes : NULL;
	}
	memcpy(&number, key, sizeof(number));
	return number < storage->limit ? storage->entries + (size_t)number * storage->value_bytes
				       : NULL;
}

long replay_map_set(struct replay_map map, const void *key, const void *value, uint64_t flags)
{
	struct storage *storage = storage_of(&map);
	char *place = replay_map_find(map, key);

	if (place && flags == BPF_NOEXIST)
		return -1;
	if (!place) {
		if (!storage->is_hash || storage->count == storage->limit)
			return -1;
		place = storage->entries +
			(size_t)storage->count++ * (storage->key_bytes + storage->value_bytes);
		memcpy(place, key, storage->key_bytes);
		place += storage->key_bytes;
	}
	memcpy(place, value, storage->value_bytes);
	return 0;
}

long replay_map_remove(struct replay_map map, const void *key)
{
	struct storage *storage = storage_of(&map);
	size_t size = storage->key_bytes + storage->value_bytes;
	char *entry = storage->is_hash ? find_in_hash(storage, key) : NULL;

	if (!entry)
		return -1;
	memmove(entry, storage->entries + --storage->count * size, size);
	return 0;
}

void replay_map_empty(struct replay_map map)
{
	storage_of(&map)->count = 0;
}
