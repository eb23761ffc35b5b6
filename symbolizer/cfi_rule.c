// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_rule.h"

#include <string.h>

enum {
	/* Where the kernel's struct ucontext keeps registers. */
	UCONTEXT_RBP = 120,
	UCONTEXT_RSP = 160,
	UCONTEXT_RIP = 168,
	RETURN_ADDRESS_OFFSET = -8, /* from the cfa, if a file says nothing else */
	NO_BASE = 0xff,
};

/* What the places of saved registers in a file's terms are in those of the rule. */
struct origin {
	const struct cfi_form
		*cfa;      /* the file's; the rule's is always the caller's stack pointer */
	int32_t shift;     /* the rule's is so much higher, unless is_elsewhere */
	bool is_elsewhere; /* the two have nothing to do with each other */
	uint8_t base;      /* register that the rule's saved ones count from, or NO_BASE */
};

/* Turns a form that counts from the cfa into one that counts from the register it is found by. */
static bool make_absolute(struct cfi_form *form, const struct cfi_form *cfa)
{
	if (form->base != CFI_BASE_CFA)
		return true;
	if (!cfi_form_is_register(cfa))
		return false;
	form->base = cfa->base;
	return !__builtin_add_overflow(form->offset, cfa->offset, &form->offset);
}

/* The caller's stack pointer is said to be saved as other registers are; false if it has no form. */
static bool find_stack_pointer(struct origin *origin, const struct cfi_saved *saved,
			       struct cfi_form *ret_form)
{
	if (saved->kind == CFI_SAVED_IS && saved->form.base == CFI_BASE_CFA &&
	    cfi_form_is_register(&saved->form)) {
		origin->shift = saved->form.offset;
		*ret_form = cfi_form_add(*origin->cfa, origin->shift);
		return true;
	}
	origin->is_elsewhere = true;
	*ret_form = saved->form;
	if (!make_absolute(ret_form, origin->cfa))
		return false;
	if (saved->kind == CFI_SAVED_IS)
		return true;
	if (ret_form->kind != CFI_FORM_SUM)
		return false;
	ret_form->kind = CFI_FORM_DEREF;
	return true;
}

static bool set_cfa_form(struct unwind_rule *rule, const struct cfi_form *form)
{
	if (form->base >= CFI_REGISTER_RIP || form->index >= CFI_REGISTER_RIP)
		return false;
	if (form->kind == CFI_FORM_PLT)
		rule->cfa = UNWIND_RULE_PLT;
	else if (form->kind == CFI_FORM_SUM && !form->scale)
		rule->cfa = UNWIND_RULE_REGISTER;
	else if (form->kind == CFI_FORM_DEREF)
		rule->cfa = form->scale ? UNWIND_RULE_INDEXED : UNWIND_RULE_DEREF;
	else
		return false;
	rule->cfa_register = form->base;
	rule->cfa_index = form->index;
	rule->cfa_scale = form->scale;
	rule->cfa_offset = form->offset;
	rule->cfa_addend = form->addend;
	return true;
}

/* The caller's stack pointer is the cfa, unless a file says otherwise. */
static bool set_cfa(struct unwind_rule *rule, struct origin *origin, const struct cfi_saved *saved)
{
	struct cfi_form form;

	if (saved->kind != CFI_SAVED_IS && saved->kind != CFI_SAVED_AT)
		return set_cfa_form(rule, origin->cfa);
	return find_stack_pointer(origin, saved, &form) && set_cfa_form(rule, &form);
}

/*
 * In memory; false if there is no such rule, or another register has claimed the base.
 *
 * Runs for every row: the form was just written in parts, and copying it whole would wait for them.
 */
static bool set_in_memory(struct origin *origin, const struct cfi_form *form, uint8_t *ret_saved,
			  int32_t *ret_offset)
{
	struct cfi_form absolute;

	if (!cfi_form_is_register(form))
		return false;
	if (form->base == CFI_BASE_CFA && !origin->is_elsewhere) {
		*ret_saved = UNWIND_SAVED_AT_CFA;
		return !__builtin_sub_overflow(form->offset, origin->shift, ret_offset);
	}
	absolute = *form;
	if (!make_absolute(&absolute, origin->cfa) || absolute.base >= CFI_REGISTER_RIP ||
	    (origin->base != NO_BASE && origin->base != absolute.base))
		return false;
	origin->base = absolute.base;
	*ret_saved = UNWIND_SAVED_AT_REGISTER;
	*ret_offset = absolute.offset;
	return true;
}

/* @number is the register itself, which may be said to be in itself. */
static bool set_saved(struct origin *origin, const struct cfi_saved *saved, uint8_t number,
		      uint8_t *ret_saved, int32_t *ret_offset)
{
	const struct cfi_form *form = &saved->form;

	switch (saved->kind) {
	case CFI_SAVED_DEFAULT:
	case CFI_SAVED_SAME:
		*ret_saved = UNWIND_SAVED_SAME;
		return true;
	case CFI_SAVED_AT:
		return set_in_memory(origin, form, ret_saved, ret_offset);
	case CFI_SAVED_IS:
		if (!cfi_form_is_register(form) || form->base >= CFI_REGISTER_RIP || form->offset)
			return false;
		*ret_saved = form->base == number ? UNWIND_SAVED_SAME : UNWIND_SAVED_REGISTER;
		*ret_offset = form->base == number ? 0 : form->base;
		return true;
	default:
		*ret_saved = UNWIND_SAVED_UNDEFINED;
		return true;
	}
}

static bool set_return_address(struct unwind_rule *rule, struct origin *origin,
			       const struct cfi_saved *saved)
{
	static const struct cfi_saved pushed = {
		CFI_SAVED_AT,
		{ CFI_FORM_SUM, CFI_BASE_CFA, 0, 0, RETURN_ADDRESS_OFFSET, 0 },
	};

	if (saved->kind == CFI_SAVED_DEFAULT)
		saved = &pushed;
	return set_saved(origin, saved, CFI_REGISTER_RIP, &rule->ra_saved, &rule->ra_offset) &&
	       rule->ra_saved != UNWIND_SAVED_SAME;
}

/* What cannot be told of another register is lost, without the frame. */
static void set_others(struct unwind_rule *rule, struct origin *origin,
		       const struct cfi_state *state, struct cfi_budget *budget)
{
	if (!set_saved(origin, &state->saved[CFI_SLOT_RBP], CFI_REGISTER_RBP, &rule->fp_saved,
		       &rule->fp_offset)) {
		cfi_budget_lose(budget, UNWIND_LOST_FRAME_POINTER);
		rule->fp_saved = UNWIND_SAVED_UNDEFINED;
		rule->fp_offset = 0;
	}
	if (!set_saved(origin, &state->saved[CFI_SLOT_RBX], CFI_REGISTER_RBX, &rule->bx_saved,
		       &rule->bx_offset)) {
		cfi_budget_lose(budget, UNWIND_LOST_RBX);
		rule->bx_saved = UNWIND_SAVED_UNDEFINED;
		rule->bx_offset = 0;
	}
	if (origin->base != NO_BASE)
		rule->saved_base = origin->base;
}

/* The frame that the kernel makes for a signal handler: all of it is in its struct ucontext. */
static bool rule_is_ucontext(const struct unwind_rule *rule)
{
	return rule->cfa == UNWIND_RULE_DEREF && rule->cfa_register == CFI_REGISTER_RSP &&
	       rule->cfa_offset == UCONTEXT_RSP && !rule->cfa_addend &&
	       rule->saved_base == CFI_REGISTER_RSP && rule->ra_saved == UNWIND_SAVED_AT_REGISTER &&
	       rule->ra_offset == UCONTEXT_RIP && rule->fp_saved == UNWIND_SAVED_AT_REGISTER &&
	       rule->fp_offset == UCONTEXT_RBP;
}

void cfi_rule_make(struct unwind_rule *rule, const struct cfi_state *state, bool is_signal_frame,
		   struct cfi_budget *budget)
{
	struct origin origin = { .cfa = &state->cfa, .base = NO_BASE };

	*rule = (struct unwind_rule){ .cfa = UNWIND_RULE_NONE };
	if (state->saved[CFI_SLOT_RA].kind == CFI_SAVED_UNDEFINED) {
		rule->cfa = UNWIND_RULE_END;
	} else if (!set_cfa(rule, &origin, &state->saved[CFI_SLOT_RSP])) {
		cfi_budget_lose(budget, UNWIND_LOST_CFA);
	} else if (!set_return_address(rule, &origin, &state->saved[CFI_SLOT_RA])) {
		*rule = (struct unwind_rule){ .cfa = UNWIND_RULE_NONE };
		cfi_budget_lose(budget, UNWIND_LOST_RETURN_ADDRESS);
	} else {
		set_others(rule, &origin, state, budget);
		if (is_signal_frame && rule_is_ucontext(rule))
			*rule = (struct unwind_rule){ .cfa = UNWIND_RULE_SIGNAL };
	}
}
