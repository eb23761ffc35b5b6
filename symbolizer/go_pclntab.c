// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/go_pclntab.h"

#include <errno.h>
#include <string.h>

enum {
	BLOCK_BITS = 13,
	BLOCK_BYTES = 1 << BLOCK_BITS,
	SLOT_BITS = 7,
	SLOTS = 1 << SLOT_BITS,
	NAME_CHUNK_BYTES = 64 * 1024,
	MAX_WANTED = 64,
	MAX_NAME_BYTES = 64, /* of a name that is looked for */
	MAX_VARINT_BYTES = 5,
	RECORD_BYTES = 44, /* of a function, as far as they are read */
};

#define MAX_NAMES_BYTES (256ULL << 20) /* that are looked through; the largest servers have 20 MB */

struct block {
	uint64_t number; /* in the table; UINT64_MAX: nothing yet */
	size_t size;     /* bytes read, fewer at the end of the table */
	uint8_t bytes[BLOCK_BYTES];
};

struct go_pclntab {
	const struct go_module *module;
	int fd;
	struct block slots[SLOTS]; /* by a hash of their numbers */
};

int go_pclntab_new(struct go_pclntab **out, const struct go_module *module,
		   const struct cfi_image *image, struct cfi_budget *budget)
{
	AUTO(go_pclntab) table = NULL;
	int err = cfi_budget_take(budget, sizeof(*table));

	if (err)
		return err;
	table = malloc(sizeof(*table));
	if (!table)
		return -ENOMEM;
	table->module = module;
	table->fd = image->fd;
	for (size_t i = 0; i < SLOTS; i++)
		table->slots[i].number = UINT64_MAX;

	*out = take(table);
	return 0;
}

void go_pclntab_free(struct go_pclntab *table)
{
	free(table);
}

/* ---- bytes ------------------------------------------------------------------------------------- */

/* The block that holds @position; it may be empty. Borrowed until the next call. */
static int find_block(struct go_pclntab *table, uint64_t position, const struct block **ret)
{
	uint64_t number = position >> BLOCK_BITS;
	struct block *block = &table->slots[(uint32_t)number * 0x9e3779b1U >> (32 - SLOT_BITS)];
	const struct cfi_extent *extent = &table->module->table;
	uint64_t start = number << BLOCK_BITS;
	int64_t size = 0;

	*ret = block;
	if (block->number == number)
		return 0;
	block->number = UINT64_MAX;
	if (start < extent->size)
		size = cfi_read_file(table->fd, block->bytes,
				     extent->size - start < BLOCK_BYTES ? extent->size - start
									: BLOCK_BYTES,
				     extent->offset + start);
	if (size < 0)
		return (int)size;
	block->size = (size_t)size;
	block->number = number;
	return 0;
}

static int get_bytes(struct go_pclntab *table, uint64_t position, void *out, size_t size)
{
	for (size_t done = 0; done < size;) {
		size_t at = (position + done) & (BLOCK_BYTES - 1);
		const struct block *block;
		size_t part;
		int err = find_block(table, position + done, &block);

		if (err)
			return err;
		if (at >= block->size)
			return -ENODATA;
		part = block->size - at < size - done ? block->size - at : size - done;
		memcpy((char *)out + done, block->bytes + at, part);
		done += part;
	}
	return 0;
}

/* ---- functions --------------------------------------------------------------------------------- */

/* Where a function's record has what, in bytes. */
struct record_layout {
	size_t size; /* of the part that is read */
	size_t name;
	size_t stack;
	size_t flags;
};

static const struct record_layout layouts[] = {
	[GO_LAYOUT_1_16] = { 44, 8, 20, 41 },
	[GO_LAYOUT_1_18] = { 40, 4, 16, 37 },
	[GO_LAYOUT_1_20] = { 44, 4, 16, 41 },
};

/* Entry @index of the sorted list: an address, and where the record is. The last has no record. */
struct entry {
	uint64_t address;
	uint64_t record;
};

/* @ret: two of them, since a function ends where the next one begins. */
static int get_entries(struct go_pclntab *table, uint64_t index, struct entry ret[2])
{
	const struct go_module *module = table->module;
	uint64_t wide[4];
	uint32_t narrow[4];
	bool is_wide = module->layout == GO_LAYOUT_1_16;
	/* The last entry is followed by a record at least, if by nothing else: four words are there. */
	size_t size = is_wide ? sizeof(wide) : sizeof(narrow);
	int err = get_bytes(table, module->functions + index * (size / 2),
			    is_wide ? (void *)wide : (void *)narrow, size);

	if (err)
		return err;
	for (size_t i = 0; i < 2; i++) {
		ret[i].address = is_wide ? wide[2 * i] : module->text + narrow[2 * i];
		ret[i].record = is_wide ? wide[2 * i + 1] : narrow[2 * i + 1];
	}
	return 0;
}

int go_pclntab_get(struct go_pclntab *table, uint64_t index, struct go_function *ret)
{
	const struct record_layout *layout = &layouts[table->module->layout];
	uint8_t record[RECORD_BYTES];
	struct entry entries[2];
	int err;

	if (index >= table->module->function_count)
		return -ENODATA;
	err = get_entries(table, index, entries);
	if (err)
		return err;
	if (entries[1].address <= entries[0].address || entries[0].record > UINT32_MAX)
		return -ENODATA;
	err = get_bytes(table, table->module->functions + entries[0].record, record, layout->size);
	if (err)
		return err;
	ret->address = entries[0].address;
	ret->size = entries[1].address - entries[0].address;
	memcpy(&ret->name, record + layout->name, sizeof(ret->name));
	memcpy(&ret->stack, record + layout->stack, sizeof(ret->stack));
	ret->flags = record[layout->flags];
	return 0;
}

/* ---- names ------------------------------------------------------------------------------------- */

struct name_search {
	const char *const *names;
	size_t sizes[MAX_WANTED];
	size_t count;
	uint64_t sizes_present; /* a bit for each length that is looked for */
	uint32_t *positions;
};

static void look_at_name(struct name_search *search, const char *name, size_t size,
			 uint64_t position)
{
	if (size >= MAX_NAME_BYTES || !(search->sizes_present >> size & 1))
		return;
	for (size_t i = 0; i < search->count; i++) {
		if (search->sizes[i] == size && !memcmp(search->names[i], name, size) &&
		    search->positions[i] == UINT32_MAX)
			search->positions[i] = (uint32_t)position;
	}
}

/* All names that end in the chunk. Return: the bytes that they take. */
static size_t look_at_names(struct name_search *search, const char *chunk, size_t size,
			    uint64_t position)
{
	size_t at = 0;

	while (at < size) {
		const char *end = memchr(chunk + at, 0, size - at);

		if (!end)
			break;
		look_at_name(search, chunk + at, (size_t)(end - (chunk + at)), position + at);
		at = (size_t)(end - chunk) + 1;
	}
	return at;
}

static struct name_search search_of(const char *const *names, uint32_t *positions)
{
	struct name_search search = { .names = names, .positions = positions };

	for (; names[search.count] && search.count < MAX_WANTED; search.count++) {
		size_t size = strlen(names[search.count]);

		search.sizes[search.count] = size;
		search.sizes_present |= size < MAX_NAME_BYTES ? 1ULL << size : 0;
		positions[search.count] = UINT32_MAX;
	}
	return search;
}

int go_pclntab_find_names(const struct go_pclntab *table, const char *const *names,
			  uint32_t *ret_positions)
{
	struct name_search search = search_of(names, ret_positions);
	const struct go_module *module = table->module;
	AUTO_STRING chunk = malloc(NAME_CHUNK_BYTES);
	uint64_t position = 0;

	if (!chunk)
		return -ENOMEM;
	while (position < module->names_size && position < MAX_NAMES_BYTES) {
		uint64_t left = module->names_size - position;
		size_t wanted = left < NAME_CHUNK_BYTES ? left : NAME_CHUNK_BYTES;
		int64_t size = cfi_read_file(table->fd, chunk, wanted,
					     module->table.offset + module->names + position);
		size_t used;

		if (size <= 0)
			return (int)size;
		used = look_at_names(&search, chunk, (size_t)size, position);
		/* A name that fills a whole chunk is not one that anybody looks for. */
		position += used ? used : (size_t)size;
	}
	return 0;
}

/* ---- values by program counter ----------------------------------------------------------------- */

struct go_values go_values_begin(struct go_pclntab *table, const struct go_function *function,
				 uint32_t values)
{
	return (struct go_values){
		.table = table,
		.position = table->module->values + values,
		.limit = function->size,
		.value = -1,
		.is_first = true,
	};
}

/* Seven bits a byte, the lowest first; more than 32 bits are cut off. */
static int get_varint(struct go_values *values, uint32_t *ret)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < MAX_VARINT_BYTES; i++) {
		size_t at = values->position & (BLOCK_BYTES - 1);
		const struct block *block;
		int err = find_block(values->table, values->position, &block);

		if (err)
			return err;
		if (at >= block->size)
			return -ENODATA;
		number |= (uint32_t)(block->bytes[at] & 0x7f) << (7 * i);
		values->position++;
		if (block->bytes[at] < 0x80) {
			*ret = number;
			return 0;
		}
	}
	return -ENODATA;
}

bool go_values_next(struct go_values *values)
{
	uint32_t change, distance;

	if (values->error || values->end >= values->limit)
		return false;
	values->error = get_varint(values, &change);
	if (values->error || (!change && !values->is_first))
		return false;
	values->error = get_varint(values, &distance);
	if (values->error)
		return false;
	if (!distance && !values->is_first) {
		values->error = -ENODATA;
		return false;
	}
	values->is_first = false;
	/* The lowest bit is the sign. */
	values->value = (int32_t)((uint32_t)values->value +
				  ((change >> 1) ^ (uint32_t) - (int32_t)(change & 1)));
	values->start = values->end;
	values->end += distance;
	if (values->end > values->limit)
		values->end = values->limit;
	return true;
}
