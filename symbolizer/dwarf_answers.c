// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_answers.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "agent/base/array.h"

/* Strings by number. */
struct known_frame {
	uint32_t function;
	uint32_t file;
	uint32_t line;
};

/* Frames of one address; slots of a hash table with open addresses. */
struct slot {
	uint64_t address;
	uint32_t first;
	uint32_t count; /* plus one; 0: an empty slot */
};

struct dwarf_answers {
	size_t max_bytes;
	struct intern *strings; /* owned */
	struct {
		struct known_frame *items; /* owned */
		size_t count;
		size_t capacity;
	} frames;
	struct slot *slots; /* owned */
	size_t slot_count;  /* a power of two */
	size_t used;
};

enum {
	FIRST_SLOTS = 256
};

int dwarf_answers_new(struct dwarf_answers **out, size_t max_bytes)
{
	AUTO(dwarf_answers) answers = calloc(1, sizeof(*answers));
	int err;

	if (!answers)
		return -ENOMEM;
	answers->max_bytes = max_bytes;
	answers->slots = calloc(FIRST_SLOTS, sizeof(*answers->slots));
	answers->slot_count = FIRST_SLOTS;
	if (!answers->slots)
		return -ENOMEM;
	err = intern_new(&answers->strings, max_bytes);
	if (err)
		return err;
	*out = take(answers);
	return 0;
}

/* The slot of @address, or the empty one where it belongs. */
static struct slot *slot_of(const struct dwarf_answers *answers, uint64_t address)
{
	size_t mask = answers->slot_count - 1;
	size_t at = (size_t)(address * 0x9e3779b97f4a7c15ULL >> 32) & mask;

	while (answers->slots[at].count && answers->slots[at].address != address)
		at = (at + 1) & mask;
	return &answers->slots[at];
}

static size_t table_bytes(const struct dwarf_answers *answers)
{
	return answers->slot_count * sizeof(*answers->slots) +
	       answers->frames.count * sizeof(*answers->frames.items);
}

int dwarf_answers_make_room(struct dwarf_answers *answers, size_t count)
{
	const size_t bytes_each = 64, string_bytes_each = 32;
	struct intern *strings;
	int err;

	if (!answers->used ||
	    (table_bytes(answers) + count * bytes_each < answers->max_bytes / 2 &&
	     intern_bytes(answers->strings) + count * string_bytes_each < answers->max_bytes / 2))
		return 0;
	err = intern_new(&strings, answers->max_bytes);
	if (err)
		return err;
	intern_free(answers->strings);
	answers->strings = strings;
	answers->frames.count = 0;
	answers->used = 0;
	memset(answers->slots, 0, answers->slot_count * sizeof(*answers->slots));
	return 0;
}

bool dwarf_answers_has(const struct dwarf_answers *answers, uint64_t address)
{
	return slot_of(answers, address)->count;
}

static int grow(struct dwarf_answers *answers)
{
	struct dwarf_answers bigger = { .slot_count = 2 * answers->slot_count };

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

static int add_string(struct dwarf_answers *answers, const char *string, uint32_t *ret)
{
	return intern_add(answers->strings, string, strlen(string), ret);
}

static int add_frame(struct dwarf_answers *answers, const struct dwarf_frame *frame)
{
	struct known_frame known = { .line = frame->line };
	int err = add_string(answers, frame->function, &known.function);

	if (!err)
		err = add_string(answers, frame->file, &known.file);
	return err ? err : array_add(&answers->frames, known);
}

int dwarf_answers_add(struct dwarf_answers *answers, uint64_t address,
		      const struct dwarf_frame *frames, size_t count)
{
	struct slot slot = {
		.address = address,
		.first = (uint32_t)answers->frames.count,
		.count = (uint32_t)count + 1,
	};
	int err = 0;

	if (table_bytes(answers) >= answers->max_bytes)
		return 0;
	if (4 * answers->used >= 3 * answers->slot_count)
		err = grow(answers);
	for (size_t i = 0; i < count && !err; i++)
		err = add_frame(answers, &frames[i]);
	if (err) {
		answers->frames.count = slot.first;
		return err == -ENOSPC ? 0 : err;
	}
	*slot_of(answers, address) = slot;
	answers->used++;
	return 0;
}

size_t dwarf_answers_get(const struct dwarf_answers *answers, uint64_t address,
			 struct dwarf_frame *ret_frames, size_t max_frames)
{
	const struct slot *slot = slot_of(answers, address);
	size_t count = slot->count ? slot->count - 1 : 0;

	if (count > max_frames)
		count = max_frames;
	for (size_t i = 0; i < count; i++) {
		const struct known_frame *known = &answers->frames.items[slot->first + i];

		ret_frames[i] = (struct dwarf_frame){
			.function = intern_get(answers->strings, known->function, NULL),
			.file = intern_get(answers->strings, known->file, NULL),
			.line = known->line,
		};
	}
	return count;
}

size_t dwarf_answers_bytes(const struct dwarf_answers *answers)
{
	return sizeof(*answers) + intern_bytes(answers->strings) +
	       answers->slot_count * sizeof(*answers->slots) +
	       answers->frames.capacity * sizeof(*answers->frames.items);
}

void dwarf_answers_free(struct dwarf_answers *answers)
{
	if (!answers)
		return;
	intern_free(answers->strings);
	free(answers->frames.items);
	free(answers->slots);
	free(answers);
}
