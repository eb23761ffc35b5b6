// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_reader.h"

#include <dwarf.h>

enum {
	FORMAT_MASK = 0x0f,
	BASE_MASK = 0x70,
	POINTER_BYTES = 8,
};

/* The bits of a LEB128 number, how many it has, and its last byte, which has the sign. */
static uint64_t read_leb(struct cfi_reader *reader, unsigned *ret_bits, uint8_t *ret_last)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = cfi_read_u8(reader);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	*ret_bits = shift;
	*ret_last = byte;
	return value;
}

uint64_t cfi_read_uleb_long(struct cfi_reader *reader)
{
	unsigned bits;
	uint8_t last;

	return read_leb(reader, &bits, &last);
}

int64_t cfi_read_sleb(struct cfi_reader *reader)
{
	unsigned bits;
	uint8_t last;
	uint64_t value = read_leb(reader, &bits, &last);

	if (bits < 64 && (last & 0x40))
		value |= ~(uint64_t)0 << bits;
	return (int64_t)value;
}

const char *cfi_read_string(struct cfi_reader *reader)
{
	const uint8_t *start = reader->at;
	const uint8_t *zero = memchr(start, 0, cfi_reader_left(reader));

	if (!zero) {
		cfi_reader_break(reader);
		return NULL;
	}
	reader->at = zero + 1;
	return (const char *)start;
}

struct cfi_reader cfi_read_block(struct cfi_reader *reader, uint64_t size)
{
	struct cfi_reader block = *reader;

	if (size > cfi_reader_left(reader)) {
		cfi_reader_break(reader);
		cfi_reader_break(&block);
		return block;
	}
	reader->at += size;
	block.end_address = cfi_reader_address(reader);
	block.end = reader->at;
	return block;
}

static bool read_format(struct cfi_reader *reader, uint8_t format, uint64_t *ret_value)
{
	switch (format) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_signed:
	case DW_EH_PE_sdata8:
		*ret_value = cfi_read_u64(reader);
		break;
	case DW_EH_PE_uleb128:
		*ret_value = cfi_read_uleb(reader);
		break;
	case DW_EH_PE_udata2:
		*ret_value = cfi_read_u16(reader);
		break;
	case DW_EH_PE_udata4:
		*ret_value = cfi_read_u32(reader);
		break;
	case DW_EH_PE_sleb128:
		*ret_value = (uint64_t)cfi_read_sleb(reader);
		break;
	case DW_EH_PE_sdata2:
		*ret_value = (uint64_t)(int16_t)cfi_read_u16(reader);
		break;
	case DW_EH_PE_sdata4:
		*ret_value = (uint64_t)(int32_t)cfi_read_u32(reader);
		break;
	default:
		cfi_reader_break(reader);
	}
	return !reader->is_broken;
}

/* What a pointer that starts here counts from; false if that is not known. */
static bool read_base(struct cfi_reader *reader, uint8_t encoding, const struct cfi_bases *bases,
		      uint64_t *ret_base)
{
	*ret_base = 0;
	switch (encoding & BASE_MASK) {
	case DW_EH_PE_absptr:
		return true;
	case DW_EH_PE_pcrel:
		*ret_base = cfi_reader_address(reader);
		return true;
	case DW_EH_PE_textrel:
		*ret_base = bases->text;
		return bases->text;
	case DW_EH_PE_datarel:
		*ret_base = bases->data;
		return bases->data;
	case DW_EH_PE_aligned:
		cfi_read_block(reader, -cfi_reader_address(reader) % POINTER_BYTES);
		return true;
	default:
		return false;
	}
}

bool cfi_read_pointer(struct cfi_reader *reader, uint8_t encoding, const struct cfi_bases *bases,
		      uint64_t *ret_value)
{
	uint64_t base, value;

	if ((encoding & DW_EH_PE_indirect) || !read_base(reader, encoding, bases, &base)) {
		cfi_reader_break(reader);
		return false;
	}
	if (!read_format(reader, encoding & FORMAT_MASK, &value))
		return false;
	*ret_value = base + value;
	return true;
}

bool cfi_read_pointer_size(struct cfi_reader *reader, uint8_t encoding, uint64_t *ret_value)
{
	return read_format(reader, encoding & FORMAT_MASK, ret_value);
}
