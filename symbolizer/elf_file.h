/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/symbolizer.h"

/*
 * elf_file - what the headers of an ELF file say, read once and checked.
 *
 * A value: it keeps no descriptor and no bytes of the file but those below. Whatever the headers
 * claim, reading them costs a few milliseconds and a few MB at most; what they claim
 * wrongly (a table beyond the end, a malformed note) is as if it were not there. Only files of
 * this machine's byte order have more than a kind.
 */
struct elf_file;

/* A section header. Its bytes lie inside the file, or it is not listed: type is 0 then. */
struct elf_section {
	uint64_t address; /* ELF virtual address of the first byte */
	uint64_t offset;  /* of the first byte in the file */
	uint64_t size;    /* bytes */
	uint64_t entry_size;
	uint32_t type; /* SHT_... */
	uint32_t link;
	uint32_t name;  /* for elf_file_section_name() */
	uint64_t flags; /* SHF_... */
};

/*
 * elf_file_new() - read the headers of an open file.
 * @fd: borrowed during the call; read with pread and never mapped: whoever owns the file may
 *      cut it while we look
 *
 * Return: 0, also when the file is no ELF file; -EIO if it cannot be read or is no regular file;
 * -ENOMEM.
 */
int elf_file_new(struct elf_file **out, int fd);

enum elf_kind elf_file_kind(const struct elf_file *file);

/* elf_file_is_64() - whether the file's structures are those of 64-bit ELF. */
bool elf_file_is_64(const struct elf_file *file);

/* elf_file_machine() - EM_... */
unsigned elf_file_machine(const struct elf_file *file);

/* elf_file_build_id() - the build id, borrowed; *@ret_size is 0 when the file has none. */
const uint8_t *elf_file_build_id(const struct elf_file *file, size_t *ret_size);

/*
 * elf_file_address() - the ELF virtual address at which the byte at @offset is loaded.
 *
 * Offsets are taken to be those of code: where two segments share a page of the file, the
 * executable one is meant. An offset that is loaded nowhere is its own address.
 */
uint64_t elf_file_address(const struct elf_file *file, uint64_t offset);

/* elf_file_sections() - all section headers by number, borrowed; none if the file has none. */
const struct elf_section *elf_file_sections(const struct elf_file *file, size_t *ret_count);

/* elf_file_section_name() - the name of one of them, borrowed; "" if it cannot be read. */
const char *elf_file_section_name(const struct elf_file *file, const struct elf_section *section);

/* elf_file_find_section() - the first section of that name with bytes in the file, or NULL. */
const struct elf_section *elf_file_find_section(const struct elf_file *file, const char *name);

/* elf_file_bytes() - memory held. */
size_t elf_file_bytes(const struct elf_file *file);

void elf_file_free(struct elf_file *file);
DEFINE_AUTO(elf_file);
