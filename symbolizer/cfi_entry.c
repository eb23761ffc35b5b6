// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_entry.h"

#include <dwarf.h>
#include <errno.h>

enum {
	LONG_LENGTH = 0xffffffff, /* the length that says that a longer one follows */
	MAX_HEAD = 4 + 8 + 8,     /* bytes before the body */
	POINTER_BYTES = 8,
};

/* The position that a function gives for its CIE: backwards from itself, or in .debug_frame absolute. */
static void read_kind(const struct cfi_section *section, struct cfi_entry *entry,
		      uint64_t id_position, uint64_t id, bool is_long)
{
	uint64_t no_pointer = !cfi_section_is_debug(section) ? 0
			      : is_long                      ? UINT64_MAX
							     : UINT32_MAX;

	entry->kind = id == no_pointer ? CFI_ENTRY_SHARED : CFI_ENTRY_FUNCTION;
	entry->cie = cfi_section_is_debug(section) ? id : id_position - id;
}

int cfi_entry_read(struct cfi_section *section, uint64_t position, struct cfi_entry *ret_entry)
{
	uint64_t left = cfi_section_size(section) - position, length, id, start;
	struct cfi_reader reader;
	bool is_long;
	int err;

	*ret_entry = (struct cfi_entry){ .kind = CFI_ENTRY_END };
	err = cfi_section_get(section, position, left < MAX_HEAD ? left : MAX_HEAD, &reader);
	if (err)
		return err == -ENODATA ? 0 : err;
	length = cfi_read_u32(&reader);
	is_long = length == LONG_LENGTH;
	if (is_long)
		length = cfi_read_u64(&reader);
	start = position + (is_long ? 4 + 8 : 4);
	if (reader.is_broken || length > left - (start - position))
		return 0;
	ret_entry->next = start + length;
	ret_entry->body = start + (is_long ? 8 : 4);
	if (!length) {
		ret_entry->kind = CFI_ENTRY_ZERO;
		return 0;
	}
	if (ret_entry->body > ret_entry->next)
		return 0;
	id = is_long ? cfi_read_u64(&reader) : cfi_read_u32(&reader);
	read_kind(section, ret_entry, start, id, is_long);
	if (ret_entry->next - ret_entry->body > CFI_MAX_BLOCK)
		ret_entry->kind = CFI_ENTRY_TOO_LONG;
	return 0;
}

/* The address of the language's own routine: only how long it is matters. */
static void skip_pointer(struct cfi_reader *data)
{
	const struct cfi_bases any = { .text = 1, .data = 1 };
	uint8_t encoding = cfi_read_u8(data);
	uint64_t ignored;

	if (encoding != DW_EH_PE_omit)
		cfi_read_pointer(data, encoding & (uint8_t)~DW_EH_PE_indirect, &any, &ignored);
}

/* What the letters of the augmentation string stand for comes in their order. */
static void read_augmentation_data(struct cfi_reader *data, const char *letters,
				   struct cfi_dialect *dialect)
{
	for (; *letters; letters++) {
		switch (*letters) {
		case 'R':
			dialect->pointer_encoding = cfi_read_u8(data);
			break;
		case 'P':
			skip_pointer(data);
			break;
		case 'L':
			cfi_read_u8(data);
			break;
		case 'S':
			dialect->is_signal_frame = true;
			break;
		case 'B': /* AArch64's, without data */
		case 'G':
			break;
		default: /* what follows is not known, nor needed */
			return;
		}
	}
}

/* Fields between the augmentation string and its data; false if they are not those of x86-64. */
static bool read_alignments(struct cfi_reader *reader, uint8_t version, struct cfi_dialect *dialect)
{
	uint64_t return_register;

	if (version == 4 && cfi_read_u8(reader) != POINTER_BYTES)
		return false;
	if (version == 4 && cfi_read_u8(reader)) /* segment selectors */
		return false;
	dialect->code_alignment = cfi_read_uleb(reader);
	dialect->data_alignment = cfi_read_sleb(reader);
	return_register = version == 1 ? cfi_read_u8(reader) : cfi_read_uleb(reader);
	return return_register == CFI_REGISTER_RIP;
}

static bool read_head(struct cfi_reader *reader, struct cfi_cie *cie)
{
	uint8_t version = cfi_read_u8(reader);
	const char *letters = cfi_read_string(reader);

	if (!letters || (version != 1 && version != 3 && version != 4))
		return false;
	if (!strcmp(letters, "eh")) {
		cfi_read_u64(reader); /* gcc 2's exception table */
		letters += 2;
	}
	if (!read_alignments(reader, version, &cie->dialect))
		return false;
	cie->has_sizes = *letters == 'z';
	if (cie->has_sizes) {
		struct cfi_reader data = cfi_read_block(reader, cfi_read_uleb(reader));

		read_augmentation_data(&data, letters + 1, &cie->dialect);
		return !data.is_broken && !reader->is_broken;
	}
	return !*letters && !reader->is_broken;
}

/* Instructions of a CIE move nowhere. */
static bool run_initial(struct cfi_reader instructions, struct cfi_dialect *dialect)
{
	struct cfi_program program;

	cfi_program_start(&program, dialect, instructions, 0);
	if (cfi_program_run(&program) || program.is_broken)
		return false;
	dialect->initial = program.state;
	return true;
}

int cfi_cie_read(struct cfi_section *section, uint64_t position, struct cfi_cie *ret_cie)
{
	struct cfi_reader reader;
	struct cfi_entry entry;
	int err;

	*ret_cie = (struct cfi_cie){ .position = position };
	ret_cie->dialect.bases = *cfi_section_bases(section);
	if (position >= cfi_section_size(section))
		return 0;
	err = cfi_entry_read(section, position, &entry);
	if (!err && entry.kind == CFI_ENTRY_SHARED)
		err = cfi_section_get(section, entry.body, entry.next - entry.body, &reader);
	if (err || entry.kind != CFI_ENTRY_SHARED)
		return err == -ENODATA ? 0 : err;
	ret_cie->is_valid = read_head(&reader, ret_cie) && run_initial(reader, &ret_cie->dialect);
	return 0;
}

bool cfi_function_read(struct cfi_reader body, const struct cfi_cie *cie,
		       struct cfi_function *ret_function)
{
	const struct cfi_dialect *dialect = &cie->dialect;

	if (!cfi_read_pointer(&body, dialect->pointer_encoding, &dialect->bases,
			      &ret_function->address) ||
	    !cfi_read_pointer_size(&body, dialect->pointer_encoding, &ret_function->size))
		return false;
	if (cie->has_sizes)
		cfi_read_block(&body, cfi_read_uleb(&body));
	ret_function->instructions = body;
	return !body.is_broken;
}
