// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_line_header.h"

#include <dwarf.h>
#include <errno.h>

#include "agent/base/array.h"

enum {
	MAX_FILES = 1 << 18,
	MAX_FORMATS = 32,
};

/* What version 5 says of each file or directory. */
struct formats {
	struct {
		uint64_t content; /* DW_LNCT_... */
		uint64_t form;
	} items[MAX_FORMATS];
	size_t count;
};

static int add(struct dwarf_line_files *files, const struct dwarf_line_file *file)
{
	return files->count < MAX_FILES ? array_add(files, *file) : -EBADMSG;
}

static struct dwarf_value read_name(struct dwarf_cursor *cursor)
{
	struct dwarf_value name = { dwarf_cursor_position(cursor), DWARF_STRING_HERE };

	dwarf_skip_string(cursor);
	return name;
}

/* Lists of strings, each ended by an empty one. */
static int read_old_names(struct dwarf_line_header *header, struct dwarf_cursor *cursor)
{
	int err = 0;

	while (!err && !cursor->is_broken) {
		struct dwarf_line_file directory = { .name = read_name(cursor) };

		if (dwarf_cursor_position(cursor) - directory.name.number <= 1)
			break;
		err = add(&header->directories, &directory);
	}
	while (!err && !cursor->is_broken) {
		struct dwarf_line_file file = { .name = read_name(cursor) };

		if (dwarf_cursor_position(cursor) - file.name.number <= 1)
			break;
		file.directory = dwarf_read_uleb(cursor);
		dwarf_read_uleb(cursor); /* time */
		dwarf_read_uleb(cursor); /* size */
		err = add(&header->files, &file);
	}
	return err;
}

static int read_formats(struct formats *formats, struct dwarf_cursor *cursor)
{
	formats->count = dwarf_read_u8(cursor);
	if (formats->count > MAX_FORMATS)
		return -EBADMSG;
	for (size_t i = 0; i < formats->count; i++) {
		formats->items[i].content = dwarf_read_uleb(cursor);
		formats->items[i].form = dwarf_read_uleb(cursor);
	}
	return 0;
}

static int read_new_names(struct dwarf_line_files *files, struct dwarf_cursor *cursor,
			  const struct dwarf_encoding *encoding)
{
	struct formats formats;
	int err = read_formats(&formats, cursor);
	uint64_t count;

	if (err)
		return err;
	count = dwarf_read_uleb(cursor);
	for (uint64_t i = 0; i < count && !err && !cursor->is_broken; i++) {
		struct dwarf_line_file file = { 0 };

		for (size_t j = 0; j < formats.count; j++) {
			struct dwarf_value value = dwarf_form_read(
				cursor, (uint32_t)formats.items[j].form, 0, encoding);

			if (formats.items[j].content == DW_LNCT_path)
				file.name = value;
			else if (formats.items[j].content == DW_LNCT_directory_index)
				file.directory = value.number;
		}
		err = add(files, &file);
	}
	return err;
}

/* From the length of instructions to the operands of opcodes. */
static void read_parameters(struct dwarf_line_header *header, struct dwarf_cursor *cursor)
{
	header->min_instruction = dwarf_read_u8(cursor);
	if (header->encoding.version >= 4)
		dwarf_read_u8(cursor); /* operations of an instruction: for VLIW machines */
	dwarf_read_u8(cursor);         /* whether lines are statements at first */
	header->line_base = (int8_t)dwarf_read_u8(cursor);
	header->line_range = dwarf_read_u8(cursor);
	header->opcode_base = dwarf_read_u8(cursor);
	for (unsigned opcode = 1; opcode < header->opcode_base; opcode++)
		header->operands[opcode] = dwarf_read_u8(cursor);
}

int dwarf_line_header_read(struct dwarf_line_header *header, struct debug_section *section,
			   uint64_t offset, uint8_t address_size)
{
	struct dwarf_cursor cursor = dwarf_cursor_at(section, offset, UINT64_MAX);
	struct dwarf_encoding *encoding = &header->encoding;
	uint64_t length;
	int err;

	*header = (struct dwarf_line_header){ .encoding.address_size = address_size };
	length = dwarf_read_length(&cursor, &encoding->offset_size);
	if (cursor.is_broken || length > cursor.limit - dwarf_cursor_position(&cursor))
		return -EBADMSG;
	header->end = cursor.limit = dwarf_cursor_position(&cursor) + length;
	dwarf_cursor_seek(&cursor, dwarf_cursor_position(&cursor));
	encoding->version = dwarf_read_u16(&cursor);
	if (encoding->version < 2 || encoding->version > 5)
		return -EBADMSG;
	if (encoding->version >= 5) {
		encoding->address_size = dwarf_read_u8(&cursor);
		dwarf_read_u8(&cursor); /* size of a segment selector */
	}
	length = dwarf_read_uint(&cursor, encoding->offset_size);
	header->program = dwarf_cursor_position(&cursor) + length;
	read_parameters(header, &cursor);
	if (cursor.is_broken || length > header->end || header->program > header->end)
		return -EBADMSG;
	if (encoding->version < 5)
		return read_old_names(header, &cursor);
	err = read_new_names(&header->directories, &cursor, encoding);
	return err ? err : read_new_names(&header->files, &cursor, encoding);
}

void dwarf_line_header_fini(struct dwarf_line_header *header)
{
	free(header->directories.items);
	free(header->files.items);
}
