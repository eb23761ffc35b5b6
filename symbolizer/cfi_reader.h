/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * cfi_reader - a cursor over bytes that may be anything.
 *
 * A value; it borrows the bytes. Reading beyond the end yields 0 and breaks the reader, which
 * then stands at its end: check is_broken once after a run of reads.
 */
struct cfi_reader {
	const uint8_t *at;
	const uint8_t *end;
	uint64_t end_address; /* ELF virtual address of the byte at end */
	bool is_broken;
};

/* Where pointers are relative to, beside their own address; 0 where not known. */
struct cfi_bases {
	uint64_t text;
	uint64_t data;
};

static inline size_t cfi_reader_left(const struct cfi_reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

/* cfi_reader_address() - the ELF virtual address of the next byte. */
static inline uint64_t cfi_reader_address(const struct cfi_reader *reader)
{
	return reader->end_address - cfi_reader_left(reader);
}

static inline void cfi_reader_break(struct cfi_reader *reader)
{
	reader->at = reader->end;
	reader->is_broken = true;
}

static inline void cfi_read_bytes(struct cfi_reader *reader, void *out, size_t size)
{
	if (cfi_reader_left(reader) < size) {
		cfi_reader_break(reader);
		memset(out, 0, size);
		return;
	}
	memcpy(out, reader->at, size);
	reader->at += size;
}

static inline uint8_t cfi_read_u8(struct cfi_reader *reader)
{
	if (reader->at == reader->end) {
		reader->is_broken = true;
		return 0;
	}
	return *reader->at++;
}

static inline uint16_t cfi_read_u16(struct cfi_reader *reader)
{
	uint16_t value;

	cfi_read_bytes(reader, &value, sizeof(value));
	return value;
}

static inline uint32_t cfi_read_u32(struct cfi_reader *reader)
{
	uint32_t value;

	cfi_read_bytes(reader, &value, sizeof(value));
	return value;
}

static inline uint64_t cfi_read_u64(struct cfi_reader *reader)
{
	uint64_t value;

	cfi_read_bytes(reader, &value, sizeof(value));
	return value;
}

/* cfi_read_uleb(), cfi_read_sleb() - numbers of any length; what exceeds 64 bits is cut off. */
uint64_t cfi_read_uleb_long(struct cfi_reader *reader);
int64_t cfi_read_sleb(struct cfi_reader *reader);

/* Nearly all numbers in call frame information have one byte. */
static inline uint64_t cfi_read_uleb(struct cfi_reader *reader)
{
	if (reader->at != reader->end && *reader->at < 0x80)
		return *reader->at++;
	return cfi_read_uleb_long(reader);
}

/* cfi_read_string() - a string that ends before the end, borrowed; NULL breaks the reader. */
const char *cfi_read_string(struct cfi_reader *reader);

/* cfi_read_block() - the next @size bytes as a reader of their own, skipped in this one. */
struct cfi_reader cfi_read_block(struct cfi_reader *reader, uint64_t size);

/*
 * cfi_read_pointer() - a pointer in one of the DW_EH_PE_... encodings, with its base added.
 *
 * Return: false, with the reader broken, if the encoding is not one that a file alone
 * can answer: indirect ones need the running program.
 */
bool cfi_read_pointer(struct cfi_reader *reader, uint8_t encoding, const struct cfi_bases *bases,
		      uint64_t *ret_value);

/* cfi_read_pointer_size() - a size that accompanies such a pointer: the format without the base. */
bool cfi_read_pointer_size(struct cfi_reader *reader, uint8_t encoding, uint64_t *ret_value);
