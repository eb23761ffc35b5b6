// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/go_rule.h"

enum {
	RDX = 1, /* as DWARF numbers registers */
	RBX = 3,
	RBP = 6,
	RSP = 7,
	R12 = 12,
	WORD = 8,
	FRAME_RECORD = 16,       /* the caller's rbp and the return address */
	MAX_STACK = 1 << 30,     /* reflection has frames as large */
	CALLED_ARGUMENTS = 0x18, /* what crosscall2 passes on, below the registers of C */
	GOBUF_PC = 8,            /* in a saved state: sp, then pc */
};

/* A frame with anything in it begins with the caller's rbp. */
static void set_saved_rbp(struct unwind_rule *rule, int32_t stack)
{
	if (stack < WORD)
		return;
	rule->fp_saved = UNWIND_SAVED_AT_CFA;
	rule->fp_offset = -FRAME_RECORD;
}

static void set_plain(struct unwind_rule *rule, const struct go_place *place)
{
	int32_t saved = place->max_stack - CALLED_ARGUMENTS;

	rule->cfa = UNWIND_RULE_REGISTER;
	rule->cfa_register = RSP;
	rule->cfa_offset = place->stack + WORD;
	rule->ra_saved = UNWIND_SAVED_AT_CFA;
	rule->ra_offset = -WORD;
	set_saved_rbp(rule, place->stack);
	/* The lowest of what it saves, whose size was just taken from the stack pointer, is rbx. */
	if (place->kind == GO_KIND_CALLED && saved > 0 && place->stack >= saved) {
		rule->bx_saved = UNWIND_SAVED_AT_CFA;
		rule->bx_offset = -(saved + WORD);
	}
}

/* A function that has taken its own return address from the stack. */
static void set_popped(struct unwind_rule *rule, const struct go_place *place)
{
	if (place->kind != GO_KIND_VFORK) {
		rule->cfa = UNWIND_RULE_END; /* the first instructions of a process */
		return;
	}
	rule->cfa = UNWIND_RULE_REGISTER;
	rule->cfa_register = RSP;
	rule->ra_saved = UNWIND_SAVED_REGISTER;
	rule->ra_offset = R12;
}

static void set_go(struct unwind_rule *rule, const struct go_place *place, enum unwind_go step,
		   uint8_t base)
{
	rule->cfa = UNWIND_RULE_GO;
	rule->bx_saved = step;
	rule->cfa_register = base;
	rule->cfa_offset = place->stack + WORD;
	set_saved_rbp(rule, place->stack);
	rule->ra_saved = UNWIND_SAVED_AT_CFA;
	rule->ra_offset = -WORD;
}

/* rbp points to a frame: that of the function itself, or of its caller, which is then skipped. */
static void set_frame(struct unwind_rule *rule, const struct go_place *place)
{
	set_go(rule, place, UNWIND_GO_REGISTER, RBP);
	rule->cfa_offset = FRAME_RECORD;
	set_saved_rbp(rule, FRAME_RECORD);
}

static void set_curg(struct unwind_rule *rule, const struct go_offsets *offsets)
{
	rule->cfa_addend = offsets->g;
	rule->cfa_index = offsets->m_word;
	rule->cfa_scale = offsets->curg_word;
	rule->bx_offset = offsets->saved_sp;
}

/* Before 1.21 it has no frame, and rbp is nothing to fall back on. */
static void set_saved(struct unwind_rule *rule, const struct go_place *place,
		      const struct go_offsets *offsets)
{
	set_go(rule, place, UNWIND_GO_SAVED, place->stack >= WORD ? RBP : 0);
	set_curg(rule, offsets);
}

static void set_grow(struct unwind_rule *rule, const struct go_offsets *offsets)
{
	*rule = (struct unwind_rule){ .cfa = UNWIND_RULE_GO, .bx_saved = UNWIND_GO_RESUME };
	set_curg(rule, offsets);
	rule->fp_offset = offsets->saved_fp;
}

static void set_call_of_c(struct unwind_rule *rule, const struct go_place *place,
			  const struct go_offsets *offsets)
{
	set_go(rule, place, UNWIND_GO_CALL, 0);
	rule->bx_offset = offsets->called_g;
	rule->cfa_addend = offsets->called_depth;
}

/* On the stack of a goroutine that is about to go on: rbx leads to its pc, or is it. */
static void set_resumed(struct unwind_rule *rule, const struct go_place *place, enum go_state state)
{
	set_go(rule, place, UNWIND_GO_INTERRUPT, RSP);
	rule->cfa_offset = 0;
	rule->fp_saved = UNWIND_SAVED_SAME;
	rule->fp_offset = 0;
	rule->ra_saved = state == GO_STATE_RBX ? UNWIND_SAVED_AT_REGISTER : UNWIND_SAVED_REGISTER;
	rule->saved_base = state == GO_STATE_RBX ? RBX : 0;
	rule->ra_offset = state == GO_STATE_RBX ? GOBUF_PC : RBX;
}

/* Places where the stack size counts, and not a switch. */
static enum go_state state_of(const struct go_place *place)
{
	if (place->state == GO_STATE_FRAME && place->stack < WORD)
		return GO_STATE_PLAIN;
	return place->state;
}

void go_rule_make(struct unwind_rule *rule, const struct go_place *place,
		  const struct go_offsets *offsets)
{
	enum go_state state = state_of(place);

	*rule = (struct unwind_rule){ .cfa = UNWIND_RULE_NONE };
	if (state == GO_STATE_ROOT)
		rule->cfa = UNWIND_RULE_END;
	else if (state == GO_STATE_SIGNAL)
		rule->cfa = UNWIND_RULE_SIGNAL;
	else if (state == GO_STATE_FRAME || state == GO_STATE_NO_FRAME)
		set_frame(rule, place);
	else if (state == GO_STATE_RBX || state == GO_STATE_RBX_IS_PC)
		set_resumed(rule, place, state);
	else if (state == GO_STATE_GROW)
		set_grow(rule, offsets);
	else if (place->stack == -WORD)
		set_popped(rule, place);
	else if (place->stack < 0 || place->stack > MAX_STACK + FRAME_RECORD)
		return;
	else if (state == GO_STATE_PLAIN)
		set_plain(rule, place);
	else if (state == GO_STATE_INTERRUPT)
		set_go(rule, place, UNWIND_GO_INTERRUPT, RSP);
	else if (state == GO_STATE_RDX)
		set_go(rule, place, UNWIND_GO_REGISTER, RDX);
	else if (state == GO_STATE_CALL_C)
		set_call_of_c(rule, place, offsets);
	else
		set_saved(rule, place, offsets);
}
