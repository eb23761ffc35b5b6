/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * go_image - an ELF file around the table of a Go program, its code behind it, and its moduledata.
 */
enum {
	TABLE_OFFSET = 0x1000, /* in the file; addresses are as much higher as BASE */
	BASE = 0x400000,
	CODE_BYTES = 0x8000, /* the whole file is code, so that functions are somewhere */
};

struct go_image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	uint8_t rest[CODE_BYTES - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
};

static inline void go_image_make(struct go_image *image, const uint8_t *bytes, size_t size)
{
	size_t most = sizeof(*image) - TABLE_OFFSET;

	memset(image, 0, sizeof(*image));
	memcpy(image->header.e_ident, ELFMAG, SELFMAG);
	image->header.e_ident[EI_CLASS] = ELFCLASS64;
	image->header.e_ident[EI_DATA] = ELFDATA2LSB;
	image->header.e_machine = EM_X86_64;
	image->header.e_phoff = offsetof(struct go_image, segments);
	image->header.e_phentsize = sizeof(Elf64_Phdr);
	image->header.e_phnum = 2;
	image->segments[0] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = BASE,
		.p_filesz = sizeof(*image),
	};
	image->segments[1] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_vaddr = BASE + 2 * sizeof(*image) + TABLE_OFFSET,
		.p_offset = TABLE_OFFSET,
		.p_filesz = most,
	};
	memcpy((uint8_t *)image + TABLE_OFFSET, bytes, size < most ? size : most);
}
