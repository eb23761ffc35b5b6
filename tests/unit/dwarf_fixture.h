/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/unit/cfi_fixture.h"

/*
 * dwarf_fixture - debug information made byte by byte, and an ELF file around it.
 *
 * One unit of DWARF 5 with innie() inlined into middle(), and that into outer(). Tests change what they like
 * before it becomes a file.
 */
enum {
	DWARF_FIXTURE_OUTER = 0x401000, /* ELF virtual address; 0x100 bytes */
	DWARF_FIXTURE_INNIE = 0x401024, /* where all three are */
};

struct dwarf_fixture {
	struct cfi_bytes info;
	struct cfi_bytes abbrev;
	struct cfi_bytes line;
	uint64_t info_flags;  /* SHF_... of .debug_info */
	size_t innie_at;      /* offset of the abstract instance of innie() in .debug_info */
	size_t innie_call_at; /* ... of the reference to it */
	size_t middle_at;
};

/* dwarf_fixture_new() - owned by the caller, freed with free(3). */
struct dwarf_fixture *dwarf_fixture_new(void);

/* put_inlined() - an entry that was inlined, with children; @origin is an offset in .debug_info. */
void put_inlined(struct cfi_bytes *info, uint32_t origin, uint64_t address, uint32_t size,
		 uint8_t call_line);

/* dwarf_fixture_open() - as a file of its own; close it. */
int dwarf_fixture_open(const struct dwarf_fixture *fixture);
