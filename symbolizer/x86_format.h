/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * x86_format - the parts of one instruction of 64-bit code: prefixes, opcode, operands.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2
 * (instruction format) and appendix A (opcode maps).
 */

/* Opcode maps, by the numbers that VEX and EVEX give them. */
enum x86_map {
	X86_MAP_ONE_BYTE = 0,
	X86_MAP_0F = 1,
	X86_MAP_0F38 = 2,
	X86_MAP_0F3A = 3,
};

enum x86_rex {
	X86_REX_B = 1,
	X86_REX_X = 2,
	X86_REX_R = 4,
	X86_REX_W = 8,
};

/* Registers by their numbers in the instruction, prefixes' bits included. */
struct x86_format {
	uint8_t length;
	uint8_t map;
	uint8_t opcode;
	uint8_t rex;
	uint8_t repeat;       /* f2 or f3 prefix, or what VEX says of it */
	uint8_t vector_extra; /* VEX: a second register that may be written */
	bool has_rex;         /* without it, bytes of registers 4 to 7 are ah, ch, dh and bh */
	bool is_16_bit;       /* 66 prefix */
	bool is_32_bit_address;
	bool is_vector; /* VEX or EVEX */
	bool is_evex;
	uint8_t mode; /* of the ModRM byte: 3 is a register */
	uint8_t reg;
	uint8_t rm; /* register, or base of the memory operand */
	bool has_index;
	bool is_rip_relative;
	int32_t displacement;
	int64_t immediate;
};

/* x86_format_read() - the instruction at @code; false, and @ret is of no use, if there is none within @size bytes. */
bool x86_format_read(struct x86_format *ret, const uint8_t *code, size_t size);
