/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * x86_instruction - what one instruction of 64-bit code does to the stack and to registers.
 *
 * Only as much as it takes to follow the stack pointer through a function: how long an
 * instruction is, where it goes, and which general registers it sets to what. Of anything else
 * it says which registers have another value afterwards.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2
 * (instruction format) and appendix A (opcode maps).
 */
enum x86_kind {
	X86_OTHER,
	X86_PADDING, /* nop in any length, int3: between functions it is never run */
	X86_RETURN,
	X86_JUMP, /* to target */
	X86_JUMP_INDIRECT,
	X86_BRANCH, /* to target, or on */
	X86_CALL,   /* of target, if it has one */
	X86_STOP,   /* hlt, ud2: nothing comes after it */
	X86_PUSH,   /* source, if it is a register */
	X86_POP,    /* to destination, if it is a register */
	X86_LEAVE,
	X86_MOVE,  /* destination = source + offset, no memory */
	X86_ALIGN, /* destination is rounded down */
	X86_LOAD,  /* destination = *(source + offset) */
	X86_STORE, /* *(destination + offset) = source */
};

/* Registers have the numbers that instructions give them: 3 is rbx, 4 rsp, 5 rbp. */
enum x86_register {
	X86_RAX = 0,
	X86_RCX = 1,
	X86_RDX = 2,
	X86_RBX = 3,
	X86_RSP = 4,
	X86_RBP = 5,
	X86_RSI = 6,
	X86_RDI = 7,
	X86_R11 = 11,
	X86_NO_REGISTER = 16, /* also rip as a base, an immediate, or memory */
};

struct x86_instruction {
	uint8_t length; /* bytes */
	uint8_t kind;   /* enum x86_kind */
	uint8_t destination;
	uint8_t source;
	bool has_target;
	bool is_rip_relative; /* its memory operand */
	uint16_t written;     /* a bit for each register that has another value afterwards */
	int32_t offset;
	int64_t target; /* from the instruction's first byte */
};

enum {
	X86_MAX_LENGTH = 15
};

/*
 * x86_instruction_read() - the instruction that begins at @code.
 * @size: bytes that may be read there
 *
 * False if there is none, or it goes beyond @size.
 */
bool x86_instruction_read(struct x86_instruction *ret, const uint8_t *code, size_t size);
