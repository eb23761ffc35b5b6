// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/kernel/native_sampler.h"

/*
 * Any registers, memory, code and rules: the kernel side's walk ends, each step brings it nearer to that,
 * and nothing outside is touched. What may be an address is made of 16 bits, so that most are ones of
 * the code or the stack.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
	CODE = 0x10000,
	CODE_BYTES = 0x2000,
	STACK = 0x14000,
	STACK_WORDS = 1024,
	MAX_RULES = 16,
	MAX_ROWS = 64,
	USER_CODE = 0x33, /* the code segment of 64-bit user code */
};

struct input {
	const uint8_t *bytes;
	size_t size;
};

static uint8_t code[CODE_BYTES];
static uint64_t stack[STACK_WORDS];

/* Zeros after the end. */
static void take_bytes(struct input *input, void *to, size_t size)
{
	size_t part = size < input->size ? size : input->size;

	memset(to, 0, size);
	if (!part)
		return;
	memcpy(to, input->bytes, part);
	input->bytes += part;
	input->size -= part;
}

static uint64_t take_address(struct input *input)
{
	uint16_t low;

	take_bytes(input, &low, sizeof(low));
	if (!low)
		return 0;
	return low == UINT16_MAX ? UINT64_MAX - 7 : CODE + (low & 0x7fff);
}

static long read_memory(void *context, void *to, uint32_t size, uint64_t addr)
{
	(void)context;
	if (addr >= CODE && size <= CODE_BYTES && addr - CODE <= CODE_BYTES - size)
		memcpy(to, code + (addr - CODE), size);
	else if (addr >= STACK && size <= sizeof(stack) && addr - STACK <= sizeof(stack) - size)
		memcpy(to, (char *)stack + (addr - STACK), size);
	else
		return -14;
	return 0;
}

/* Rules are any bytes; rows as a table must have them: ascending. */
static void take_table(struct input *input, struct unwind_table *table)
{
	uint8_t rules, rows;
	uint64_t offset = 0;

	take_bytes(input, &rules, 1);
	take_bytes(input, &rows, 1);
	table->rule_count = rules % MAX_RULES + 1;
	take_bytes(input, table->rules, table->rule_count * sizeof(*table->rules));
	for (size_t i = 0; i < rows % MAX_ROWS; i++) {
		uint16_t place;
		uint8_t rule;

		take_bytes(input, &place, sizeof(place));
		take_bytes(input, &rule, 1);
		offset += place % 512 + 1;
		if (offset >= CODE_BYTES)
			break;
		table->rows[table->row_count++] =
			(struct unwind_row){ offset, rule % table->rule_count };
	}
}

static void take_memory(struct input *input)
{
	uint8_t code_bytes;

	take_bytes(input, &code_bytes, 1);
	memset(code, 0x90, sizeof(code));
	for (size_t i = 0; i < code_bytes; i++)
		take_bytes(input, &code[i * 31 % sizeof(code)], 1);
	for (size_t i = 0; i < STACK_WORDS; i++)
		stack[i] = take_address(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct unwind_rule rules[MAX_RULES];
	static struct unwind_row rows[MAX_ROWS];
	struct unwind_table table = { .rules = rules, .rows = rows };
	struct input input = { bytes, size };
	struct native_mapping mappings[] = {
		{ CODE, CODE + CODE_BYTES / 2, 0, NATIVE_NO_FILE, true },
		{ CODE + CODE_BYTES / 2, CODE + CODE_BYTES, CODE_BYTES / 2, NATIVE_NO_FILE, true },
		{ STACK, STACK + sizeof(stack), 0, NATIVE_NO_FILE, false },
	};
	struct user_regs_struct registers;
	uint64_t *words = (uint64_t *)&registers;

	for (size_t i = 0; i < sizeof(registers) / sizeof(*words); i++)
		words[i] = take_address(&input);
	registers.cs = USER_CODE;
	take_table(&input, &table);
	if (native_add_table(&table, &mappings[0].file))
		abort();
	mappings[1].file = bytes && size && bytes[size - 1] & 1 ? mappings[0].file : NATIVE_NO_FILE;
	native_set_start_stack(STACK + sizeof(stack) - 64);
	if (native_set_mappings(mappings, 3))
		abort();
	take_memory(&input);
	if (!native_walk_makes_progress(&registers, read_memory, NULL))
		abort();
	native_clear();
	return 0;
}
