// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cfi_oracle.h"

#include <dwarf.h>
#include <stddef.h>
#include <string.h>

#include "tests/replay/kernel/native_sampler.h"

enum {
	RBX = 3,
	RBP = 6,
	RSP = 7,
	RIP = 16,
	MAX_STACK = 16,
	USER_CODE = 0x33, /* the code segment of 64-bit user code */
};

#define STACK 0x100000000000ULL

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 31) * 0x9e3779b97f4a7c15ULL;
	value = (value ^ value >> 27) * 0xbf58476d1ce4e5b9ULL;
	return value ^ value >> 32;
}

static uint64_t stack_address(uint64_t value)
{
	return STACK + (mix(value) & 0x3ffffffffff0);
}

static uint64_t memory_at(const struct cfi_machine *machine, uint64_t address)
{
	return stack_address(address + machine->seed);
}

struct cfi_machine cfi_machine_at(uint64_t seed, uint64_t address)
{
	struct cfi_machine machine = { .seed = mix(seed + 1) };

	for (uint64_t i = 0; i < RIP; i++)
		machine.registers[i] = stack_address(machine.seed + i);
	machine.registers[RSP] = STACK;
	machine.registers[RIP] = address;
	return machine;
}

static uint64_t cfa_by_rule(const struct cfi_machine *machine, const struct unwind_rule *rule)
{
	const uint64_t *registers = machine->registers;
	uint64_t base = registers[rule->cfa_register] + (uint64_t)(int64_t)rule->cfa_offset;
	uint64_t addend = (uint64_t)(int64_t)rule->cfa_addend;

	switch (rule->cfa) {
	case UNWIND_RULE_REGISTER:
		return base;
	case UNWIND_RULE_DEREF:
		return memory_at(machine, base) + addend;
	case UNWIND_RULE_INDEXED:
		base += registers[rule->cfa_index] * rule->cfa_scale;
		return memory_at(machine, base) + addend;
	case UNWIND_RULE_PLT:
		return registers[RSP] + 8 +
		       ((int64_t)(registers[RIP] & 15) >= rule->cfa_offset ? 8 : 0);
	default:
		return 0;
	}
}

struct saved {
	uint8_t kind;
	uint8_t base;
	int32_t offset;
};

static struct cfi_value value_by_rule(const struct cfi_machine *machine, uint64_t cfa,
				      struct saved saved, uint64_t same)
{
	uint64_t offset = (uint64_t)(int64_t)saved.offset;

	switch (saved.kind) {
	case UNWIND_SAVED_SAME:
		return (struct cfi_value){ true, same };
	case UNWIND_SAVED_AT_CFA:
		return (struct cfi_value){ true, memory_at(machine, cfa + offset) };
	case UNWIND_SAVED_REGISTER:
		return (struct cfi_value){ true, machine->registers[saved.offset] };
	case UNWIND_SAVED_AT_REGISTER:
		return (struct cfi_value){ true, memory_at(machine, machine->registers[saved.base] +
									    offset) };
	default:
		return (struct cfi_value){ .is_known = false };
	}
}

static struct cfi_caller caller_of_signal(const struct cfi_machine *machine)
{
	uint64_t context = machine->registers[RSP];

	return (struct cfi_caller){
		.is_found = true,
		.sp = { true, memory_at(machine, context + 160) },
		.ra = { true, memory_at(machine, context + 168) },
		.fp = { true, memory_at(machine, context + 120) },
		.bx = { true, memory_at(machine, context + 128) },
	};
}

struct cfi_caller cfi_caller_by_rule(const struct cfi_machine *machine,
				     const struct unwind_rule *rule)
{
	const uint64_t *registers = machine->registers;
	uint8_t base = rule ? rule->saved_base : 0;
	uint64_t cfa;

	if (!rule || rule->cfa == UNWIND_RULE_NONE)
		return (struct cfi_caller){ .is_found = false };
	if (rule->cfa == UNWIND_RULE_END)
		return (struct cfi_caller){ .is_found = true, .is_root = true };
	if (rule->cfa == UNWIND_RULE_SIGNAL)
		return caller_of_signal(machine);
	cfa = cfa_by_rule(machine, rule);
	return (struct cfi_caller){
		.is_found = true,
		.bx_is_same = rule->bx_saved == UNWIND_SAVED_SAME,
		.sp = { true, cfa },
		.ra = value_by_rule(machine, cfa,
				    (struct saved){ rule->ra_saved, base, rule->ra_offset },
				    registers[RIP]),
		.fp = value_by_rule(machine, cfa,
				    (struct saved){ rule->fp_saved, base, rule->fp_offset },
				    registers[RBP]),
		.bx = value_by_rule(machine, cfa,
				    (struct saved){ rule->bx_saved, base, rule->bx_offset },
				    registers[RBX]),
	};
}

static long read_machine(void *context, void *to, uint32_t size, uint64_t address)
{
	for (uint32_t at = 0; at < size; at += sizeof(uint64_t)) {
		uint64_t word = memory_at(context, address + at);

		memcpy((char *)to + at, &word, size - at < sizeof(word) ? size - at : sizeof(word));
	}
	return 0;
}

static struct user_regs_struct registers_of(const struct cfi_machine *machine, uint64_t address)
{
	const uint64_t *by_number = machine->registers;

	return (struct user_regs_struct){
		.rax = by_number[0],
		.rdx = by_number[1],
		.rcx = by_number[2],
		.rbx = by_number[3],
		.rsi = by_number[4],
		.rdi = by_number[5],
		.rbp = by_number[6],
		.rsp = by_number[7],
		.r8 = by_number[8],
		.r9 = by_number[9],
		.r10 = by_number[10],
		.r11 = by_number[11],
		.r12 = by_number[12],
		.r13 = by_number[13],
		.r14 = by_number[14],
		.r15 = by_number[15],
		.rip = address,
		.cs = USER_CODE,
	};
}

struct cfi_caller cfi_caller_by_kernel(struct cfi_machine *machine, const struct unwind_rule *rule,
				       uint64_t address)
{
	struct user_regs_struct registers = registers_of(machine, address);
	struct native_caller step;

	if (!rule || rule->cfa == UNWIND_RULE_NONE)
		return (struct cfi_caller){ .is_found = false };
	/* What was interrupted is a leaf, which is a frame wherever it is: the tick goes on. */
	if (rule->cfa == UNWIND_RULE_SIGNAL)
		return cfi_caller_by_rule(machine, rule);
	step = native_step(&registers, read_machine, machine);
	return (struct cfi_caller){
		.is_found = step.is_found || step.is_root,
		.is_root = step.is_root,
		.bx_is_same = rule->bx_saved == UNWIND_SAVED_SAME,
		.sp = { step.is_found, step.sp },
		.ra = { step.is_found, step.pc },
		.fp = { step.fp_is_known, step.fp },
		.bx = { step.bx_is_known, step.bx },
	};
}

/* A stack machine for the operations that libdw hands out. */
struct evaluation {
	const struct cfi_machine *machine;
	uint64_t cfa;
	uint64_t stack[MAX_STACK];
	size_t depth;
	bool is_value; /* the result is the value, not where it is */
	bool is_broken;
};

static void push(struct evaluation *run, uint64_t value)
{
	if (run->depth == MAX_STACK)
		run->is_broken = true;
	else
		run->stack[run->depth++] = value;
}

static uint64_t pop(struct evaluation *run)
{
	if (!run->depth) {
		run->is_broken = true;
		return 0;
	}
	return run->stack[--run->depth];
}

/* Operations on two values; false if it is none of them. */
static bool evaluate_two(struct evaluation *run, uint8_t atom)
{
	uint64_t b = pop(run), a = pop(run);

	switch (atom) {
	case DW_OP_plus:
		push(run, a + b);
		return true;
	case DW_OP_minus:
		push(run, a - b);
		return true;
	case DW_OP_mul:
		push(run, a * b);
		return true;
	case DW_OP_and:
		push(run, a & b);
		return true;
	case DW_OP_ge:
		push(run, (int64_t)a >= (int64_t)b);
		return true;
	case DW_OP_shl:
		push(run, b < 64 ? a << b : 0);
		return true;
	default:
		return false;
	}
}

static bool evaluate_one(struct evaluation *run, const Dwarf_Op *op)
{
	switch (op->atom) {
	case DW_OP_call_frame_cfa:
		push(run, run->cfa);
		return true;
	case DW_OP_plus_uconst:
		push(run, pop(run) + op->number);
		return true;
	case DW_OP_deref:
		push(run, memory_at(run->machine, pop(run)));
		return true;
	case DW_OP_drop:
		pop(run);
		return true;
	case DW_OP_stack_value:
		run->is_value = true;
		return true;
	case DW_OP_const1u ... DW_OP_consts:
		push(run, op->number);
		return true;
	default:
		return evaluate_two(run, op->atom);
	}
}

static void evaluate(struct evaluation *run, const Dwarf_Op *op)
{
	const uint64_t *registers = run->machine->registers;

	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg0 + RIP) {
		push(run, registers[op->atom - DW_OP_breg0] + op->number);
	} else if (op->atom == DW_OP_bregx && op->number <= RIP) {
		push(run, registers[op->number] + op->number2);
	} else if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg0 + RIP) {
		push(run, registers[op->atom - DW_OP_reg0]);
		run->is_value = true;
	} else if (op->atom == DW_OP_regx && op->number <= RIP) {
		push(run, registers[op->number]);
		run->is_value = true;
	} else if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31) {
		push(run, op->atom - DW_OP_lit0);
	} else if (!evaluate_one(run, op)) {
		run->is_broken = true;
	}
}

static struct cfi_value cfa_by_libdw(const struct cfi_machine *machine, Dwarf_Frame *frame)
{
	struct evaluation run = { .machine = machine };
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_frame_cfa(frame, &ops, &count) || !count)
		return (struct cfi_value){ .is_known = false };
	for (size_t i = 0; i < count; i++)
		evaluate(&run, &ops[i]);
	return (struct cfi_value){ !run.is_broken, pop(&run) };
}

/* @ret_is_same: the register keeps its value, says libdw. */
static struct cfi_value value_by_libdw(const struct cfi_machine *machine, Dwarf_Frame *frame,
				       int number, uint64_t cfa, bool *ret_is_same)
{
	struct evaluation run = { .machine = machine, .cfa = cfa };
	Dwarf_Op memory[3], *ops;
	uint64_t value;
	size_t count;

	*ret_is_same = false;
	if (dwarf_frame_register(frame, number, memory, &ops, &count))
		return (struct cfi_value){ .is_known = false };
	if (!count) {
		*ret_is_same = !ops;
		return (struct cfi_value){ !ops, machine->registers[number] };
	}
	for (size_t i = 0; i < count; i++)
		evaluate(&run, &ops[i]);
	value = pop(&run);
	if (!run.is_value)
		value = memory_at(machine, value);
	return (struct cfi_value){ !run.is_broken, value };
}

struct cfi_caller cfi_caller_by_libdw(const struct cfi_machine *machine, Dwarf_Frame *frame)
{
	struct cfi_value cfa = cfa_by_libdw(machine, frame);
	struct cfi_caller caller = { .is_found = true };
	bool is_same;

	caller.ra = value_by_libdw(machine, frame, RIP, cfa.value, &is_same);
	caller.has_no_return = is_same;
	caller.is_root = !caller.ra.is_known;
	if (caller.is_root)
		return caller;
	caller.sp = value_by_libdw(machine, frame, RSP, cfa.value, &is_same);
	caller.fp = value_by_libdw(machine, frame, RBP, cfa.value, &is_same);
	caller.bx = value_by_libdw(machine, frame, RBX, cfa.value, &caller.bx_is_same);
	return caller;
}
