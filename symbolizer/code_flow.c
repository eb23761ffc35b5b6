// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/code_flow.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/intern.h"
#include "symbolizer/code_walk.h"

enum {
	STATE_NONE = 0,    /* not reached */
	STATE_UNKNOWN = 1, /* reached, but what was found does not fit together */
	STATE_FIRST = 2,
	MAX_STATES = UINT16_MAX - STATE_FIRST,
	MIN_STATE_BYTES = 256 * 1024,
	MAX_STATE_BYTES = 8 * 1024 * 1024,
	STATE_BYTES_PER_BYTE =
		8,           /* of code: hand-written code has more states than compiled code */
	STEPS_PER_BYTE = 16, /* each instruction is reached twice, mostly */
	MIN_STEPS = 4096,
};

/* Offsets, owned. */
struct offsets {
	uint32_t *items;
	size_t count;
	size_t capacity;
};

/* How the current root is followed: the next way only if nothing fits together in the one before. */
enum care {
	CARE_NONE, /* calls return */
	CARE_SURE, /* look behind each call whether it returns */
	CARE_FAR,  /* ... and behind further ones that may not return themselves */
	CARE_COUNT,
};

struct code_flow {
	struct code_lead *lead;
	struct cfi_budget *budget;
	uint16_t *states; /* by offset: see above; then the number in known plus STATE_FIRST */
	size_t size;
	struct intern *known;
	struct offsets work;  /* reached, and to be followed */
	struct offsets trail; /* all that the current root reached first */
	uint64_t steps;       /* that may still be taken */
	bool does_not_fit;    /* the current root */
	enum care care;
};

static int offsets_add(struct code_flow *flow, struct offsets *offsets, size_t offset)
{
	int err = cfi_budget_grow(flow->budget, &offsets->items, &offsets->capacity, offsets->count,
				  sizeof(*offsets->items));

	if (!err)
		offsets->items[offsets->count++] = (uint32_t)offset;
	return err;
}

static void offsets_fini(struct code_flow *flow, struct offsets *offsets)
{
	free(offsets->items);
	cfi_budget_give(flow->budget, offsets->capacity * sizeof(*offsets->items));
}

static const struct code_state *known_state(const struct code_flow *flow, uint16_t number)
{
	return number < STATE_FIRST ? NULL : intern_get(flow->known, number - STATE_FIRST, NULL);
}

/* STATE_UNKNOWN when there are too many. */
static uint16_t number_of(struct code_flow *flow, const struct code_state *state)
{
	uint32_t number;

	if (intern_add(flow->known, state, sizeof(*state), &number) || number >= MAX_STATES)
		return STATE_UNKNOWN;
	return (uint16_t)(number + STATE_FIRST);
}

/* ---- following --------------------------------------------------------------------------------- */

/*
 * @offset is reached with @state, whose number is @number, if it has one yet. What begins a function is never
 * reached from outside.
 */
static int reach(struct code_flow *flow, int64_t offset, const struct code_state *state,
		 uint16_t number)
{
	struct code_state merged;
	uint16_t before, after;
	int err;

	if (offset < 0 || (uint64_t)offset >= flow->size)
		return 0;
	before = flow->states[offset];
	if (before == STATE_UNKNOWN || (number && before == number) ||
	    code_lead_is_function(flow->lead, (size_t)offset))
		return 0;
	if (before == STATE_NONE) {
		after = number ? number : number_of(flow, state);
	} else {
		merged = *known_state(flow, before);
		after = STATE_UNKNOWN;
		if (code_state_merge(&merged, state))
			after = number_of(flow, &merged);
		else
			flow->does_not_fit |= flow->care == CARE_NONE;
		if (after == before)
			return 0;
	}
	flow->states[offset] = after;
	err = before == STATE_NONE ? offsets_add(flow, &flow->trail, (size_t)offset) : 0;
	return err ? err : offsets_add(flow, &flow->work, (size_t)offset);
}

/*
 * Where a function returns, its return address is on top; before that, nothing takes it off the stack but code with
 * calling conventions of its own.
 */
static void check_fit(struct code_flow *flow, const struct code_state *state,
		      const struct x86_instruction *instruction)
{
	bool returns = instruction->kind == X86_RETURN;

	if (state->depth == CODE_UNKNOWN || state->is_root || state->is_signal)
		return;
	if (state->depth < CODE_DEPTH_AT_CALL || (returns && state->depth > CODE_DEPTH_AT_CALL))
		flow->does_not_fit = true;
}

static const struct code_state *state_found(void *context, size_t offset)
{
	return code_flow_find(context, offset);
}

/*
 * Whether what stands behind a call can be run after it: it must want the stack as it is. What saves a register
 * there is the next function, or pushes an argument: then it has to be shown.
 */
static bool call_returns(struct code_flow *flow, size_t next, const struct code_state *state)
{
	struct code_state wanted;

	if (state->depth == CODE_UNKNOWN)
		return true;
	if (!code_walk_sure_state(flow->lead, next, state_found, flow, &wanted)) {
		if (flow->care == CARE_SURE && !code_lead_saves(flow->lead, next))
			return true;
		if (!code_walk_state(flow->lead, next, state_found, flow, &wanted))
			return !code_lead_saves(flow->lead, next);
	}
	return wanted.depth == CODE_UNKNOWN || wanted.depth == state->depth;
}

static bool goes_on(struct code_flow *flow, size_t offset,
		    const struct x86_instruction *instruction, const struct code_state *state)
{
	size_t next = offset + instruction->length;

	if (!code_lead_goes_on(flow->lead, offset, instruction))
		return false;
	/* The system call, which uses r11, goes to where the signal came. */
	if (state->is_signal && instruction->written >> X86_R11 & 1)
		return false;
	if (instruction->kind != X86_CALL)
		return true;
	if (flow->care == CARE_NONE) {
		flow->does_not_fit |= code_lead_saves(flow->lead, next);
		return true;
	}
	if (call_returns(flow, next, state))
		return true;
	code_lead_add_begin(flow->lead, next);
	return false;
}

/* Over instructions that change nothing, to the last one that is reached for the first time. */
static int skip_plain(struct code_flow *flow, size_t *offset)
{
	uint16_t number = flow->states[*offset];
	int err = 0;

	for (size_t length = code_lead_plain(flow->lead, *offset); !err && length;
	     length = code_lead_plain(flow->lead, *offset)) {
		size_t next = *offset + length;

		if (next >= flow->size || flow->states[next] != STATE_NONE ||
		    code_lead_is_function(flow->lead, next) || !flow->steps)
			break;
		flow->steps--;
		flow->states[next] = number;
		*offset = next;
		err = offsets_add(flow, &flow->trail, next);
	}
	return err;
}

static int follow(struct code_flow *flow, size_t offset)
{
	uint16_t number = flow->states[offset];
	const struct code_state *before = known_state(flow, number);
	struct x86_instruction instruction;
	struct code_state state;
	int err = 0;

	if (!before)
		return 0;
	if (code_state_is_simple(before) && !before->is_signal &&
	    before->depth >= CODE_DEPTH_AT_CALL)
		err = skip_plain(flow, &offset);
	if (err || !code_lead_read(flow->lead, offset, &instruction))
		return err;
	state = *before;
	check_fit(flow, &state, &instruction);
	code_state_step(&state, &instruction);
	if (memcmp(&state, before, sizeof(state)) != 0)
		number = STATE_NONE;
	if (instruction.has_target && instruction.kind != X86_CALL)
		err = reach(flow, (int64_t)offset + instruction.target, &state, number);
	if (!err && goes_on(flow, offset, &instruction, &state))
		err = reach(flow, (int64_t)offset + instruction.length, &state, number);
	return err;
}

/* Gives all that the current root has reached another state. */
static void reset_trail(struct code_flow *flow, uint16_t state)
{
	for (size_t i = 0; i < flow->trail.count; i++)
		flow->states[flow->trail.items[i]] = state;
	flow->trail.count = 0;
	flow->work.count = 0;
}

static int try_root(struct code_flow *flow, size_t offset, const struct code_state *state)
{
	int err;

	flow->trail.count = 0;
	flow->work.count = 0;
	flow->does_not_fit = false;
	flow->states[offset] = number_of(flow, state);
	err = offsets_add(flow, &flow->trail, offset);
	if (!err)
		err = offsets_add(flow, &flow->work, offset);
	while (!err && flow->work.count && flow->steps) {
		flow->steps--;
		err = follow(flow, flow->work.items[--flow->work.count]);
	}
	return err;
}

/*
 * From @offset on. What does not fit together has mostly run on behind a call that does not return, into the next
 * function. If it still does not fit when that is looked for, nothing that was reached is known.
 */
static int follow_root(struct code_flow *flow, size_t offset, const struct code_state *state)
{
	int err = 0;

	flow->does_not_fit = true;
	for (int care = CARE_NONE; !err && flow->does_not_fit && care < CARE_COUNT; care++) {
		reset_trail(flow, STATE_NONE);
		flow->care = (enum care)care;
		err = try_root(flow, offset, state);
	}
	if (!err && (flow->does_not_fit || !flow->steps))
		reset_trail(flow, STATE_UNKNOWN);
	flow->trail.count = 0;
	return err;
}

/* ---- where to begin ---------------------------------------------------------------------------- */

/* Functions first: what they reach tells of the rest. */
static int follow_functions(struct code_flow *flow, const struct code_region *region)
{
	struct code_state state = code_state_at_call();
	int err = 0;

	if (region->entry < flow->size) {
		state.is_root = true;
		err = follow_root(flow, region->entry, &state);
		state.is_root = false;
	}
	if (!err && region->has_before && flow->states[0] == STATE_NONE)
		err = follow_root(flow, 0, &region->before);
	for (size_t i = code_lead_next(flow->lead, 0, true); !err && i < flow->size;
	     i = code_lead_next(flow->lead, i + 1, true)) {
		if (flow->states[i] == STATE_NONE)
			err = follow_root(flow, i, &state);
	}
	return err;
}

static int follow_leads(struct code_flow *flow)
{
	struct code_state state;
	int err = 0;

	for (size_t i = code_lead_next(flow->lead, 0, false); !err && i < flow->size;
	     i = code_lead_next(flow->lead, i + 1, false)) {
		if (flow->states[i] == STATE_NONE &&
		    code_walk_state(flow->lead, i, state_found, flow, &state))
			err = follow_root(flow, i, &state);
	}
	return err;
}

/* Memory that the states of @size bytes of code may take. */
static size_t state_bytes(size_t size)
{
	size_t wanted = MIN_STATE_BYTES + size * STATE_BYTES_PER_BYTE;

	return wanted < MAX_STATE_BYTES ? wanted : MAX_STATE_BYTES;
}

int code_flow_new(struct code_flow **out, const struct code_region *region,
		  struct cfi_budget *budget)
{
	AUTO(code_flow) flow = NULL;
	size_t size = region->size;
	int err = cfi_budget_take(budget, size * sizeof(uint16_t) + state_bytes(size));

	if (err)
		return err;
	flow = calloc(1, sizeof(*flow));
	if (flow)
		flow->states = calloc(size, sizeof(*flow->states));
	if (!flow || !flow->states) {
		cfi_budget_give(budget, size * sizeof(uint16_t) + state_bytes(size));
		return -ENOMEM;
	}
	flow->size = size;
	flow->budget = budget;
	flow->steps = (uint64_t)size * STEPS_PER_BYTE + MIN_STEPS;
	err = intern_new(&flow->known, state_bytes(size));
	if (!err)
		err = code_lead_new(&flow->lead, region, budget);
	if (!err)
		err = follow_functions(flow, region);
	if (!err)
		err = follow_leads(flow);
	if (err)
		return err;

	*out = take(flow);
	return 0;
}

const struct code_state *code_flow_find(const struct code_flow *flow, size_t offset)
{
	return offset < flow->size ? known_state(flow, flow->states[offset]) : NULL;
}

void code_flow_free(struct code_flow *flow)
{
	if (!flow)
		return;
	offsets_fini(flow, &flow->work);
	offsets_fini(flow, &flow->trail);
	cfi_budget_give(flow->budget, flow->size * sizeof(uint16_t) + state_bytes(flow->size));
	code_lead_free(flow->lead);
	intern_free(flow->known);
	free(flow->states);
	free(flow);
}
