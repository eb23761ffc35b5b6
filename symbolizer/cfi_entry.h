/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "symbolizer/cfi_program.h"
#include "symbolizer/cfi_section.h"

/*
 * cfi_entry - the entries that a section of call frame information is a list of.
 *
 * One describes a function (FDE) and refers to another with what it shares with others (CIE).
 */
enum cfi_entry_kind {
	CFI_ENTRY_END,      /* there is no entry here, nor can one be found after */
	CFI_ENTRY_ZERO,     /* a terminator, or padding */
	CFI_ENTRY_SHARED,   /* CIE */
	CFI_ENTRY_FUNCTION, /* FDE */
	CFI_ENTRY_TOO_LONG,
};

struct cfi_entry {
	enum cfi_entry_kind kind;
	uint64_t body; /* position of what comes after the kind */
	uint64_t next; /* position of the next entry */
	uint64_t cie;  /* position of the entry that a function shares */
};

/* cfi_entry_read() - Return: 0, or -EIO. */
int cfi_entry_read(struct cfi_section *section, uint64_t position, struct cfi_entry *ret_entry);

/* A CIE, read. */
struct cfi_cie {
	uint64_t position;
	bool is_valid;
	bool has_sizes; /* functions have augmentation data, after its size */
	struct cfi_dialect dialect;
};

/* cfi_cie_read() - what is at @position; no valid CIE is an answer too. Return: 0, or -EIO. */
int cfi_cie_read(struct cfi_section *section, uint64_t position, struct cfi_cie *ret_cie);

/* A function's part of the address space, and how its frames change in it. */
struct cfi_function {
	uint64_t address;               /* ELF virtual address */
	uint64_t size;                  /* bytes */
	struct cfi_reader instructions; /* borrowed from the section */
};

/* cfi_function_read() - an FDE from @body on; false if it is broken. */
bool cfi_function_read(struct cfi_reader body, const struct cfi_cie *cie,
		       struct cfi_function *ret_function);
