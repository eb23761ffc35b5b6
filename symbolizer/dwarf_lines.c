// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_lines.h"

#include <dwarf.h>
#include <errno.h>

#include "agent/base/array.h"
#include "symbolizer/dwarf_line_header.h"

enum {
	MAX_ROWS = 1 << 23, /* of one unit: 96 MB */
};

/* Valid up to the next row, or the end of the sequence. */
struct row {
	uint32_t offset; /* from the start of the sequence */
	uint32_t line;
	uint32_t file;
};

/* A run of rows without gaps. */
struct sequence {
	uint64_t start;
	uint64_t end;
	uint32_t first_row;
	uint32_t row_count;
};

struct dwarf_lines {
	struct dwarf_line_header header;
	struct {
		struct row *items; /* owned */
		size_t count;
		size_t capacity;
	} rows;
	struct {
		struct sequence *items; /* owned; ascending by start */
		size_t count;
		size_t capacity;
	} sequences;
};

/* The machine that runs the program. */
struct machine {
	struct dwarf_lines *lines;
	struct dwarf_cursor cursor;
	uint64_t address;
	uint64_t file;
	uint64_t line;
	bool is_open; /* a sequence has begun */
	struct sequence sequence;
};

static void reset(struct machine *machine)
{
	machine->address = 0;
	machine->file = 1;
	machine->line = 1;
	machine->is_open = false;
}

static void begin_sequence(struct machine *machine)
{
	machine->is_open = true;
	machine->sequence = (struct sequence){
		.start = machine->address,
		.end = machine->address,
		.first_row = (uint32_t)machine->lines->rows.count,
	};
}

static int emit(struct machine *machine)
{
	struct dwarf_lines *lines = machine->lines;
	struct row row = { .line = (uint32_t)machine->line, .file = (uint32_t)machine->file };
	struct row *last = NULL;

	if (!machine->is_open)
		begin_sequence(machine);
	if (machine->address < machine->sequence.end ||
	    machine->address - machine->sequence.start > UINT32_MAX ||
	    lines->rows.count >= MAX_ROWS)
		return 0;
	row.offset = (uint32_t)(machine->address - machine->sequence.start);
	machine->sequence.end = machine->address;
	if (lines->rows.count > machine->sequence.first_row)
		last = &lines->rows.items[lines->rows.count - 1];
	/* Of several rows for one address the last one holds. */
	if (last && last->offset == row.offset) {
		last->line = row.line;
		last->file = row.file;
		return 0;
	}
	if (last && last->line == row.line && last->file == row.file)
		return 0;
	return array_add(&lines->rows, row);
}

static int end_sequence(struct machine *machine)
{
	struct dwarf_lines *lines = machine->lines;
	struct sequence *sequence = &machine->sequence;
	bool is_good = machine->is_open && machine->address > sequence->start && sequence->start &&
		       machine->address - sequence->start <= UINT32_MAX;

	sequence->row_count = (uint32_t)(lines->rows.count - sequence->first_row);
	sequence->end = machine->address;
	if (machine->is_open && !is_good)
		lines->rows.count = sequence->first_row;
	reset(machine);
	return is_good ? array_add(&lines->sequences, *sequence) : 0;
}

static int run_extended(struct machine *machine)
{
	struct dwarf_line_header *header = &machine->lines->header;
	struct dwarf_cursor *cursor = &machine->cursor;
	uint64_t length = dwarf_read_uleb(cursor), next = dwarf_cursor_position(cursor) + length;
	struct dwarf_line_file file;
	int err = 0;

	if (!length)
		return 0;
	switch (dwarf_read_u8(cursor)) {
	case DW_LNE_end_sequence:
		err = end_sequence(machine);
		break;
	case DW_LNE_set_address:
		machine->address = dwarf_read_uint(cursor, (unsigned)(length - 1));
		break;
	case DW_LNE_define_file:
		file.name =
			(struct dwarf_value){ dwarf_cursor_position(cursor), DWARF_STRING_HERE };
		dwarf_skip_string(cursor);
		file.directory = dwarf_read_uleb(cursor);
		err = array_add(&header->files, file);
		break;
	default:
		break;
	}
	if (length > cursor->limit)
		next = UINT64_MAX;
	dwarf_cursor_seek(cursor, next);
	return err;
}

static void advance_by_special(struct machine *machine, uint8_t opcode)
{
	const struct dwarf_line_header *header = &machine->lines->header;
	uint8_t adjusted = (uint8_t)(opcode - header->opcode_base);

	if (header->line_range)
		machine->address +=
			(uint64_t)(adjusted / header->line_range) * header->min_instruction;
}

static int run_standard(struct machine *machine, uint8_t opcode)
{
	const struct dwarf_line_header *header = &machine->lines->header;
	struct dwarf_cursor *cursor = &machine->cursor;

	switch (opcode) {
	case DW_LNS_copy:
		return emit(machine);
	case DW_LNS_advance_pc:
		machine->address += dwarf_read_uleb(cursor) * header->min_instruction;
		return 0;
	case DW_LNS_advance_line:
		machine->line += (uint64_t)dwarf_read_sleb(cursor);
		return 0;
	case DW_LNS_set_file:
		machine->file = dwarf_read_uleb(cursor);
		return 0;
	case DW_LNS_const_add_pc:
		advance_by_special(machine, 255);
		return 0;
	case DW_LNS_fixed_advance_pc:
		machine->address += dwarf_read_u16(cursor);
		return 0;
	default:
		for (unsigned i = 0; i < header->operands[opcode]; i++)
			dwarf_read_uleb(cursor);
		return 0;
	}
}

static int run_special(struct machine *machine, uint8_t opcode)
{
	const struct dwarf_line_header *header = &machine->lines->header;
	uint8_t adjusted = (uint8_t)(opcode - header->opcode_base);

	advance_by_special(machine, opcode);
	if (header->line_range)
		machine->line += (uint64_t)(header->line_base + adjusted % header->line_range);
	return emit(machine);
}

static int run(struct machine *machine, struct debug_budget *budget)
{
	const struct dwarf_line_header *header = &machine->lines->header;
	int err = 0;

	reset(machine);
	while (!err && !dwarf_cursor_is_done(&machine->cursor) && debug_budget_spend(budget, 1)) {
		uint8_t opcode = dwarf_read_u8(&machine->cursor);

		if (!opcode)
			err = run_extended(machine);
		else if (opcode < header->opcode_base)
			err = run_standard(machine, opcode);
		else
			err = run_special(machine, opcode);
	}
	return err;
}

static int compare(const void *left, const void *right)
{
	const struct sequence *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->first_row > b->first_row) - (a->first_row < b->first_row);
}

static int read_rows(struct dwarf_lines *lines, struct debug_section *section,
		     struct debug_budget *budget)
{
	struct machine machine = {
		.lines = lines,
		.cursor = dwarf_cursor_at(section, lines->header.program, lines->header.end),
	};
	int err = run(&machine, budget);
	struct row *fewer;

	if (lines->sequences.count)
		qsort(lines->sequences.items, lines->sequences.count,
		      sizeof(*lines->sequences.items), compare);
	fewer = reallocarray(lines->rows.items, lines->rows.count ? lines->rows.count : 1,
			     sizeof(*fewer));
	if (fewer) {
		lines->rows.items = fewer;
		lines->rows.capacity = lines->rows.count ? lines->rows.count : 1;
	}
	return err;
}

int dwarf_lines_new(struct dwarf_lines **out, const struct dwarf_unit *unit)
{
	struct debug_section *section = dwarf_image_section(unit->image, DWARF_SECTION_LINE);
	AUTO(dwarf_lines) lines = calloc(1, sizeof(*lines));
	int err;

	if (!lines)
		return -ENOMEM;
	if (dwarf_die_has(&unit->root, DWARF_STMT_LIST)) {
		err = dwarf_line_header_read(&lines->header, section,
					     unit->root.values[DWARF_STMT_LIST].number,
					     unit->header.encoding.address_size);
		if (!err)
			err = read_rows(lines, section, unit->image->budget);
		if (err == -ENOMEM)
			return err;
	}
	*out = take(lines);
	return 0;
}

bool dwarf_lines_find(const struct dwarf_lines *lines, uint64_t address, uint32_t *ret_file,
		      uint32_t *ret_line)
{
	const struct sequence *sequences = lines->sequences.items;
	size_t low = 0, high = lines->sequences.count;
	const struct row *rows;
	uint32_t offset;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sequences[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address >= sequences[low - 1].end)
		return false;
	offset = (uint32_t)(address - sequences[low - 1].start);
	rows = lines->rows.items + sequences[low - 1].first_row;
	high = sequences[low - 1].row_count;
	for (low = 0; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (rows[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	*ret_file = rows[low - 1].file;
	*ret_line = rows[low - 1].line;
	return true;
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* A string of the table; one inside it is in .debug_line, others are where the unit has them. */
static void read_string(const struct dwarf_unit *unit, struct dwarf_value value, char *out,
			size_t size)
{
	struct dwarf_cursor cursor;

	if (value.class != DWARF_STRING_HERE) {
		dwarf_unit_string(unit, NULL, value, out, size);
		return;
	}
	cursor = dwarf_cursor_at(dwarf_image_section(unit->image, DWARF_SECTION_LINE), value.number,
				 UINT64_MAX);
	dwarf_read_string(&cursor, out, size);
}

/* Puts @value behind the path, or in its place if it is absolute. */
static void append(const struct dwarf_unit *unit, struct dwarf_value value, bool is_in_table,
		   char *path)
{
	char part[DWARF_PATH_MAX];
	size_t length = strlen(path), more;

	if (is_in_table)
		read_string(unit, value, part, sizeof(part));
	else
		dwarf_unit_string(unit, NULL, value, part, sizeof(part));
	if (*part == '/')
		length = 0;
	if (*part && length && path[length - 1] != '/' && length + 1 < DWARF_PATH_MAX)
		path[length++] = '/';
	more = strnlen(part, DWARF_PATH_MAX - 1 - length);
	memcpy(path + length, part, more);
	path[length + more] = '\0';
}

void dwarf_lines_path(const struct dwarf_lines *lines, const struct dwarf_unit *unit, uint64_t file,
		      char *path)
{
	const struct dwarf_line_header *header = &lines->header;
	/* Before version 5 both count from 1. */
	unsigned first = header->encoding.version < 5;
	const struct dwarf_line_file *found;

	*path = '\0';
	if (file - first >= header->files.count)
		return;
	found = &header->files.items[file - first];
	/* Directory 0 is that of the compilation: from version 5 on it is in the table too. */
	if (dwarf_die_has(&unit->root, DWARF_COMP_DIR) && (first || found->directory))
		append(unit, unit->root.values[DWARF_COMP_DIR], false, path);
	if (found->directory - first < header->directories.count)
		append(unit, header->directories.items[found->directory - first].name, true, path);
	append(unit, found->name, true, path);
}

size_t dwarf_lines_bytes(const struct dwarf_lines *lines)
{
	const struct dwarf_line_header *header = &lines->header;

	return sizeof(*lines) + lines->rows.capacity * sizeof(*lines->rows.items) +
	       lines->sequences.capacity * sizeof(*lines->sequences.items) +
	       (header->files.capacity + header->directories.capacity) *
		       sizeof(struct dwarf_line_file);
}

void dwarf_lines_free(struct dwarf_lines *lines)
{
	if (!lines)
		return;
	dwarf_line_header_fini(&lines->header);
	free(lines->rows.items);
	free(lines->sequences.items);
	free(lines);
}
