// SPDX-License-Identifier: Apache-2.0
#include "tests/replay/shadow_stack.h"

#include <errno.h>
#include <stdlib.h>

enum {
	MAX_STACKS = 16,
	MAX_DEPTH = 4096,
	ROOT_BYTES = 26, /* of glibc's __start_context */
};

enum kind {
	RETURN, /* a return address */
	SIGNAL, /* what a signal interrupted, and the stack it did so on */
	LINK,   /* the stack that was left for this one */
};

struct entry {
	enum kind kind;
	uint64_t slot; /* alive as long as the stack pointer is not above */
	uint64_t pc;
	size_t stack; /* the other one, and where on it */
	uint64_t sp;
};

struct stack {
	uint64_t start, end;
	bool is_linked;
	bool is_begun; /* something ran on it */
	size_t count;
	struct entry entries[MAX_DEPTH];
};

struct shadow_stack {
	struct stack *stacks[MAX_STACKS]; /* the first is that of the process: everything else */
	size_t count;
	size_t current;
	uint64_t sp;   /* as it was last */
	uint64_t root; /* where the first function of the stack made last returns to */
};

int shadow_stack_new(struct shadow_stack **out)
{
	AUTO(shadow_stack) shadow = calloc(1, sizeof(*shadow));

	if (!shadow)
		return -ENOMEM;
	shadow_stack_announce(shadow, 0, 0, false);
	*out = take(shadow);
	return 0;
}

/* Out of memory or places, a test cannot go on. */
void shadow_stack_announce(struct shadow_stack *shadow, uint64_t start, uint64_t end,
			   bool is_linked)
{
	struct stack *stack = shadow->count < MAX_STACKS ? calloc(1, sizeof(*stack)) : NULL;

	if (!stack)
		abort();
	stack->start = start;
	stack->end = end;
	stack->is_linked = is_linked;
	shadow->stacks[shadow->count++] = stack;
}

static size_t stack_at(const struct shadow_stack *shadow, uint64_t sp)
{
	for (size_t i = shadow->count; i-- > 1;) {
		if (sp > shadow->stacks[i]->start && sp <= shadow->stacks[i]->end)
			return i;
	}
	return 0;
}

static void push(struct stack *stack, struct entry entry)
{
	if (stack->count == MAX_DEPTH)
		abort();
	stack->entries[stack->count++] = entry;
}

void shadow_stack_call(struct shadow_stack *shadow, uint64_t slot, uint64_t return_address)
{
	push(shadow->stacks[shadow->current], (struct entry){ .slot = slot, .pc = return_address });
}

void shadow_stack_signal(struct shadow_stack *shadow, uint64_t slot, uint64_t restorer, uint64_t pc,
			 uint64_t sp)
{
	size_t interrupted = shadow->current;
	struct stack *stack;

	shadow->current = stack_at(shadow, slot);
	stack = shadow->stacks[shadow->current];
	/* The kernel begins an alternate stack anew, whatever is left on it. */
	if (shadow->current != interrupted)
		stack->count = 0;
	stack->is_begun = true;
	push(stack,
	     (struct entry){
		     .kind = SIGNAL, .slot = slot + 8, .pc = pc, .stack = interrupted, .sp = sp });
	push(stack, (struct entry){ .slot = slot, .pc = restorer });
}

void shadow_stack_signal_return(struct shadow_stack *shadow, uint64_t sp)
{
	struct stack *stack = shadow->stacks[shadow->current];

	while (stack->count && stack->entries[stack->count - 1].slot <= sp)
		stack->count--;
}

/* A stack made by the program is entered, for the first time or again. */
static void enter(struct shadow_stack *shadow, struct stack *stack, uint64_t sp, uint64_t word)
{
	if (stack->is_linked && !stack->count) {
		push(stack, (struct entry){ .kind = LINK,
					    .slot = UINT64_MAX,
					    .stack = shadow->current,
					    .sp = shadow->sp });
	} else if (stack->end && !stack->is_begun) {
		push(stack, (struct entry){ .slot = sp, .pc = word });
		shadow->root = word;
	}
	stack->is_begun = true;
}

void shadow_stack_move(struct shadow_stack *shadow, uint64_t sp, uint64_t word)
{
	size_t at = stack_at(shadow, sp);
	struct stack *stack = shadow->stacks[at];

	while (stack->count && stack->entries[stack->count - 1].slot < sp)
		stack->count--;
	if (at != shadow->current)
		enter(shadow, stack, sp, word);
	shadow->current = at;
	shadow->sp = sp;
}

/* Goes on with the entry before @next, on another stack where the entry there leads to one. */
static const struct entry *entry_before(const struct shadow_stack *shadow, size_t *stack,
					size_t *next, uint64_t *sp)
{
	while (*next) {
		const struct entry *entry = &shadow->stacks[*stack]->entries[--*next];

		if (entry->slot < *sp)
			continue;
		if (entry->kind == RETURN)
			return entry;
		if (entry->stack != *stack) {
			*stack = entry->stack;
			*next = shadow->stacks[*stack]->count;
		}
		*sp = entry->sp;
		if (entry->kind == SIGNAL)
			return entry;
	}
	return NULL;
}

size_t shadow_stack_chain(const struct shadow_stack *shadow, uint64_t pc,
			  struct shadow_frame *ret_frames, size_t limit)
{
	size_t stack = shadow->current;
	size_t next = shadow->stacks[stack]->count, count = 1;
	const struct entry *entry;
	uint64_t sp = 0;

	ret_frames[0] = (struct shadow_frame){ pc, true };
	while (count < limit && (entry = entry_before(shadow, &stack, &next, &sp)))
		ret_frames[count++] = (struct shadow_frame){ entry->pc, entry->kind == SIGNAL };
	return count;
}

bool shadow_stack_is_root(const struct shadow_stack *shadow, uint64_t pc)
{
	return shadow->root && pc - shadow->root < ROOT_BYTES;
}

void shadow_stack_free(struct shadow_stack *shadow)
{
	if (!shadow)
		return;
	for (size_t i = 0; i < shadow->count; i++)
		free(shadow->stacks[i]);
	free(shadow);
}
