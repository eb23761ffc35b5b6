// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/elf_image.h"

#include <string.h>
#include <sys/mman.h>

enum {
	MAX_PARTS = 16, /* of each kind but symbols */
	MAX_SYMBOLS = 64,
	MAX_BYTES = 16 * 1024,
};

struct elf_image {
	uint16_t type;
	bool is_32;
	uint32_t symtab_type;
	Elf64_Phdr segments[MAX_PARTS];
	size_t segment_count;
	Elf64_Shdr sections[MAX_PARTS + 3];
	size_t section_count;
	Elf64_Sym symbols[MAX_SYMBOLS];
	size_t symbol_count;
	char notes[MAX_BYTES / 4];
	size_t note_bytes;
	char strings[MAX_BYTES / 4];
	size_t string_bytes;
	_Alignas(8) unsigned char bytes[MAX_BYTES];
	size_t size;
};

/* A test image that does not fit is a mistake in the test. */
static void must(bool condition)
{
	if (!condition)
		abort();
}

struct elf_image *elf_image_new(uint16_t type)
{
	struct elf_image *image = calloc(1, sizeof(*image));

	must(image);
	image->type = type;
	image->symtab_type = SHT_SYMTAB;
	image->section_count = 1;
	image->symbol_count = 1;
	image->string_bytes = 1;
	return image;
}

void elf_image_use_32_bits(struct elf_image *image)
{
	image->is_32 = true;
}

void elf_image_use_dynsym(struct elf_image *image)
{
	image->symtab_type = SHT_DYNSYM;
}

static void add_segment(struct elf_image *image, Elf64_Phdr segment)
{
	must(image->segment_count < MAX_PARTS);
	image->segments[image->segment_count++] = segment;
}

static uint16_t add_section(struct elf_image *image, Elf64_Shdr section)
{
	must(image->section_count < MAX_PARTS + 3);
	image->sections[image->section_count] = section;
	return (uint16_t)image->section_count++;
}

void elf_image_add_load(struct elf_image *image, uint32_t flags, uint64_t offset, uint64_t address,
			uint64_t size)
{
	add_segment(image, (Elf64_Phdr){
				   .p_type = PT_LOAD,
				   .p_flags = flags,
				   .p_offset = offset,
				   .p_vaddr = address,
				   .p_filesz = size,
				   .p_memsz = size,
				   .p_align = 4096,
			   });
}

/* Offsets of notes are relative to the first until they are laid out. */
void elf_image_add_note(struct elf_image *image, const void *bytes, size_t size, bool in_section)
{
	size_t at = image->note_bytes;

	must(size <= sizeof(image->notes) - at);
	memcpy(image->notes + at, bytes, size);
	image->note_bytes = at + ((size + 7) & ~(size_t)7);
	if (in_section)
		add_section(image, (Elf64_Shdr){
					   .sh_type = SHT_NOTE,
					   .sh_offset = at,
					   .sh_size = size,
					   .sh_addralign = 4,
				   });
	else
		add_segment(image, (Elf64_Phdr){
					   .p_type = PT_NOTE,
					   .p_offset = at,
					   .p_filesz = size,
					   .p_align = 4,
				   });
}

uint16_t elf_image_add_section(struct elf_image *image, uint64_t flags, uint64_t address,
			       uint64_t size)
{
	return add_section(image, (Elf64_Shdr){
					  .sh_type = SHT_NOBITS,
					  .sh_flags = flags,
					  .sh_addr = address,
					  .sh_size = size,
				  });
}

void elf_image_add_symbol(struct elf_image *image, struct elf_image_symbol symbol)
{
	size_t length = strlen(symbol.name);

	must(image->symbol_count < MAX_SYMBOLS &&
	     image->string_bytes + length < sizeof(image->strings));
	image->symbols[image->symbol_count++] = (Elf64_Sym){
		.st_name = (uint32_t)image->string_bytes,
		.st_info = ELF64_ST_INFO(symbol.bind, symbol.type),
		.st_shndx = symbol.section,
		.st_value = symbol.address,
		.st_size = symbol.size,
	};
	memcpy(image->strings + image->string_bytes, symbol.name, length);
	image->string_bytes += length + 1;
}

/* Returns where the bytes went. */
static size_t append(struct elf_image *image, const void *bytes, size_t size)
{
	size_t at = (image->size + 7) & ~(size_t)7;

	must(at + size <= sizeof(image->bytes));
	memcpy(image->bytes + at, bytes, size);
	image->size = at + size;
	return at;
}

static size_t append_segments(struct elf_image *image)
{
	Elf32_Phdr narrow[MAX_PARTS] = { 0 };

	for (size_t i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *wide = &image->segments[i];

		narrow[i] = (Elf32_Phdr){
			.p_type = wide->p_type,
			.p_flags = wide->p_flags,
			.p_offset = (uint32_t)wide->p_offset,
			.p_vaddr = (uint32_t)wide->p_vaddr,
			.p_filesz = (uint32_t)wide->p_filesz,
			.p_memsz = (uint32_t)wide->p_memsz,
			.p_align = (uint32_t)wide->p_align,
		};
	}
	if (image->is_32)
		return append(image, narrow, image->segment_count * sizeof(*narrow));
	return append(image, image->segments, image->segment_count * sizeof(*image->segments));
}

static size_t append_symbols(struct elf_image *image)
{
	Elf32_Sym narrow[MAX_SYMBOLS] = { 0 };

	for (size_t i = 0; i < image->symbol_count; i++) {
		const Elf64_Sym *wide = &image->symbols[i];

		narrow[i] = (Elf32_Sym){
			.st_name = wide->st_name,
			.st_info = wide->st_info,
			.st_shndx = wide->st_shndx,
			.st_value = (uint32_t)wide->st_value,
			.st_size = (uint32_t)wide->st_size,
		};
	}
	if (image->is_32)
		return append(image, narrow, image->symbol_count * sizeof(*narrow));
	return append(image, image->symbols, image->symbol_count * sizeof(*image->symbols));
}

static size_t append_sections(struct elf_image *image)
{
	Elf32_Shdr narrow[MAX_PARTS + 3] = { 0 };

	for (size_t i = 0; i < image->section_count; i++) {
		const Elf64_Shdr *wide = &image->sections[i];

		narrow[i] = (Elf32_Shdr){
			.sh_type = wide->sh_type,
			.sh_flags = (uint32_t)wide->sh_flags,
			.sh_addr = (uint32_t)wide->sh_addr,
			.sh_offset = (uint32_t)wide->sh_offset,
			.sh_size = (uint32_t)wide->sh_size,
			.sh_link = wide->sh_link,
			.sh_addralign = (uint32_t)wide->sh_addralign,
			.sh_entsize = (uint32_t)wide->sh_entsize,
		};
	}
	if (image->is_32)
		return append(image, narrow, image->section_count * sizeof(*narrow));
	return append(image, image->sections, image->section_count * sizeof(*image->sections));
}

static void write_header(struct elf_image *image, size_t segments, size_t sections)
{
	const unsigned char native =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	Elf64_Ehdr wide = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, native, EV_CURRENT },
		.e_type = image->type,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phoff = segments,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (uint16_t)image->segment_count,
		.e_shoff = sections,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (uint16_t)image->section_count,
	};
	Elf32_Ehdr narrow = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, native, EV_CURRENT },
		.e_type = image->type,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phoff = (uint32_t)segments,
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = (uint16_t)image->segment_count,
		.e_shoff = (uint32_t)sections,
		.e_shentsize = sizeof(Elf32_Shdr),
		.e_shnum = (uint16_t)image->section_count,
	};

	if (image->is_32)
		memcpy(image->bytes, &narrow, sizeof(narrow));
	else
		memcpy(image->bytes, &wide, sizeof(wide));
}

static void place_notes(struct elf_image *image, size_t at)
{
	for (size_t i = 0; i < image->segment_count; i++)
		if (image->segments[i].p_type == PT_NOTE)
			image->segments[i].p_offset += at;
	for (size_t i = 0; i < image->section_count; i++)
		if (image->sections[i].sh_type == SHT_NOTE)
			image->sections[i].sh_offset += at;
}

void elf_image_build(struct elf_image *image)
{
	size_t symbols, strings, segments;

	image->size = sizeof(Elf64_Ehdr);
	place_notes(image, append(image, image->notes, image->note_bytes));
	segments = append_segments(image);
	symbols = append_symbols(image);
	strings = append(image, image->strings, image->string_bytes);
	add_section(image,
		    (Elf64_Shdr){
			    .sh_type = image->symtab_type,
			    .sh_offset = symbols,
			    .sh_size = image->symbol_count *
				       (image->is_32 ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym)),
			    .sh_entsize = image->is_32 ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym),
			    .sh_link = (uint32_t)image->section_count + 1,
		    });
	add_section(image, (Elf64_Shdr){
				   .sh_type = SHT_STRTAB,
				   .sh_offset = strings,
				   .sh_size = image->string_bytes,
			   });
	write_header(image, segments, append_sections(image));
}

unsigned char *elf_image_bytes(struct elf_image *image, size_t *ret_size)
{
	*ret_size = image->size;
	return image->bytes;
}

Elf64_Ehdr *elf_image_header(struct elf_image *image)
{
	return (Elf64_Ehdr *)image->bytes;
}

Elf64_Phdr *elf_image_segment(struct elf_image *image, size_t index)
{
	return (Elf64_Phdr *)(image->bytes + elf_image_header(image)->e_phoff) + index;
}

Elf64_Shdr *elf_image_section(struct elf_image *image, size_t index)
{
	return (Elf64_Shdr *)(image->bytes + elf_image_header(image)->e_shoff) + index;
}

Elf64_Shdr *elf_image_symtab(struct elf_image *image)
{
	return elf_image_section(image, image->section_count - 2);
}

int open_bytes(const void *bytes, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	return fd;
}

int elf_image_open(struct elf_image *image)
{
	return open_bytes(image->bytes, image->size);
}

void elf_image_free(struct elf_image *image)
{
	free(image);
}
