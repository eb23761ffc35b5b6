// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_program.h"

#include <dwarf.h>

enum {
	OPERAND_MASK = 0x3f /* of the instructions that carry their operand with them */
};

static void break_program(struct cfi_program *program)
{
	cfi_reader_break(&program->reader);
	program->is_broken = true;
}

/* NULL for registers that lead nowhere. */
static struct cfi_saved *saved_of(struct cfi_program *program, uint64_t number)
{
	switch (number) {
	case CFI_REGISTER_RBX:
		return &program->state.saved[CFI_SLOT_RBX];
	case CFI_REGISTER_RBP:
		return &program->state.saved[CFI_SLOT_RBP];
	case CFI_REGISTER_RSP:
		return &program->state.saved[CFI_SLOT_RSP];
	case CFI_REGISTER_RIP:
		return &program->state.saved[CFI_SLOT_RA];
	default:
		return NULL;
	}
}

static void set_saved(struct cfi_program *program, uint64_t number, enum cfi_saved_kind kind,
		      struct cfi_form form)
{
	struct cfi_saved *saved = saved_of(program, number);

	if (saved)
		*saved = (struct cfi_saved){ kind, form };
}

static void set_kind(struct cfi_program *program, uint64_t number, enum cfi_saved_kind kind)
{
	set_saved(program, number, kind, (struct cfi_form){ 0 });
}

/* What overflows is further than any form reaches. */
static int64_t factored(const struct cfi_program *program, uint64_t offset)
{
	int64_t product;

	return __builtin_mul_overflow((int64_t)offset, program->dialect->data_alignment, &product)
		       ? INT64_MAX
		       : product;
}

static void set_offset(struct cfi_program *program, uint64_t number, enum cfi_saved_kind kind,
		       uint64_t offset)
{
	const struct cfi_form cfa = { .kind = CFI_FORM_SUM, .base = CFI_BASE_CFA };

	set_saved(program, number, kind, cfi_form_add(cfa, factored(program, offset)));
}

static void restore(struct cfi_program *program, uint64_t number)
{
	struct cfi_saved *saved = saved_of(program, number);

	if (saved)
		*saved = program->dialect->initial.saved[saved - program->state.saved];
}

static void set_expression(struct cfi_program *program, enum cfi_saved_kind kind)
{
	uint64_t number = cfi_read_uleb(&program->reader);
	uint64_t size = cfi_read_uleb(&program->reader);
	struct cfi_reader block = cfi_read_block(&program->reader, size);

	if (saved_of(program, number))
		set_saved(program, number, kind, cfi_expression_read(block, true));
}

static void set_cfa_expression(struct cfi_program *program)
{
	uint64_t size = cfi_read_uleb(&program->reader);

	program->state.cfa = cfi_expression_read(cfi_read_block(&program->reader, size), false);
}

static void set_cfa(struct cfi_program *program, uint64_t number, int64_t offset)
{
	program->state.cfa = cfi_form_of_register(number, offset);
}

/* Both change one half of what an earlier instruction must have said. */
static void set_cfa_register(struct cfi_program *program, uint64_t number)
{
	if (!cfi_form_is_register(&program->state.cfa))
		program->state.cfa.kind = CFI_FORM_UNKNOWN;
	else
		set_cfa(program, number, program->state.cfa.offset);
}

static void set_cfa_offset(struct cfi_program *program, int64_t offset)
{
	if (!cfi_form_is_register(&program->state.cfa))
		program->state.cfa.kind = CFI_FORM_UNKNOWN;
	else
		set_cfa(program, program->state.cfa.base, offset);
}

static void remember_state(struct cfi_program *program)
{
	if (program->remembered_count == CFI_MAX_REMEMBERED)
		break_program(program);
	else
		program->remembered[program->remembered_count++] = program->state;
}

static void restore_state(struct cfi_program *program)
{
	if (!program->remembered_count)
		break_program(program);
	else
		program->state = program->remembered[--program->remembered_count];
}

static void advance(struct cfi_program *program, uint64_t delta)
{
	uint64_t distance;

	if (__builtin_mul_overflow(delta, program->dialect->code_alignment, &distance) ||
	    __builtin_add_overflow(program->location, distance, &program->next))
		break_program(program);
}

static void set_location(struct cfi_program *program)
{
	const struct cfi_dialect *dialect = program->dialect;

	if (!cfi_read_pointer(&program->reader, dialect->pointer_encoding, &dialect->bases,
			      &program->next) ||
	    program->next < program->location)
		break_program(program);
}

/* Instructions that say where the canonical frame address is; false if it is none of them. */
static bool run_on_cfa(struct cfi_program *program, uint8_t op)
{
	struct cfi_reader *reader = &program->reader;
	uint64_t number;

	switch (op) {
	case DW_CFA_def_cfa:
		number = cfi_read_uleb(reader);
		set_cfa(program, number, (int64_t)cfi_read_uleb(reader));
		return true;
	case DW_CFA_def_cfa_sf:
		number = cfi_read_uleb(reader);
		set_cfa(program, number, factored(program, (uint64_t)cfi_read_sleb(reader)));
		return true;
	case DW_CFA_def_cfa_register:
		set_cfa_register(program, cfi_read_uleb(reader));
		return true;
	case DW_CFA_def_cfa_offset:
		set_cfa_offset(program, (int64_t)cfi_read_uleb(reader));
		return true;
	case DW_CFA_def_cfa_offset_sf:
		set_cfa_offset(program, factored(program, (uint64_t)cfi_read_sleb(reader)));
		return true;
	case DW_CFA_def_cfa_expression:
		set_cfa_expression(program);
		return true;
	default:
		return false;
	}
}

/* Instructions with a register and an offset; false if it is none of them. */
static bool run_on_offset(struct cfi_program *program, uint8_t op)
{
	enum cfi_saved_kind kind = CFI_SAVED_AT;
	uint64_t number, offset;

	switch (op) {
	case DW_CFA_offset_extended:
	case DW_CFA_val_offset:
	case DW_CFA_GNU_negative_offset_extended:
		number = cfi_read_uleb(&program->reader);
		offset = cfi_read_uleb(&program->reader);
		break;
	case DW_CFA_offset_extended_sf:
	case DW_CFA_val_offset_sf:
		number = cfi_read_uleb(&program->reader);
		offset = (uint64_t)cfi_read_sleb(&program->reader);
		break;
	default:
		return false;
	}
	if (op == DW_CFA_val_offset || op == DW_CFA_val_offset_sf)
		kind = CFI_SAVED_IS;
	if (op == DW_CFA_GNU_negative_offset_extended)
		offset = -offset;
	set_offset(program, number, kind, offset);
	return true;
}

/* Instructions that say where a register is; false if it is none of them. */
static bool run_on_register(struct cfi_program *program, uint8_t op)
{
	struct cfi_reader *reader = &program->reader;
	uint64_t number;

	switch (op) {
	case DW_CFA_restore_extended:
		restore(program, cfi_read_uleb(reader));
		return true;
	case DW_CFA_undefined:
		set_kind(program, cfi_read_uleb(reader), CFI_SAVED_UNDEFINED);
		return true;
	case DW_CFA_same_value:
		set_kind(program, cfi_read_uleb(reader), CFI_SAVED_SAME);
		return true;
	case DW_CFA_register:
		number = cfi_read_uleb(reader);
		set_saved(program, number, CFI_SAVED_IS,
			  cfi_form_of_register(cfi_read_uleb(reader), 0));
		return true;
	case DW_CFA_expression:
		set_expression(program, CFI_SAVED_AT);
		return true;
	case DW_CFA_val_expression:
		set_expression(program, CFI_SAVED_IS);
		return true;
	default:
		return run_on_offset(program, op);
	}
}

/* Instructions that move on or do nothing here; the last chance. */
static void run_other(struct cfi_program *program, uint8_t op)
{
	struct cfi_reader *reader = &program->reader;

	switch (op) {
	case DW_CFA_nop:
	case DW_CFA_GNU_window_save: /* and AArch64's negate_ra_state */
		break;
	case DW_CFA_GNU_args_size:
		cfi_read_uleb(reader);
		break;
	case DW_CFA_advance_loc1:
		advance(program, cfi_read_u8(reader));
		break;
	case DW_CFA_advance_loc2:
		advance(program, cfi_read_u16(reader));
		break;
	case DW_CFA_advance_loc4:
		advance(program, cfi_read_u32(reader));
		break;
	case DW_CFA_MIPS_advance_loc8:
		advance(program, cfi_read_u64(reader));
		break;
	case DW_CFA_set_loc:
		set_location(program);
		break;
	case DW_CFA_remember_state:
		remember_state(program);
		break;
	case DW_CFA_restore_state:
		restore_state(program);
		break;
	default:
		break_program(program);
	}
}

static void run_one(struct cfi_program *program)
{
	uint8_t op = cfi_read_u8(&program->reader);
	uint8_t operand = op & OPERAND_MASK;

	switch (op & ~OPERAND_MASK) {
	case DW_CFA_advance_loc:
		advance(program, operand);
		break;
	case DW_CFA_offset:
		set_offset(program, operand, CFI_SAVED_AT, cfi_read_uleb(&program->reader));
		break;
	case DW_CFA_restore:
		restore(program, operand);
		break;
	default:
		if (!run_on_cfa(program, op) && !run_on_register(program, op))
			run_other(program, op);
	}
}

void cfi_program_start(struct cfi_program *program, const struct cfi_dialect *dialect,
		       struct cfi_reader instructions, uint64_t location)
{
	program->dialect = dialect;
	program->reader = instructions;
	program->location = location;
	program->next = location;
	program->is_broken = false;
	program->state = dialect->initial;
	program->remembered_count = 0;
}

bool cfi_program_run(struct cfi_program *program)
{
	program->location = program->next;
	while (program->next == program->location) {
		if (!cfi_reader_left(&program->reader))
			return false;
		run_one(program);
		if (program->reader.is_broken)
			program->is_broken = true;
	}
	return true;
}
