// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/x86_instruction.h"

#include "symbolizer/x86_format.h"

/* ---- which registers an instruction writes ----------------------------------------------------- */

static uint16_t bit(unsigned number)
{
	return (uint16_t)(1U << (number & 15));
}

static uint16_t rm_bit(const struct x86_format *format)
{
	return format->mode == 3 ? bit(format->rm) : 0;
}

/* The register in the opcode's low bits. */
static uint8_t opcode_register(const struct x86_format *format)
{
	return (format->opcode & 7) | (format->rex & X86_REX_B ? 8 : 0);
}

static uint16_t written_by_arithmetic(const struct x86_format *format)
{
	switch (format->opcode & 7) {
	case 0:
	case 1:
		return rm_bit(format);
	case 2:
	case 3:
		return bit(format->reg);
	default:
		return bit(X86_RAX);
	}
}

static uint16_t written_by_group(const struct x86_format *format)
{
	uint8_t which = format->reg & 7;

	switch (format->opcode) {
	case 0x80:
	case 0x81:
	case 0x83:
		return which == 7 ? 0 : rm_bit(format);
	case 0xf6:
	case 0xf7:
		if (which < 2)
			return 0;
		return which < 4 ? rm_bit(format) : bit(X86_RAX) | bit(X86_RDX);
	case 0xfe:
	case 0xff:
		return which < 2 ? rm_bit(format) : 0;
	default:
		return rm_bit(format);
	}
}

static uint16_t written_one_byte(const struct x86_format *format)
{
	uint8_t opcode = format->opcode;

	if (opcode < 0x38)
		return written_by_arithmetic(format);
	if (opcode >= 0xb0 && opcode <= 0xbf)
		return bit(opcode_register(format));
	if (opcode >= 0x90 && opcode <= 0x97)
		return bit(opcode_register(format)) | bit(X86_RAX);
	switch (opcode) {
	case 0x63:
	case 0x69:
	case 0x6b:
	case 0x8a:
	case 0x8b:
	case 0x8d:
		return bit(format->reg);
	case 0x86:
	case 0x87:
		return rm_bit(format) | bit(format->reg);
	case 0x80:
	case 0x81:
	case 0x83:
	case 0x88:
	case 0x89:
	case 0x8c:
	case 0x8f:
	case 0xc0:
	case 0xc1:
	case 0xc6:
	case 0xc7:
	case 0xd0:
	case 0xd1:
	case 0xd2:
	case 0xd3:
	case 0xf6:
	case 0xf7:
	case 0xfe:
	case 0xff:
		return written_by_group(format);
	case 0x98:
	case 0x99:
	case 0x9f:
	case 0xa0:
	case 0xa1:
	case 0xd7:
	case 0xdf:
	case 0xe4:
	case 0xe5:
	case 0xec:
	case 0xed:
		return bit(X86_RAX) | bit(X86_RDX);
	default:
		break;
	}
	if ((opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf) ||
	    (opcode >= 0xe0 && opcode <= 0xe2) || opcode == 0x6c || opcode == 0x6d)
		return bit(X86_RAX) | bit(X86_RCX) | bit(X86_RSI) | bit(X86_RDI);
	return 0;
}

/* Of the 0f map what has nothing to do with vectors. */
static uint16_t written_two_byte(const struct x86_format *format)
{
	uint8_t opcode = format->opcode;

	if (opcode >= 0x90 && opcode <= 0x9f)
		return rm_bit(format);
	if (opcode >= 0xc8 && opcode <= 0xcf)
		return bit(opcode_register(format));
	switch (opcode) {
	case 0x01:
	case 0x05:
	case 0x31:
	case 0x32:
	case 0x33:
	case 0xa2:
		return bit(X86_RAX) | bit(X86_RCX) | bit(X86_RDX) | bit(X86_R11) |
		       (opcode == 0xa2 ? bit(X86_RBX) : 0);
	case 0xa4:
	case 0xa5:
	case 0xab:
	case 0xac:
	case 0xad:
	case 0xb3:
	case 0xba:
	case 0xbb:
	case 0xc7:
		return rm_bit(format) | (opcode == 0xc7 ? bit(X86_RAX) | bit(X86_RDX) : 0);
	case 0xae:
		return format->repeat == 0xf3 ? rm_bit(format) : 0;
	case 0x1e:
		return format->repeat == 0xf3 ? rm_bit(format) : 0;
	case 0xb0:
	case 0xb1:
	case 0xc0:
	case 0xc1:
		return rm_bit(format) | bit(format->reg) | bit(X86_RAX);
	case 0x02:
	case 0x03:
	case 0xaf:
	case 0xb2:
	case 0xb4:
	case 0xb5:
	case 0xb6:
	case 0xb7:
	case 0xb8:
	case 0xbc:
	case 0xbd:
	case 0xbe:
	case 0xbf:
		return bit(format->reg);
	default:
		return opcode >= 0x40 && opcode <= 0x4f ? bit(format->reg) : 0;
	}
}

/* Vector instructions whose result is a general register. */
static uint16_t written_by_vector(const struct x86_format *format)
{
	switch (format->opcode) {
	case 0x2c:
	case 0x2d:
		return format->repeat || format->is_evex ? bit(format->reg) : 0;
	case 0x78:
	case 0x79:
		return format->is_evex && format->repeat ? bit(format->reg) : 0;
	case 0x50:
	case 0xc5:
	case 0xd7:
		return bit(format->reg);
	case 0x93:
		return format->is_vector ? bit(format->reg) : 0;
	case 0x7e:
		return format->repeat ? 0 : rm_bit(format);
	default:
		return 0;
	}
}

static uint16_t written_three_byte(const struct x86_format *format)
{
	uint8_t opcode = format->opcode;

	if (format->map == X86_MAP_0F3A) {
		if (opcode >= 0x14 && opcode <= 0x17)
			return rm_bit(format);
		if (opcode >= 0x60 && opcode <= 0x63)
			return bit(X86_RCX);
		return opcode == 0xf0 && format->is_vector ? bit(format->reg) : 0;
	}
	if (opcode < 0xf0)
		return 0;
	return bit(format->reg) | (format->is_vector ? bit(format->vector_extra) : 0);
}

/* Whether its register operands are bytes. */
static bool is_of_bytes(const struct x86_format *format)
{
	uint8_t opcode = format->opcode;

	if (format->map == X86_MAP_0F)
		return (opcode >= 0x90 && opcode <= 0x9f) || opcode == 0xb0 || opcode == 0xc0;
	if (format->map != X86_MAP_ONE_BYTE)
		return false;
	if (opcode >= 0xb0 && opcode <= 0xb7)
		return true;
	return (opcode < 0x40 && !(opcode & 1)) || opcode == 0x80 || opcode == 0x86 ||
	       opcode == 0x88 || opcode == 0x8a || opcode == 0xc0 || opcode == 0xc6 ||
	       opcode == 0xd0 || opcode == 0xd2 || opcode == 0xf6 || opcode == 0xfe;
}

static uint16_t written(const struct x86_format *format)
{
	uint16_t written;

	if (format->map == X86_MAP_ONE_BYTE)
		written = written_one_byte(format);
	else if (format->map != X86_MAP_0F)
		written = written_three_byte(format);
	else
		written = written_by_vector(format) |
			  (format->is_vector ? 0 : written_two_byte(format));
	/* ah, ch, dh and bh are in the first four. */
	if (!format->has_rex && !format->is_vector && is_of_bytes(format))
		written = (written & 0xff0f) | (written >> 4 & 0xf);
	return written;
}

/* ---- what an instruction is -------------------------------------------------------------------- */

static bool is_64_bit(const struct x86_format *format)
{
	return format->rex & X86_REX_W;
}

static bool is_plain_memory(const struct x86_format *format)
{
	return format->mode != 3 && !format->has_index && !format->is_rip_relative &&
	       !format->is_32_bit_address;
}

static void set(struct x86_instruction *ret, enum x86_kind kind, uint8_t destination,
		uint8_t source, int32_t offset)
{
	ret->kind = kind;
	ret->destination = destination;
	ret->source = source;
	ret->offset = offset;
}

static void set_target(struct x86_instruction *ret, enum x86_kind kind,
		       const struct x86_format *format)
{
	ret->kind = kind;
	ret->has_target = true;
	ret->target = (int64_t)format->length + format->immediate;
}

/* mov and lea between registers and memory. */
static void classify_move(struct x86_instruction *ret, const struct x86_format *format)
{
	bool is_register = format->mode == 3;

	if (!is_64_bit(format))
		return;
	if (format->opcode == 0x89 && is_register)
		set(ret, X86_MOVE, format->rm, format->reg, 0);
	else if (format->opcode == 0x8b && is_register)
		set(ret, X86_MOVE, format->reg, format->rm, 0);
	else if (!is_plain_memory(format))
		return;
	else if (format->opcode == 0x89)
		set(ret, X86_STORE, format->rm, format->reg, format->displacement);
	else
		set(ret, format->opcode == 0x8d ? X86_MOVE : X86_LOAD, format->reg, format->rm,
		    format->displacement);
}

/* add, sub and and of a register and a number. */
static void classify_arithmetic(struct x86_instruction *ret, const struct x86_format *format)
{
	int32_t number = (int32_t)format->immediate;
	uint8_t which = format->reg & 7;

	if (!is_64_bit(format) || format->mode != 3 || format->opcode == 0x80)
		return;
	if (which == 0)
		set(ret, X86_MOVE, format->rm, format->rm, number);
	else if (which == 5 && number != INT32_MIN)
		set(ret, X86_MOVE, format->rm, format->rm, -number);
	else if (which == 4 && number < 0)
		set(ret, X86_ALIGN, format->rm, format->rm, number);
}

static void classify_group_ff(struct x86_instruction *ret, const struct x86_format *format)
{
	switch (format->reg & 7) {
	case 2:
	case 3:
		ret->kind = X86_CALL;
		break;
	case 4:
	case 5:
		ret->kind = X86_JUMP_INDIRECT;
		break;
	case 6:
		set(ret, X86_PUSH, X86_NO_REGISTER, X86_NO_REGISTER, 0);
		break;
	default:
		break;
	}
}

static void classify_rare(struct x86_instruction *ret, const struct x86_format *format)
{
	switch (format->opcode) {
	case 0x68:
	case 0x6a:
	case 0x9c:
		set(ret, X86_PUSH, X86_NO_REGISTER, X86_NO_REGISTER, 0);
		break;
	case 0x8f:
	case 0x9d:
		set(ret, X86_POP,
		    format->opcode == 0x8f && format->mode == 3 ? format->rm : X86_NO_REGISTER,
		    X86_NO_REGISTER, 0);
		break;
	case 0x90:
	case 0xcc:
		if (!(format->rex & X86_REX_B))
			ret->kind = X86_PADDING;
		break;
	case 0xc2:
	case 0xc3:
	case 0xca:
	case 0xcb:
	case 0xcf:
		ret->kind = X86_RETURN;
		break;
	case 0xc8:
		ret->written |= bit(X86_RSP) | bit(X86_RBP);
		break;
	case 0xc9:
		ret->kind = X86_LEAVE;
		break;
	case 0xe8:
		set_target(ret, X86_CALL, format);
		break;
	case 0xe9:
	case 0xeb:
		set_target(ret, X86_JUMP, format);
		break;
	case 0xf4:
		ret->kind = X86_STOP;
		break;
	default:
		break;
	}
}

static void classify_one_byte(struct x86_instruction *ret, const struct x86_format *format)
{
	uint8_t opcode = format->opcode;

	if ((opcode & 0xf8) == 0x50)
		set(ret, X86_PUSH, X86_NO_REGISTER, opcode_register(format), 0);
	else if ((opcode & 0xf8) == 0x58)
		set(ret, X86_POP, opcode_register(format), X86_NO_REGISTER, 0);
	else if (opcode == 0x89 || opcode == 0x8b || opcode == 0x8d)
		classify_move(ret, format);
	else if (opcode == 0x80 || opcode == 0x81 || opcode == 0x83)
		classify_arithmetic(ret, format);
	else if (opcode >= 0x70 && opcode <= 0x7f)
		set_target(ret, X86_BRANCH, format);
	else if (opcode >= 0xe0 && opcode <= 0xe3)
		set_target(ret, X86_BRANCH, format);
	else if (opcode == 0xff)
		classify_group_ff(ret, format);
	else
		classify_rare(ret, format);
}

static void classify_two_byte(struct x86_instruction *ret, const struct x86_format *format)
{
	uint8_t opcode = format->opcode;

	if (opcode >= 0x80 && opcode <= 0x8f)
		set_target(ret, X86_BRANCH, format);
	else if (opcode == 0x1f)
		ret->kind = X86_PADDING;
	else if (opcode == 0x0b || opcode == 0xb9 || opcode == 0xff)
		ret->kind = X86_STOP;
	else if (opcode == 0xa0 || opcode == 0xa8)
		set(ret, X86_PUSH, X86_NO_REGISTER, X86_NO_REGISTER, 0);
	else if (opcode == 0xa1 || opcode == 0xa9)
		set(ret, X86_POP, X86_NO_REGISTER, X86_NO_REGISTER, 0);
}

bool x86_instruction_read(struct x86_instruction *ret, const uint8_t *code, size_t size)
{
	struct x86_format format;

	if (!x86_format_read(&format, code, size))
		return false;
	*ret = (struct x86_instruction){
		.kind = X86_OTHER,
		.length = format.length,
		.destination = X86_NO_REGISTER,
		.source = X86_NO_REGISTER,
		.is_rip_relative = format.is_rip_relative,
		.written = written(&format),
	};
	if (format.map == X86_MAP_ONE_BYTE)
		classify_one_byte(ret, &format);
	else if (format.map == X86_MAP_0F && !format.is_vector)
		classify_two_byte(ret, &format);
	if (ret->kind == X86_PADDING)
		ret->written = 0;
	return true;
}
