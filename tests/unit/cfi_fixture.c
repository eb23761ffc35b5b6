// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cfi_fixture.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SEGMENTS = 3,
	SECTIONS = 5,
	FILE_BYTES = FIXTURE_FRAMES_OFFSET + 2 * FIXTURE_MAX_BYTES + 0x1000,
	DEBUG_OFFSET = FIXTURE_FRAMES_OFFSET + FIXTURE_MAX_BYTES,
	HEADER_OFFSET = 0x400, /* of the .eh_frame_hdr */
	HEADER_ADDRESS = 0x500400,
	NAMES_OFFSET = 0x500,
	SECTIONS_OFFSET = 0x600,
};

static void must(bool condition)
{
	if (!condition)
		abort();
}

void put(struct cfi_bytes *to, const void *bytes, size_t size)
{
	must(size <= sizeof(to->bytes) - to->size);
	if (size)
		memcpy(to->bytes + to->size, bytes, size);
	to->size += size;
}

void put_u8(struct cfi_bytes *to, uint8_t value)
{
	put(to, &value, sizeof(value));
}

void put_u32(struct cfi_bytes *to, uint32_t value)
{
	put(to, &value, sizeof(value));
}

void put_u64(struct cfi_bytes *to, uint64_t value)
{
	put(to, &value, sizeof(value));
}

size_t put_entry(struct cfi_bytes *to, struct cfi_block body)
{
	size_t start = to->size, padding = -(4 + body.size) % 8;

	put_u32(to, (uint32_t)(body.size + padding));
	put(to, body.bytes, body.size);
	while (padding--)
		put_u8(to, DW_CFA_nop);
	return start;
}

static size_t put_bytes(struct cfi_bytes *to, const struct cfi_bytes *body)
{
	return put_entry(to, (struct cfi_block){ body->bytes, body->size });
}

size_t put_cie(struct cfi_bytes *to, const char *letters, uint8_t encoding,
	       struct cfi_block program)
{
	static struct cfi_bytes body;

	body.size = 0;
	put_u32(&body, 0);
	put_u8(&body, 1);
	put(&body, letters, strlen(letters) + 1);
	put(&body, "\x01\x78\x10", 3); /* alignments 1 and -8, return address in 16 */
	if (*letters == 'z') {
		put_u8(&body, strchr(letters, 'R') != NULL);
		if (strchr(letters, 'R'))
			put_u8(&body, encoding);
	}
	put(&body, program.bytes, program.size);
	return put_bytes(to, &body);
}

size_t put_fde(struct cfi_bytes *to, size_t cie, uint64_t address, uint32_t size,
	       struct cfi_block program)
{
	static struct cfi_bytes body;

	body.size = 0;
	put_u32(&body, (uint32_t)(to->size + 4 - cie));
	put_u32(&body, (uint32_t)(address - (FIXTURE_FRAMES + to->size + 8)));
	put_u32(&body, size);
	put_u8(&body, 0);
	put(&body, program.bytes, program.size);
	return put_bytes(to, &body);
}

void put_usual(struct cfi_bytes *to, uint32_t size, struct cfi_block program)
{
	size_t cie = put_cie(to, "zR", DW_EH_PE_pcrel | DW_EH_PE_sdata4, USUAL_CIE);

	put_fde(to, cie, FIXTURE_CODE, size, program);
}

static void make_segments(uint8_t *bytes, const struct cfi_file *file)
{
	const Elf64_Phdr segments[SEGMENTS] = {
		{ PT_LOAD, PF_R | PF_X, FIXTURE_CODE_OFFSET, FIXTURE_CODE, 0,
		  file->is_debug_file ? 0 : FIXTURE_CODE_BYTES, FIXTURE_CODE_BYTES, 0x1000 },
		{ PT_LOAD, PF_R, FIXTURE_FRAMES_OFFSET, FIXTURE_FRAMES, 0,
		  file->eh_frame ? file->eh_frame->size : 0, FIXTURE_MAX_BYTES, 0x1000 },
		{ file->has_no_sections ? PT_GNU_EH_FRAME : PT_NULL, PF_R, HEADER_OFFSET,
		  HEADER_ADDRESS, 0, 8, 8, 4 },
	};
	const int32_t distance = FIXTURE_FRAMES - (HEADER_ADDRESS + 4);

	memcpy(bytes + sizeof(Elf64_Ehdr), segments, sizeof(segments));
	memcpy(bytes + HEADER_OFFSET, "\x01\x1b\xff\xff", 4);
	memcpy(bytes + HEADER_OFFSET + 4, &distance, sizeof(distance));
}

static void make_sections(uint8_t *bytes, const struct cfi_file *file)
{
	static const char names[] = "\0.text\0.eh_frame\0.debug_frame\0.shstrtab";
	const Elf64_Shdr sections[SECTIONS] = {
		[1] = { .sh_name = 1,
			.sh_type = SHT_PROGBITS,
			.sh_addr = FIXTURE_CODE,
			.sh_offset = FIXTURE_CODE_OFFSET,
			.sh_size = FIXTURE_CODE_BYTES },
		[2] = { .sh_name = 7,
			.sh_type = file->eh_frame ? SHT_PROGBITS : SHT_NOBITS,
			.sh_addr = FIXTURE_FRAMES,
			.sh_offset = FIXTURE_FRAMES_OFFSET,
			.sh_size = file->eh_frame ? file->eh_frame->size : 1 },
		[3] = { .sh_name = 17,
			.sh_type = SHT_PROGBITS,
			.sh_offset = DEBUG_OFFSET,
			.sh_size = file->debug_frame ? file->debug_frame->size : 0 },
		[4] = { .sh_name = 30,
			.sh_type = SHT_STRTAB,
			.sh_offset = NAMES_OFFSET,
			.sh_size = sizeof(names) },
	};

	memcpy(bytes + NAMES_OFFSET, names, sizeof(names));
	memcpy(bytes + SECTIONS_OFFSET, sections, sizeof(sections));
}

static void make_header(uint8_t *bytes, const struct cfi_file *file)
{
	const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_shoff = file->has_no_sections ? 0 : SECTIONS_OFFSET,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = SEGMENTS,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = file->has_no_sections ? 0 : SECTIONS,
		.e_shstrndx = file->has_no_sections ? 0 : SECTIONS - 1,
	};

	memcpy(bytes, &header, sizeof(header));
}

int cfi_file_open(const struct cfi_file *file)
{
	static uint8_t bytes[FILE_BYTES];
	int fd = memfd_create("cfi", MFD_CLOEXEC);

	memset(bytes, 0, sizeof(bytes));
	make_header(bytes, file);
	make_segments(bytes, file);
	make_sections(bytes, file);
	if (file->eh_frame)
		memcpy(bytes + FIXTURE_FRAMES_OFFSET, file->eh_frame->bytes, file->eh_frame->size);
	if (file->debug_frame)
		memcpy(bytes + DEBUG_OFFSET, file->debug_frame->bytes, file->debug_frame->size);
	must(fd >= 0 && write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
	return fd;
}

struct unwind_table *table_of(const struct cfi_bytes *eh_frame)
{
	static const struct unwind_options defaults;
	const struct cfi_file file = { .eh_frame = eh_frame };
	struct unwind_table *table = NULL;
	AUTO_FD fd = cfi_file_open(&file);

	return unwind_table_compile(&table, fd, &defaults) ? NULL : table;
}

static const char *register_name(unsigned number)
{
	static const char *const names[] = {
		"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"
	};

	return number < 16 ? names[number] : "?";
}

static void print_saved(FILE *out, const char *name, unsigned saved, const char *base,
			int32_t offset)
{
	switch (saved) {
	case UNWIND_SAVED_SAME:
		break;
	case UNWIND_SAVED_AT_CFA:
		fprintf(out, " %s@cfa%+d", name, offset);
		break;
	case UNWIND_SAVED_REGISTER:
		fprintf(out, " %s=%s", name, register_name((unsigned)offset));
		break;
	case UNWIND_SAVED_AT_REGISTER:
		fprintf(out, " %s@%s%+d", name, base, offset);
		break;
	default:
		fprintf(out, " %s lost", name);
	}
}

static void print_cfa(FILE *out, const struct unwind_rule *rule)
{
	const char *base = register_name(rule->cfa_register);

	switch (rule->cfa) {
	case UNWIND_RULE_REGISTER:
		fprintf(out, "%s%+d", base, rule->cfa_offset);
		break;
	case UNWIND_RULE_DEREF:
		fprintf(out, "*(%s%+d)%+d", base, rule->cfa_offset, rule->cfa_addend);
		break;
	case UNWIND_RULE_INDEXED:
		fprintf(out, "*(%s%+d+%s*%d)%+d", base, rule->cfa_offset,
			register_name(rule->cfa_index), rule->cfa_scale, rule->cfa_addend);
		break;
	case UNWIND_RULE_PLT:
		fprintf(out, "plt %d", rule->cfa_offset);
		break;
	default:
		fprintf(out, "%s",
			rule->cfa == UNWIND_RULE_NONE     ? "none"
			: rule->cfa == UNWIND_RULE_END    ? "end"
			: rule->cfa == UNWIND_RULE_SIGNAL ? "signal"
							  : "?");
	}
}

static void print_rule(FILE *out, const struct unwind_rule *rule)
{
	const char *base = register_name(rule->saved_base);

	print_cfa(out, rule);
	if (rule->ra_saved != UNWIND_SAVED_AT_CFA || rule->ra_offset != -8)
		print_saved(out, "ra", rule->ra_saved, base, rule->ra_offset);
	print_saved(out, "rbp", rule->fp_saved, base, rule->fp_offset);
	print_saved(out, "rbx", rule->bx_saved, base, rule->bx_offset);
}

const char *text_of(const struct unwind_table *table)
{
	static char text[4096];
	FILE *out = fmemopen(text, sizeof(text), "w");

	must(out);
	text[0] = '\0';
	for (size_t i = 0; table && i < table->row_count; i++) {
		const struct unwind_row *row = &table->rows[i];

		fprintf(out, "%s%llx ", i ? "; " : "",
			(unsigned long long)row->offset - FIXTURE_CODE_OFFSET);
		print_rule(out, &table->rules[row->rule]);
	}
	fclose(out);
	return table ? text : "no table";
}

const char *text_of_program(struct cfi_block program)
{
	AUTO(unwind_table) table = NULL;
	static struct cfi_bytes frames;

	frames.size = 0;
	put_usual(&frames, 0x100, program);
	table = table_of(&frames);
	return text_of(table);
}
