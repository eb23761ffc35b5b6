/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"

/*
 * elf_image - a small ELF file in memory, made field by field, so that any field can be wrong.
 *
 * Layout: header, program headers, notes, symbols, strings, section headers. The sections are the
 * null section, those added, .symtab (or .dynsym) and its strings. Out of memory aborts.
 */
struct elf_image;

/* A symbol; its section is a number from elf_image_add_section() or SHN_... */
struct elf_image_symbol {
	const char *name; /* borrowed until built */
	uint64_t address;
	uint64_t size;
	unsigned char bind; /* STB_... */
	unsigned char type; /* STT_... */
	uint16_t section;
};

struct elf_image *elf_image_new(uint16_t type);

/* elf_image_use_32_bits(), elf_image_use_dynsym() - to be said before building. */
void elf_image_use_32_bits(struct elf_image *image);
void elf_image_use_dynsym(struct elf_image *image);

void elf_image_add_load(struct elf_image *image, uint32_t flags, uint64_t offset, uint64_t address,
			uint64_t size);

/* elf_image_add_note() - a PT_NOTE, or an SHT_NOTE only if @in_section, of these bytes. */
void elf_image_add_note(struct elf_image *image, const void *bytes, size_t size, bool in_section);

/* elf_image_add_section() - one without bytes in the file; returns its number. */
uint16_t elf_image_add_section(struct elf_image *image, uint64_t flags, uint64_t address,
			       uint64_t size);

void elf_image_add_symbol(struct elf_image *image, struct elf_image_symbol symbol);

/* elf_image_build() - lay it out; from then on there are bytes, which may be changed. */
void elf_image_build(struct elf_image *image);

unsigned char *elf_image_bytes(struct elf_image *image, size_t *ret_size);

/* Parts of a built 64-bit image. The symbol table is the last section but one. */
Elf64_Ehdr *elf_image_header(struct elf_image *image);
Elf64_Phdr *elf_image_segment(struct elf_image *image, size_t index);
Elf64_Shdr *elf_image_section(struct elf_image *image, size_t index);
Elf64_Shdr *elf_image_symtab(struct elf_image *image);

/* elf_image_open() - the built image as a file of its own; close it. */
int elf_image_open(struct elf_image *image);

/* open_bytes() - any bytes as a file; close it. */
int open_bytes(const void *bytes, size_t size);

void elf_image_free(struct elf_image *image);
DEFINE_AUTO(elf_image);
