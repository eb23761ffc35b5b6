// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/plt_symbols.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/array.h"

enum {
	STUB_BYTES = 16,
	JUMP_BYTES = 6,            /* jmp *disp32(%rip) */
	MAX_RELOCATIONS = 1 << 20, /* 24 MB; libLLVM has 30,000 that name a function */
	MAX_STUB_BYTES = 1 << 24,  /* of one section */
	CHUNK_RELOCATIONS = 512,
};

/* A slot of the global offset table. */
struct slot {
	uint64_t address;
	uint32_t symbol; /* number in .dynsym */
};

struct slot_list {
	struct slot *items;
	size_t count;
	size_t capacity;
};

struct reader {
	struct symbol_list *list;
	int fd;
	const struct elf_section *dynsym;
	struct slot_list slots; /* owned */
};

static int add_slots(struct reader *reader, const Elf64_Rela *relocations, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		struct slot slot = {
			.address = relocations[i].r_offset,
			.symbol = (uint32_t)ELF64_R_SYM(relocations[i].r_info),
		};
		uint32_t type = (uint32_t)ELF64_R_TYPE(relocations[i].r_info);

		if (slot.symbol && (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT))
			err = array_add(&reader->slots, slot);
	}
	return err;
}

static int read_relocations(struct reader *reader, const struct elf_section *section)
{
	Elf64_Rela chunk[CHUNK_RELOCATIONS];
	uint64_t left = section->size / sizeof(*chunk), at = section->offset;
	int err = 0;

	while (left && !err && reader->slots.count < MAX_RELOCATIONS) {
		size_t wanted = left < CHUNK_RELOCATIONS ? (size_t)left : CHUNK_RELOCATIONS;
		ssize_t size = pread(reader->fd, chunk, wanted * sizeof(*chunk), (off_t)at);

		if (size < (ssize_t)sizeof(*chunk))
			break;
		wanted = (size_t)size / sizeof(*chunk);
		err = add_slots(reader, chunk, wanted);
		left -= wanted;
		at += wanted * sizeof(*chunk);
	}
	return err;
}

static int compare(const void *left, const void *right)
{
	const struct slot *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

/* The name of a function that is called through @address, or 0. */
static uint32_t name_of(const struct reader *reader, uint64_t address)
{
	struct slot key = { .address = address };
	const struct slot *slot =
		bsearch(&key, reader->slots.items, reader->slots.count, sizeof(key), compare);
	Elf64_Sym symbol;

	if (!slot || slot->symbol >= reader->dynsym->size / sizeof(symbol) ||
	    pread(reader->fd, &symbol, sizeof(symbol),
		  (off_t)(reader->dynsym->offset + slot->symbol * sizeof(symbol))) !=
		    sizeof(symbol))
		return 0;
	return symbol.st_name < reader->list->strings.size ? symbol.st_name : 0;
}

/* Where the jump of the stub at @bytes gets its target from, or 0. */
static uint64_t slot_of(const uint8_t *bytes, size_t size, uint64_t address)
{
	for (size_t i = 0; i + JUMP_BYTES <= size; i++) {
		int32_t distance;

		if (bytes[i] != 0xff || bytes[i + 1] != 0x25)
			continue;
		memcpy(&distance, bytes + i + 2, sizeof(distance));
		return address + i + JUMP_BYTES + (uint64_t)(int64_t)distance;
	}
	return 0;
}

static int read_stubs(struct reader *reader, const struct elf_section *section, size_t stub_bytes)
{
	uint64_t size = section->size < MAX_STUB_BYTES ? section->size : 0;
	AUTO_STRING bytes = malloc(size ? size : 1);
	int err = 0;

	if (!bytes)
		return -ENOMEM;
	if (pread(reader->fd, bytes, size, (off_t)section->offset) != (ssize_t)size)
		return 0;
	for (uint64_t at = 0; at + stub_bytes <= size && !err; at += stub_bytes) {
		uint64_t address = section->address + at;
		uint64_t slot = slot_of((uint8_t *)bytes + at, stub_bytes, address);
		struct symbol symbol = {
			.key = address * SYMBOL_RANKS,
			.size = (uint32_t)stub_bytes,
			.name = slot ? name_of(reader, slot) : 0,
		};

		if (symbol.name && address < UINT64_MAX / SYMBOL_RANKS)
			err = array_add(reader->list, symbol);
	}
	return err;
}

static const struct elf_section *dynamic_strings(const struct elf_file *file,
						 const struct elf_section *dynsym)
{
	size_t count;
	const struct elf_section *sections = elf_file_sections(file, &count), *strings;

	if (!dynsym || dynsym->link >= count)
		return NULL;
	strings = &sections[dynsym->link];
	return strings->type == SHT_STRTAB && strings->size < SYMBOL_WEAK ? strings : NULL;
}

static int read_all(struct reader *reader, const struct elf_file *file)
{
	static const char *const stubs[] = { ".plt", ".plt.sec", ".plt.got", ".plt.bnd" };
	static const char *const relocations[] = { ".rela.plt", ".rela.dyn" };
	int err = 0;

	for (size_t i = 0; i < sizeof(relocations) / sizeof(*relocations) && !err; i++) {
		const struct elf_section *section = elf_file_find_section(file, relocations[i]);

		if (section && section->type == SHT_RELA)
			err = read_relocations(reader, section);
	}
	if (reader->slots.count)
		qsort(reader->slots.items, reader->slots.count, sizeof(*reader->slots.items),
		      compare);
	for (size_t i = 0; reader->slots.count && i < sizeof(stubs) / sizeof(*stubs) && !err; i++) {
		const struct elf_section *section = elf_file_find_section(file, stubs[i]);
		bool is_short = section && section->entry_size == STUB_BYTES / 2;

		if (section && section->type == SHT_PROGBITS)
			err = read_stubs(reader, section, is_short ? STUB_BYTES / 2 : STUB_BYTES);
	}
	return err;
}

int plt_symbols_read(struct symbol_list *list, int fd, const struct elf_file *file)
{
	const struct elf_section *dynsym = elf_file_find_section(file, ".dynsym");
	const struct elf_section *strings = dynamic_strings(file, dynsym);
	struct reader reader = { .list = list, .fd = fd, .dynsym = dynsym };
	int err;

	if (!strings || !elf_file_is_64(file) || elf_file_machine(file) != EM_X86_64)
		return 0;
	list->strings.offset = strings->offset;
	list->strings.size = strings->size;
	err = read_all(&reader, file);
	free(reader.slots.items);
	return err;
}
