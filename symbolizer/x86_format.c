// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/x86_format.h"

#include "symbolizer/x86_instruction.h"

struct decoder {
	const uint8_t *code;
	size_t size; /* at most X86_MAX_LENGTH */
	size_t at;
	struct x86_format *format; /* written in place: a copy would wait for its single bytes */
};

static bool next_byte(struct decoder *decoder, uint8_t *ret)
{
	if (decoder->at >= decoder->size)
		return false;
	*ret = decoder->code[decoder->at++];
	return true;
}

/* A signed number of up to 8 bytes. */
static bool next_number(struct decoder *decoder, unsigned bytes, int64_t *ret)
{
	uint64_t value = 0;

	*ret = 0;
	if (!bytes)
		return true;
	if (bytes > decoder->size - decoder->at)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)decoder->code[decoder->at + i] << (8 * i);
	decoder->at += bytes;
	*ret = (int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes);
	return true;
}

/* ---- prefixes ---------------------------------------------------------------------------------- */

/* Segments, operand and address size, lock, repeats. */
static bool is_legacy_prefix(uint8_t byte)
{
	return (byte & 0xe7) == 0x26 || (byte & 0xfc) == 0x64 || byte == 0xf0 ||
	       (byte & 0xfe) == 0xf2;
}

static bool read_legacy_prefixes(struct decoder *decoder, uint8_t *ret_byte)
{
	while (next_byte(decoder, ret_byte)) {
		if (!is_legacy_prefix(*ret_byte))
			return true;
		if (*ret_byte == 0x66)
			decoder->format->is_16_bit = true;
		else if (*ret_byte == 0x67)
			decoder->format->is_32_bit_address = true;
		else if (*ret_byte == 0xf2 || *ret_byte == 0xf3)
			decoder->format->repeat = *ret_byte;
	}
	return false;
}

static void set_vector_prefix(struct decoder *decoder, uint8_t byte)
{
	static const uint8_t repeats[] = { 0, 0, 0xf3, 0xf2 };

	decoder->format->is_vector = true;
	decoder->format->vector_extra = ~byte >> 3 & 15;
	decoder->format->repeat = repeats[byte & 3];
	decoder->format->is_16_bit = (byte & 3) == 1;
}

/* c5 or c4: two or three bytes in place of prefixes and escapes. */
static bool read_vex(struct decoder *decoder, uint8_t first)
{
	uint8_t byte, second;

	if (!next_byte(decoder, &byte))
		return false;
	decoder->format->rex = (~byte >> 5) & (X86_REX_R | X86_REX_X | X86_REX_B);
	decoder->format->map = X86_MAP_0F;
	second = byte;
	if (first == 0xc5) {
		decoder->format->rex &= X86_REX_R;
	} else {
		decoder->format->map = byte & 0x1f;
		if (!next_byte(decoder, &second))
			return false;
		decoder->format->rex |= second & 0x80 ? X86_REX_W : 0;
	}
	set_vector_prefix(decoder, second);
	return decoder->format->map >= X86_MAP_0F && decoder->format->map <= X86_MAP_0F3A &&
	       next_byte(decoder, &decoder->format->opcode);
}

/* 8f, where it is no pop: AMD's XOP, laid out like VEX. Its maps 8 and 9 have operands as 0f3a and 0f38. */
static bool read_xop(struct decoder *decoder, uint8_t first)
{
	uint8_t second;

	if (!next_byte(decoder, &second))
		return false;
	decoder->format->rex = (~first >> 5) & (X86_REX_R | X86_REX_X | X86_REX_B);
	decoder->format->rex |= second & 0x80 ? X86_REX_W : 0;
	set_vector_prefix(decoder, second);
	if ((first & 0x1f) != 8 && (first & 0x1f) != 9)
		return false;
	decoder->format->map = (first & 0x1f) == 8 ? X86_MAP_0F3A : X86_MAP_0F38;
	return next_byte(decoder, &decoder->format->opcode);
}

/* 62: three bytes. Maps 5 and 6 are laid out like 0f and 0f38. */
static bool read_evex(struct decoder *decoder)
{
	uint8_t first, second, third;

	if (!next_byte(decoder, &first) || !next_byte(decoder, &second) ||
	    !next_byte(decoder, &third))
		return false;
	decoder->format->rex = (~first >> 5) & (X86_REX_R | X86_REX_X | X86_REX_B);
	decoder->format->rex |= second & 0x80 ? X86_REX_W : 0;
	decoder->format->map = first & 7;
	decoder->format->is_evex = true;
	set_vector_prefix(decoder, second);
	if (decoder->format->map == 5 || decoder->format->map == 6)
		decoder->format->map -= 4;
	return decoder->format->map >= X86_MAP_0F && decoder->format->map <= X86_MAP_0F3A &&
	       next_byte(decoder, &decoder->format->opcode);
}

static bool read_escape(struct decoder *decoder)
{
	decoder->format->map = X86_MAP_0F;
	if (!next_byte(decoder, &decoder->format->opcode))
		return false;
	if (decoder->format->opcode != 0x38 && decoder->format->opcode != 0x3a)
		return true;
	decoder->format->map = decoder->format->opcode == 0x38 ? X86_MAP_0F38 : X86_MAP_0F3A;
	return next_byte(decoder, &decoder->format->opcode);
}

static bool read_opcode(struct decoder *decoder)
{
	uint8_t byte;

	if (!read_legacy_prefixes(decoder, &byte))
		return false;
	if ((byte & 0xf0) == 0x40) {
		decoder->format->rex = byte & 0xf;
		decoder->format->has_rex = true;
		if (!next_byte(decoder, &byte))
			return false;
	}
	if (byte == 0xc4 || byte == 0xc5)
		return read_vex(decoder, byte);
	if (byte == 0x62)
		return read_evex(decoder);
	if (byte == 0x0f)
		return read_escape(decoder);
	if (byte == 0x8f && decoder->at < decoder->size && (decoder->code[decoder->at] & 0x1f) >= 8)
		return read_xop(decoder, decoder->code[decoder->at++]);
	decoder->format->opcode = byte;
	return true;
}

/* ---- operands ---------------------------------------------------------------------------------- */

/* A bit for each opcode of a row of 16 in the one-byte map that has a ModRM byte. */
static const uint16_t one_byte_modrm[16] = {
	0x0f0f, 0x0f0f, 0x0f0f, 0x0f0f, 0x0000, 0x0000, 0x0a08, 0x0000,
	0xffff, 0x0000, 0x0000, 0x0000, 0x00c3, 0xff0f, 0x0000, 0xc0c0,
};

/* ... that does not exist in 64-bit code. */
static const uint16_t one_byte_invalid[16] = {
	0xc0c0, 0xc0c0, 0x8080, 0x8080, 0x0000, 0x0000, 0x0007, 0x0000,
	0x0004, 0x0400, 0x0000, 0x0000, 0x4000, 0x0070, 0x0400, 0x0000,
};

/* ... of the 0f map that has no ModRM byte. */
static const uint16_t two_byte_plain[16] = {
	0x4be0, 0x0000, 0x0000, 0x00ff, 0x0000, 0x0000, 0x0000, 0x0080,
	0xffff, 0x0000, 0x0707, 0x0000, 0xff00, 0x0000, 0x0000, 0x0000,
};

static bool bit_of(const uint16_t *rows, uint8_t opcode)
{
	return rows[opcode >> 4] >> (opcode & 15) & 1;
}

static bool has_modrm(const struct decoder *decoder)
{
	if (decoder->format->map == X86_MAP_ONE_BYTE)
		return bit_of(one_byte_modrm, decoder->format->opcode);
	if (decoder->format->map == X86_MAP_0F)
		return decoder->format->is_evex || !bit_of(two_byte_plain, decoder->format->opcode);
	return true;
}

static unsigned one_byte_immediate(const struct decoder *decoder)
{
	unsigned operand = decoder->format->is_16_bit ? 2 : 4;
	uint8_t opcode = decoder->format->opcode;

	if (opcode < 0x40)
		return (opcode & 7) == 4 ? 1 : (opcode & 7) == 5 ? operand : 0;
	if (opcode >= 0x70 && opcode <= 0x7f)
		return 1;
	if (opcode >= 0xb0 && opcode <= 0xbf)
		return opcode < 0xb8 ? 1 : decoder->format->rex & X86_REX_W ? 8 : operand;
	if (opcode >= 0xa0 && opcode <= 0xa3)
		return decoder->format->is_32_bit_address ? 4 : 8;
	switch (opcode) {
	case 0x68:
	case 0x69:
	case 0x81:
	case 0xa9:
	case 0xc7:
		return operand;
	case 0xe8:
	case 0xe9:
		return 4;
	case 0x6a:
	case 0x6b:
	case 0x80:
	case 0x83:
	case 0xa8:
	case 0xc0:
	case 0xc1:
	case 0xc6:
	case 0xcd:
	case 0xeb:
		return 1;
	case 0xc2:
	case 0xca:
		return 2;
	case 0xc8:
		return 3;
	case 0xf6:
		return decoder->format->reg % 8 < 2 ? 1 : 0;
	case 0xf7:
		return decoder->format->reg % 8 < 2 ? operand : 0;
	default:
		return opcode >= 0xe0 && opcode <= 0xe7 ? 1 : 0;
	}
}

static unsigned immediate_bytes(const struct decoder *decoder)
{
	uint8_t opcode = decoder->format->opcode;

	if (decoder->format->map == X86_MAP_ONE_BYTE)
		return one_byte_immediate(decoder);
	if (decoder->format->map == X86_MAP_0F3A)
		return 1;
	if (decoder->format->map == X86_MAP_0F38)
		return 0;
	if (opcode >= 0x80 && opcode <= 0x8f && !decoder->format->is_vector)
		return 4;
	if ((opcode >= 0x70 && opcode <= 0x73) || opcode == 0xa4 || opcode == 0xac ||
	    opcode == 0xba || opcode == 0xc2)
		return 1;
	return opcode >= 0xc4 && opcode <= 0xc6 ? 1 : 0;
}

/* The memory operand behind ModRM: SIB byte and displacement. */
static bool read_memory(struct decoder *decoder)
{
	unsigned bytes = decoder->format->mode == 1 ? 1 : decoder->format->mode == 2 ? 4 : 0;
	int64_t displacement;
	uint8_t sib;

	if (decoder->format->rm == 4) {
		if (!next_byte(decoder, &sib))
			return false;
		decoder->format->has_index =
			(sib >> 3 & 7) != 4 || decoder->format->rex & X86_REX_X;
		decoder->format->rm = sib & 7;
		if (decoder->format->rm == 5 && !decoder->format->mode) {
			decoder->format->has_index = true; /* no base: not what we look for */
			bytes = 4;
		}
	} else if (decoder->format->rm == 5 && !decoder->format->mode) {
		decoder->format->is_rip_relative = true;
		bytes = 4;
	}
	if (decoder->format->rex & X86_REX_B)
		decoder->format->rm |= 8;
	if (!next_number(decoder, bytes, &displacement))
		return false;
	decoder->format->displacement = (int32_t)displacement;
	return true;
}

static bool read_operands(struct decoder *decoder)
{
	uint8_t byte;

	if (has_modrm(decoder)) {
		if (!next_byte(decoder, &byte))
			return false;
		decoder->format->mode = byte >> 6;
		decoder->format->reg = (byte >> 3 & 7) | (decoder->format->rex & X86_REX_R ? 8 : 0);
		decoder->format->rm = byte & 7;
		if (decoder->format->mode == 3)
			decoder->format->rm |= decoder->format->rex & X86_REX_B ? 8 : 0;
		else if (!read_memory(decoder))
			return false;
	}
	return next_number(decoder, immediate_bytes(decoder), &decoder->format->immediate);
}

bool x86_format_read(struct x86_format *ret, const uint8_t *code, size_t size)
{
	struct decoder decoder = { .code = code,
				   .size = size < X86_MAX_LENGTH ? size : X86_MAX_LENGTH,
				   .format = ret };

	*ret = (struct x86_format){ 0 };
	if (!read_opcode(&decoder) ||
	    (ret->map == X86_MAP_ONE_BYTE && bit_of(one_byte_invalid, ret->opcode)))
		return false;
	if (!read_operands(&decoder))
		return false;
	ret->length = (uint8_t)decoder.at;
	return true;
}
