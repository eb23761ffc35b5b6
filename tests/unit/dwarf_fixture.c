// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/dwarf_fixture.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/elf_image.h"

enum {
	SECTIONS = 5,
	ABBREV_UNIT = 1,
	ABBREV_FUNCTION,
	ABBREV_ABSTRACT,
	ABBREV_INLINED,
};

static void put_text(struct cfi_bytes *to, const char *text)
{
	put(to, text, strlen(text) + 1);
}

static void put_abbrevs(struct cfi_bytes *to)
{
	const struct cfi_block all = BYTES(
		/* code, tag, children, attributes and forms */
		ABBREV_UNIT, DW_TAG_compile_unit, 1, DW_AT_name, DW_FORM_string, DW_AT_comp_dir,
		DW_FORM_string, DW_AT_language, DW_FORM_data1, DW_AT_low_pc, DW_FORM_addr,
		DW_AT_high_pc, DW_FORM_data4, DW_AT_stmt_list, DW_FORM_sec_offset, 0, 0,
		ABBREV_FUNCTION, DW_TAG_subprogram, 1, DW_AT_name, DW_FORM_string, DW_AT_low_pc,
		DW_FORM_addr, DW_AT_high_pc, DW_FORM_data4, 0, 0, ABBREV_ABSTRACT,
		DW_TAG_subprogram, 0, DW_AT_name, DW_FORM_string, DW_AT_abstract_origin,
		DW_FORM_ref4, 0, 0, ABBREV_INLINED, DW_TAG_inlined_subroutine, 1,
		DW_AT_abstract_origin, DW_FORM_ref4, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
		DW_FORM_data4, DW_AT_call_file, DW_FORM_data1, DW_AT_call_line, DW_FORM_data1, 0, 0,
		0);

	put(to, all.bytes, all.size);
}

void put_inlined(struct cfi_bytes *info, uint32_t origin, uint64_t address, uint32_t size,
		 uint8_t call_line)
{
	put_u8(info, ABBREV_INLINED);
	put_u32(info, origin);
	put_u64(info, address);
	put_u32(info, size);
	put_u8(info, 1);
	put_u8(info, call_line);
}

static void put_function(struct cfi_bytes *info, const char *name, uint64_t address, uint32_t size)
{
	put_u8(info, ABBREV_FUNCTION);
	put_text(info, name);
	put_u64(info, address);
	put_u32(info, size);
}

static size_t put_abstract(struct cfi_bytes *info, const char *name, uint32_t origin)
{
	size_t at = info->size;

	put_u8(info, ABBREV_ABSTRACT);
	put_text(info, name);
	put_u32(info, origin);
	return at;
}

static void put_unit(struct dwarf_fixture *fixture)
{
	struct cfi_bytes *info = &fixture->info;
	const struct cfi_block header = BYTES(0, 0, 0, 0, 5, 0, DW_UT_compile, 8, 0, 0, 0, 0);

	put(info, header.bytes, header.size);
	put_u8(info, ABBREV_UNIT);
	put_text(info, "t.c");
	put_text(info, "/src");
	put_u8(info, DW_LANG_C11);
	put_u64(info, DWARF_FIXTURE_OUTER);
	put_u32(info, 0x100);
	put_u32(info, 0);
	fixture->innie_at = put_abstract(info, "innie", 0);
	fixture->middle_at = put_abstract(info, "middle", 0);
	put_function(info, "outer", DWARF_FIXTURE_OUTER, 0x100);
	put_inlined(info, (uint32_t)fixture->middle_at, DWARF_FIXTURE_OUTER + 0x10, 0x80, 20);
	fixture->innie_call_at = info->size + 1;
	put_inlined(info, (uint32_t)fixture->innie_at, DWARF_FIXTURE_OUTER + 0x20, 0x20, 15);
	for (unsigned level = 0; level < 4; level++)
		put_u8(info, 0);
	memcpy(info->bytes, &(uint32_t){ (uint32_t)info->size - 4 }, 4);
}

static void put_lines(struct cfi_bytes *line)
{
	const struct cfi_block header =
		BYTES(0, 0, 0, 0, 5, 0, 8, 0, 0, 0, 0, 0,
		      /* parameters, and how many operands opcodes 1 to 12 have */
		      1, 1, 1, (uint8_t)-5, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1,
		      /* a directory, two files in it */
		      1, DW_LNCT_path, DW_FORM_string, 1, '/', 's', 'r', 'c', 0, 2, DW_LNCT_path,
		      DW_FORM_string, DW_LNCT_directory_index, DW_FORM_udata, 2, 't', '.', 'c', 0,
		      0, 't', '.', 'c', 0, 0);
	const struct cfi_block program = BYTES(
		DW_LNS_advance_line, 8, DW_LNS_copy, DW_LNS_advance_pc, 0x20, DW_LNS_advance_line,
		1, DW_LNS_copy, DW_LNS_advance_pc, 0x20, DW_LNS_advance_line, 11, DW_LNS_copy,
		DW_LNS_advance_pc, 0xc0, 1, 0, 1, DW_LNE_end_sequence);

	put(line, header.bytes, header.size);
	memcpy(line->bytes + 8, &(uint32_t){ (uint32_t)line->size - 12 }, 4);
	put_u8(line, 0);
	put_u8(line, 9);
	put_u8(line, DW_LNE_set_address);
	put_u64(line, DWARF_FIXTURE_OUTER);
	put(line, program.bytes, program.size);
	memcpy(line->bytes, &(uint32_t){ (uint32_t)line->size - 4 }, 4);
}

struct dwarf_fixture *dwarf_fixture_new(void)
{
	struct dwarf_fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		abort();
	put_abbrevs(&fixture->abbrev);
	put_unit(fixture);
	put_lines(&fixture->line);
	return fixture;
}

int dwarf_fixture_open(const struct dwarf_fixture *fixture)
{
	static const char names[] = "\0.debug_info\0.debug_abbrev\0.debug_line\0.shstrtab";
	const struct {
		const void *bytes;
		size_t size;
		uint32_t name;
	} parts[SECTIONS] = {
		{ NULL, 0, 0 },
		{ fixture->info.bytes, fixture->info.size, 1 },
		{ fixture->abbrev.bytes, fixture->abbrev.size, 13 },
		{ fixture->line.bytes, fixture->line.size, 27 },
		{ names, sizeof(names), 39 },
	};
	size_t at = sizeof(Elf64_Ehdr) + SECTIONS * sizeof(Elf64_Shdr), size = at;
	Elf64_Ehdr header = { .e_ident = ELFMAG, .e_type = ET_DYN, .e_machine = EM_X86_64 };
	Elf64_Shdr sections[SECTIONS] = { 0 };
	uint8_t *file;
	int fd;

	for (size_t i = 1; i < SECTIONS; i++)
		size += parts[i].size;
	file = calloc(1, size);
	if (!file)
		abort();
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_ident[EI_VERSION] = EV_CURRENT;
	header.e_version = EV_CURRENT;
	header.e_ehsize = sizeof(header);
	header.e_shoff = sizeof(header);
	header.e_shentsize = sizeof(*sections);
	header.e_shnum = SECTIONS;
	header.e_shstrndx = SECTIONS - 1;
	for (size_t i = 1; i < SECTIONS; i++) {
		sections[i] =
			(Elf64_Shdr){ .sh_name = parts[i].name,
				      .sh_type = i == SECTIONS - 1 ? SHT_STRTAB : SHT_PROGBITS,
				      .sh_flags = i == 1 ? fixture->info_flags : 0,
				      .sh_offset = at,
				      .sh_size = parts[i].size,
				      .sh_addralign = 1 };
		memcpy(file + at, parts[i].bytes, parts[i].size);
		at += parts[i].size;
	}
	memcpy(file, &header, sizeof(header));
	memcpy(file + sizeof(header), sections, sizeof(sections));
	fd = open_bytes(file, size);
	free(file);
	return fd;
}
