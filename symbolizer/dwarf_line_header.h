/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_unit.h"

/*
 * dwarf_line_header - what precedes a line number program: files, directories, and its parameters.
 */
struct dwarf_line_file {
	struct dwarf_value name;
	uint64_t directory;
};

struct dwarf_line_files {
	struct dwarf_line_file *items; /* owned by whoever holds the header */
	size_t count;
	size_t capacity;
};

struct dwarf_line_header {
	struct dwarf_encoding encoding;
	uint64_t program; /* position of its first byte in .debug_line */
	uint64_t end;     /* one past its last */
	uint8_t min_instruction;
	int8_t line_base;
	uint8_t line_range;
	uint8_t opcode_base;
	uint8_t operands[256];               /* by opcode: how many numbers follow it */
	struct dwarf_line_files directories; /* directory of each is not used */
	struct dwarf_line_files files;
};

/*
 * dwarf_line_header_read() - the header at @offset of .debug_line.
 *
 * Return: 0, -EBADMSG if it cannot be read, or -ENOMEM; the header is to be given to fini in any case.
 */
int dwarf_line_header_read(struct dwarf_line_header *header, struct debug_section *section,
			   uint64_t offset, uint8_t address_size);

void dwarf_line_header_fini(struct dwarf_line_header *header);
