/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dwarf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbolizer/unwind_table.h"

/*
 * cfi_fixture - call frame information made byte by byte, an ELF file around it, and tables as text.
 */
enum {
	FIXTURE_CODE = 0x401000,      /* ELF virtual address of 64 KiB of code */
	FIXTURE_CODE_OFFSET = 0x1000, /* of the same in the file */
	FIXTURE_CODE_BYTES = 0x10000,
	FIXTURE_FRAMES = 0x512000, /* ELF virtual address of the .eh_frame */
	FIXTURE_FRAMES_OFFSET = 0x12000,
	FIXTURE_MAX_BYTES = 0x20000, /* of frames */
};

struct cfi_bytes {
	uint8_t bytes[FIXTURE_MAX_BYTES];
	size_t size;
};

/* Bytes that do not fit abort: a mistake in the test. */
void put(struct cfi_bytes *to, const void *bytes, size_t size);
void put_u8(struct cfi_bytes *to, uint8_t value);
void put_u32(struct cfi_bytes *to, uint32_t value);
void put_u64(struct cfi_bytes *to, uint64_t value);

/* A program: BYTES(DW_CFA_..., ...) */
struct cfi_block {
	const uint8_t *bytes;
	size_t size;
};
#define BYTES(...) \
	((struct cfi_block){ (const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }) })

/* The instructions that every compiler's CIE has: cfa = rsp + 8, return address at cfa - 8. */
#define USUAL_CIE BYTES(DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1)

/* put_entry() - an entry of .eh_frame with these words after its length; returns its position. */
size_t put_entry(struct cfi_bytes *to, struct cfi_block body);

/* put_cie() - @letters with pointers encoded as @encoding if 'R' is among them; its position. */
size_t put_cie(struct cfi_bytes *to, const char *letters, uint8_t encoding,
	       struct cfi_block program);

/* put_fde() - pointers as DW_EH_PE_pcrel | DW_EH_PE_sdata4, with augmentation data. */
size_t put_fde(struct cfi_bytes *to, size_t cie, uint64_t address, uint32_t size,
	       struct cfi_block program);

/* put_usual() - a "zR" CIE and one function of it, at the start of the code. */
void put_usual(struct cfi_bytes *to, uint32_t size, struct cfi_block program);

/* How the file says where its frames are. */
struct cfi_file {
	const struct cfi_bytes *eh_frame; /* NULL: none */
	const struct cfi_bytes *debug_frame;
	bool has_no_sections; /* PT_GNU_EH_FRAME instead */
	bool is_debug_file;   /* its segments are empty */
};

/* cfi_file_open() - as a file; close it. */
int cfi_file_open(const struct cfi_file *file);

/* table_of() - compiled from @eh_frame with default options; NULL on any error. */
struct unwind_table *table_of(const struct cfi_bytes *eh_frame);

/*
 * text_of() - the rows, offsets from the start of the code, as
 * "0 rsp+8; 1 rsp+16 rbp@cfa-16; 20 none". The return address is shown unless it is at cfa-8.
 * Valid until the next call.
 */
const char *text_of(const struct unwind_table *table);

/* text_of_program() - of a table with one function of 0x100 bytes. */
const char *text_of_program(struct cfi_block program);
