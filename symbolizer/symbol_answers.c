// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_answers.h"

#include <errno.h>
#include <string.h>

#include "agent/base/array.h"
#include "agent/base/intern.h"
#include "symbolizer/demangle.h"

enum {
	FIRST_SLOTS = 64,
	MAX_STRING_BYTES = 64 << 20, /* as many as one answer may have */
};

/* The lines of one address; slots of a hash table with open addresses. */
struct slot {
	uint64_t address;
	uint32_t first;
	uint32_t count; /* plus one; 0: an empty slot */
};

struct symbol_answers {
	struct intern *strings; /* owned */
	struct {
		uint32_t *items; /* owned; by string: number of its readable form plus one, or 0 */
		size_t count;
		size_t capacity;
	} readable;
	struct {
		struct symbol_known_line *items; /* owned */
		size_t count;
		size_t capacity;
	} lines;
	struct slot *slots; /* owned */
	size_t slot_count;  /* a power of two */
	size_t used;
};

int symbol_answers_new(struct symbol_answers **out)
{
	AUTO(symbol_answers) answers = calloc(1, sizeof(*answers));
	int err;

	if (!answers)
		return -ENOMEM;
	answers->slots = calloc(FIRST_SLOTS, sizeof(*answers->slots));
	answers->slot_count = FIRST_SLOTS;
	if (!answers->slots)
		return -ENOMEM;
	err = intern_new(&answers->strings, MAX_STRING_BYTES);
	if (err)
		return err;
	*out = take(answers);
	return 0;
}

/* The slot of @address, or the empty one where it belongs. */
static struct slot *slot_of(const struct symbol_answers *answers, uint64_t address)
{
	const uint64_t golden_ratio = 0x9e3779b97f4a7c15;
	size_t mask = answers->slot_count - 1;
	size_t at = (size_t)(address * golden_ratio >> 32) & mask;

	while (answers->slots[at].count && answers->slots[at].address != address)
		at = (at + 1) & mask;
	return &answers->slots[at];
}

bool symbol_answers_has(const struct symbol_answers *answers, uint64_t address)
{
	return slot_of(answers, address)->count;
}

static int grow(struct symbol_answers *answers)
{
	struct symbol_answers bigger = { .slot_count = 2 * answers->slot_count };

	bigger.slots = calloc(bigger.slot_count, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < answers->slot_count; i++) {
		if (answers->slots[i].count)
			*slot_of(&bigger, answers->slots[i].address) = answers->slots[i];
	}
	free(answers->slots);
	answers->slots = bigger.slots;
	answers->slot_count = bigger.slot_count;
	return 0;
}

static int add_string(struct symbol_answers *answers, const char *string, uint32_t *ret)
{
	return intern_add(answers->strings, string, strlen(string), ret);
}

/* Finds or makes the readable form of @system_name. */
static int readable_of(struct symbol_answers *answers, uint32_t system_name, uint32_t *ret)
{
	char readable[DEMANGLED_MAX + 1];
	int err = 0;

	while (!err && answers->readable.count <= system_name)
		err = array_add(&answers->readable, 0);
	if (!err && !answers->readable.items[system_name]) {
		const char *name = symbol_answers_string(answers, system_name);

		err = add_string(answers, demangle(name, readable), ret);
		if (!err)
			answers->readable.items[system_name] = *ret + 1;
	}
	if (!err)
		*ret = answers->readable.items[system_name] - 1;
	return err;
}

static int add_line(struct symbol_answers *answers, const struct symbol_new_line *from)
{
	struct symbol_known_line line = { .file = SYMBOL_NO_STRING, .line = from->line };
	int err = add_string(answers, from->system_name, &line.system_name);

	if (!err)
		err = readable_of(answers, line.system_name, &line.name);
	if (!err && from->file)
		err = add_string(answers, from->file, &line.file);
	return err ? err : array_add(&answers->lines, line);
}

int symbol_answers_add(struct symbol_answers *answers, uint64_t address,
		       const struct symbol_new_line *lines, size_t count)
{
	struct slot slot = {
		.address = address,
		.first = (uint32_t)answers->lines.count,
		.count = (uint32_t)count + 1,
	};
	int err = 0;

	if (symbol_answers_has(answers, address))
		return 0;
	if (4 * answers->used >= 3 * answers->slot_count)
		err = grow(answers);
	for (size_t i = 0; i < count && !err; i++)
		err = add_line(answers, &lines[i]);
	if (err) {
		answers->lines.count = slot.first;
		return err;
	}
	*slot_of(answers, address) = slot;
	answers->used++;
	return 0;
}

size_t symbol_answers_get(const struct symbol_answers *answers, uint64_t address,
			  const struct symbol_known_line **ret_lines)
{
	const struct slot *slot = slot_of(answers, address);

	*ret_lines = answers->lines.items + slot->first;
	return slot->count ? slot->count - 1 : 0;
}

const char *symbol_answers_string(const struct symbol_answers *answers, uint32_t number)
{
	return intern_get(answers->strings, number, NULL);
}

uint32_t symbol_answers_string_count(const struct symbol_answers *answers)
{
	return intern_count(answers->strings);
}

size_t symbol_answers_bytes(const struct symbol_answers *answers)
{
	return sizeof(*answers) + intern_bytes(answers->strings) +
	       answers->slot_count * sizeof(*answers->slots) +
	       answers->lines.capacity * sizeof(*answers->lines.items) +
	       answers->readable.capacity * sizeof(*answers->readable.items);
}

void symbol_answers_free(struct symbol_answers *answers)
{
	if (!answers)
		return;
	intern_free(answers->strings);
	free(answers->readable.items);
	free(answers->lines.items);
	free(answers->slots);
	free(answers);
}
