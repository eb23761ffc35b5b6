// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_list.h"

#include <elf.h>
#include <errno.h>
#include <unistd.h>

#include "agent/base/array.h"

enum {
	CHUNK_SYMBOLS = 1024,      /* read at a time */
	WINDOW_BYTES = 4096,       /* of the string table, kept */
	MAX_WINDOW_READS = 100000, /* a hostile table could ask for one a symbol */
};

struct reader {
	struct symbol_list *list;
	int fd;
	bool is_64;
	const struct elf_section *sections;
	size_t section_count;
	uint64_t window_start; /* in the string table */
	size_t window_size;
	unsigned window_reads;
	char window[WINDOW_BYTES];
	union {
		Elf64_Sym elf64[CHUNK_SYMBOLS];
		Elf32_Sym elf32[CHUNK_SYMBOLS];
	} chunk;
};

static void move_window(struct reader *reader, uint64_t at)
{
	ssize_t size;

	reader->window_size = 0;
	if (reader->window_reads == MAX_WINDOW_READS)
		return;
	reader->window_reads++;
	size = pread(reader->fd, reader->window, WINDOW_BYTES,
		     (off_t)(reader->list->strings.offset + at));
	reader->window_start = at;
	reader->window_size = size > 0 ? (size_t)size : 0;
}

/* Labels that stand in the code without being functions, and names that cannot be read. */
static bool is_label(struct reader *reader, uint64_t name)
{
	if (name - reader->window_start >= reader->window_size)
		move_window(reader, name);
	if (!reader->window_size)
		return true;
	switch (reader->window[name - reader->window_start]) {
	case '\0':
	case '$': /* what follows is code or data: ARM, RISC-V */
	case '.': /* .L12, .annobin_... */
		return true;
	default:
		return false;
	}
}

static bool is_defined(const Elf64_Sym *raw)
{
	return raw->st_shndx != SHN_UNDEF &&
	       (raw->st_shndx < SHN_LORESERVE || raw->st_shndx == SHN_XINDEX);
}

static uint64_t rest_of_section(const struct elf_section *section, uint64_t address)
{
	if (!section || address - section->address >= section->size)
		return 0;
	return section->size - (address - section->address);
}

/* Whether @raw names a function, which then is *@ret. */
static bool to_symbol(struct reader *reader, const Elf64_Sym *raw, struct symbol *ret)
{
	const struct elf_section *section =
		raw->st_shndx < reader->section_count ? &reader->sections[raw->st_shndx] : NULL;
	unsigned type = ELF64_ST_TYPE(raw->st_info), bind = ELF64_ST_BIND(raw->st_info), rank = 0;
	uint64_t size = raw->st_size;

	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	if (!is_defined(raw) || !raw->st_name || raw->st_name >= reader->list->strings.size ||
	    raw->st_value > UINT64_MAX / SYMBOL_RANKS)
		return false;
	if (type == STT_NOTYPE) {
		if (!section || !(section->flags & SHF_EXECINSTR) || is_label(reader, raw->st_name))
			return false;
		rank |= SYMBOL_NOTYPE;
	}
	if (!size) {
		rank |= SYMBOL_SIZELESS;
		size = rest_of_section(section, raw->st_value);
	}
	if (bind == STB_LOCAL)
		rank |= SYMBOL_LOCAL;
	ret->key = raw->st_value * SYMBOL_RANKS + rank;
	ret->size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
	ret->name = raw->st_name | (bind == STB_WEAK ? SYMBOL_WEAK : 0);
	return size;
}

static Elf64_Sym raw_symbol(const struct reader *reader, size_t index)
{
	const Elf32_Sym *elf32 = &reader->chunk.elf32[index];

	if (reader->is_64)
		return reader->chunk.elf64[index];
	return (Elf64_Sym){
		.st_name = elf32->st_name,
		.st_info = elf32->st_info,
		.st_other = elf32->st_other,
		.st_shndx = elf32->st_shndx,
		.st_value = elf32->st_value,
		.st_size = elf32->st_size,
	};
}

static int add_chunk(struct reader *reader, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		Elf64_Sym raw = raw_symbol(reader, i);
		struct symbol symbol;

		if (to_symbol(reader, &raw, &symbol) && array_add(reader->list, symbol))
			return -ENOMEM;
	}
	return 0;
}

static size_t entry_size(const struct reader *reader)
{
	return reader->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
}

static int read_table(struct reader *reader, const struct elf_section *table)
{
	size_t entry = entry_size(reader);
	uint64_t left = table->size / entry;
	uint64_t at = table->offset;

	while (left) {
		size_t wanted = left < CHUNK_SYMBOLS ? (size_t)left : CHUNK_SYMBOLS;
		ssize_t size = pread(reader->fd, &reader->chunk, wanted * entry, (off_t)at);
		int err;

		/* Cut while we look: what was read until here is good. */
		if (size < (ssize_t)entry)
			return 0;
		err = add_chunk(reader, (size_t)size / entry);
		if (err)
			return err;
		left -= (size_t)size / entry;
		at += (size_t)size / entry * entry;
	}
	return 0;
}

/* The strings of @table, or NULL if it is no symbol table that can be trusted. */
static const struct elf_section *strings_of(const struct reader *reader,
					    const struct elf_section *table)
{
	const struct elf_section *strings;

	if (table->flags & SHF_COMPRESSED || table->entry_size != entry_size(reader))
		return NULL;
	if (table->link >= reader->section_count)
		return NULL;
	strings = &reader->sections[table->link];
	if (strings->type != SHT_STRTAB || strings->flags & SHF_COMPRESSED ||
	    strings->size >= SYMBOL_WEAK)
		return NULL;
	return strings;
}

/* Reads the first tables of @type in which there is a function. */
static int read_tables(struct reader *reader, uint32_t type, uint64_t max_bytes)
{
	int err = 0;

	for (size_t i = 0; i < reader->section_count && !err && !reader->list->count; i++) {
		const struct elf_section *table = &reader->sections[i], *strings;

		if (table->type != type || table->size > max_bytes)
			continue;
		strings = strings_of(reader, table);
		if (!strings)
			continue;
		reader->list->strings.offset = strings->offset;
		reader->list->strings.size = strings->size;
		reader->window_size = 0;
		err = read_table(reader, table);
	}
	return err;
}

int symbol_list_read(struct symbol_list *list, uint32_t type, int fd, const struct elf_file *file,
		     uint64_t max_bytes)
{
	struct reader reader = { .list = list, .fd = fd, .is_64 = elf_file_is_64(file) };

	reader.sections = elf_file_sections(file, &reader.section_count);
	return read_tables(&reader, type, max_bytes);
}
