// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_expression.h"

#include <dwarf.h>
#include <string.h>

enum {
	MAX_DEPTH = 8, /* values; those that occur need three */
	MAX_SCALE = UINT8_MAX,
	MAX_SHIFT = 7,
};

struct form_stack {
	struct cfi_form items[MAX_DEPTH];
	size_t count;
	bool is_broken;
};

static const struct cfi_form unknown = { .kind = CFI_FORM_UNKNOWN };

/* A sum, unless its offset is too large for one. */
static struct cfi_form form_of(uint8_t base, uint8_t index, uint8_t scale, int64_t offset)
{
	struct cfi_form form = { CFI_FORM_SUM, base, index, scale, 0, 0 };

	return __builtin_add_overflow(offset, 0, &form.offset) ? unknown : form;
}

struct cfi_form cfi_form_of_register(uint64_t base, int64_t offset)
{
	return base > CFI_REGISTER_RIP ? unknown : form_of((uint8_t)base, 0, 0, offset);
}

bool cfi_form_is_register(const struct cfi_form *form)
{
	return form->kind == CFI_FORM_SUM && form->base != CFI_BASE_NONE && !form->scale;
}

struct cfi_form cfi_form_add(struct cfi_form form, int64_t value)
{
	bool is_too_far = false;

	if (form.kind == CFI_FORM_SUM)
		is_too_far = __builtin_add_overflow(form.offset, value, &form.offset);
	else if (form.kind == CFI_FORM_DEREF)
		is_too_far = __builtin_add_overflow(form.addend, value, &form.addend);
	else
		is_too_far = value;
	return is_too_far ? unknown : form;
}

static struct cfi_form form_of_constant(int64_t value)
{
	return form_of(CFI_BASE_NONE, 0, 0, value);
}

static bool form_is_constant(const struct cfi_form *form)
{
	return form->kind == CFI_FORM_SUM && form->base == CFI_BASE_NONE && !form->scale;
}

static void push(struct form_stack *stack, struct cfi_form form)
{
	if (stack->count == MAX_DEPTH)
		stack->is_broken = true;
	else
		stack->items[stack->count++] = form;
}

static struct cfi_form pop(struct form_stack *stack)
{
	if (!stack->count) {
		stack->is_broken = true;
		return unknown;
	}
	return stack->items[--stack->count];
}

/* Two sums are one if there are no more than two registers in it, one of them as it is. */
static struct cfi_form add_forms(struct cfi_form a, struct cfi_form b)
{
	int64_t offset = (int64_t)a.offset + b.offset;

	if (form_is_constant(&b))
		return cfi_form_add(a, b.offset);
	if (form_is_constant(&a))
		return cfi_form_add(b, a.offset);
	if (a.kind != CFI_FORM_SUM || b.kind != CFI_FORM_SUM)
		return unknown;
	if (cfi_form_is_register(&a) && b.base == CFI_BASE_NONE)
		return form_of(a.base, b.index, b.scale, offset);
	if (cfi_form_is_register(&b) && a.base == CFI_BASE_NONE)
		return form_of(b.base, a.index, a.scale, offset);
	if (cfi_form_is_register(&a) && cfi_form_is_register(&b) && b.base <= CFI_REGISTER_RIP)
		return form_of(a.base, b.base, 1, offset);
	return unknown;
}

static struct cfi_form multiply(struct cfi_form a, struct cfi_form b)
{
	if (!form_is_constant(&b) || b.offset < 1 || b.offset > MAX_SCALE ||
	    !cfi_form_is_register(&a) || a.base > CFI_REGISTER_RIP)
		return unknown;
	return form_of(CFI_BASE_NONE, a.base, (uint8_t)b.offset, (int64_t)a.offset * b.offset);
}

static struct cfi_form shift_left(struct cfi_form a, struct cfi_form b)
{
	if (!form_is_constant(&b) || b.offset < 0 || b.offset > MAX_SHIFT)
		return unknown;
	return multiply(a, form_of_constant(1 << b.offset));
}

static struct cfi_form negate(struct cfi_form form)
{
	return form_is_constant(&form) ? form_of_constant(-(int64_t)form.offset) : unknown;
}

static struct cfi_form dereference(struct cfi_form form)
{
	if (form.kind != CFI_FORM_SUM || form.base == CFI_BASE_NONE)
		return unknown;
	form.kind = CFI_FORM_DEREF;
	return form;
}

/* Operations on what is on the stack; false if it is none of them. */
static bool apply(struct form_stack *stack, uint8_t op)
{
	struct cfi_form top = pop(stack);

	switch (op) {
	case DW_OP_drop:
		return true;
	case DW_OP_dup:
		push(stack, top);
		push(stack, top);
		return true;
	case DW_OP_deref:
		push(stack, dereference(top));
		return true;
	case DW_OP_plus:
		push(stack, add_forms(pop(stack), top));
		return true;
	case DW_OP_minus:
		push(stack, add_forms(pop(stack), negate(top)));
		return true;
	case DW_OP_mul:
		push(stack, multiply(pop(stack), top));
		return true;
	case DW_OP_shl:
		push(stack, shift_left(pop(stack), top));
		return true;
	default:
		return false;
	}
}

/* Operations that bring a constant; false if it is none of them. */
static bool read_constant(struct cfi_reader *reader, uint8_t op, int64_t *ret_value)
{
	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		*ret_value = op - DW_OP_lit0;
		return true;
	}
	switch (op) {
	case DW_OP_const1u:
		*ret_value = cfi_read_u8(reader);
		return true;
	case DW_OP_const1s:
		*ret_value = cfi_read_u8(reader);
		*ret_value -= *ret_value & 0x80 ? 0x100 : 0;
		return true;
	case DW_OP_const2u:
		*ret_value = cfi_read_u16(reader);
		return true;
	case DW_OP_const2s:
		*ret_value = (int16_t)cfi_read_u16(reader);
		return true;
	case DW_OP_const4u:
		*ret_value = cfi_read_u32(reader);
		return true;
	case DW_OP_const4s:
		*ret_value = (int32_t)cfi_read_u32(reader);
		return true;
	case DW_OP_const8u:
	case DW_OP_const8s:
		*ret_value = (int64_t)cfi_read_u64(reader);
		return true;
	case DW_OP_constu:
		*ret_value = (int64_t)cfi_read_uleb(reader);
		return true;
	case DW_OP_consts:
		*ret_value = cfi_read_sleb(reader);
		return true;
	default:
		return false;
	}
}

static bool run_one(struct cfi_reader *reader, struct form_stack *stack)
{
	uint8_t op = cfi_read_u8(reader);
	int64_t value;

	if (read_constant(reader, op, &value)) {
		push(stack, form_of_constant(value));
	} else if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
		push(stack, cfi_form_of_register(op - DW_OP_breg0, cfi_read_sleb(reader)));
	} else if (op == DW_OP_bregx) {
		uint64_t number = cfi_read_uleb(reader);

		push(stack, cfi_form_of_register(number, cfi_read_sleb(reader)));
	} else if (op == DW_OP_plus_uconst) {
		push(stack, cfi_form_add(pop(stack), (int64_t)cfi_read_uleb(reader)));
	} else if (op != DW_OP_nop) {
		return apply(stack, op);
	}
	return true;
}

/*
 * The linker's expression for procedure linkage tables: entries of 16 bytes, one word more on the
 * stack from the push on, which ends at byte 11, or elsewhere with other kinds of entries.
 */
static bool read_plt(const struct cfi_reader *expression, struct cfi_form *ret_form)
{
	static const uint8_t before[] = { DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and };
	static const uint8_t after[] = { DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus };
	const uint8_t *at = expression->at;

	if (cfi_reader_left(expression) != sizeof(before) + 1 + sizeof(after) ||
	    memcmp(at, before, sizeof(before)) != 0 ||
	    memcmp(at + sizeof(before) + 1, after, sizeof(after)) != 0 ||
	    at[sizeof(before)] < DW_OP_lit0 || at[sizeof(before)] > DW_OP_lit15)
		return false;
	*ret_form = (struct cfi_form){ .kind = CFI_FORM_PLT,
				       .offset = at[sizeof(before)] - DW_OP_lit0 };
	return true;
}

struct cfi_form cfi_expression_read(struct cfi_reader expression, bool starts_with_cfa)
{
	struct form_stack stack = { .count = 0 };
	struct cfi_form form;

	if (read_plt(&expression, &form))
		return form;
	if (starts_with_cfa)
		push(&stack, (struct cfi_form){ .kind = CFI_FORM_SUM, .base = CFI_BASE_CFA });
	while (cfi_reader_left(&expression) && !stack.is_broken) {
		if (!run_one(&expression, &stack))
			return unknown;
	}
	form = pop(&stack);
	return expression.is_broken || stack.is_broken ? unknown : form;
}
