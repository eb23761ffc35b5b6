/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "symbolizer/cfi_image.h"

/*
 * go_module - where a Go program keeps the table of its functions, and what that counts from.
 *
 * A value; it owns nothing. The table ("pclntab") is there in stripped programs too, since the
 * runtime itself needs it. All positions count from its first byte and lie inside of it.
 *
 * Source: Go's debug/gosym, runtime/symtab.go and cmd/link/internal/ld/pcln.go, of Go 1.16 to 1.26.
 */
enum go_layout {
	GO_LAYOUT_1_16, /* functions by absolute address */
	GO_LAYOUT_1_18, /* by distance from the start of the text */
	GO_LAYOUT_1_20, /* one more field in each function */
};

struct go_module {
	enum go_layout layout;
	struct cfi_extent table;
	uint64_t function_count;
	uint64_t text;  /* ELF virtual address that functions count from; 0 if they are absolute */
	uint64_t names; /* position of the function names, each ended by a 0 */
	uint64_t names_size; /* bytes */
	uint64_t values;     /* position of the tables of values by program counter */
	uint64_t
		functions; /* position of the functions' addresses, and what their records count from */
};

/*
 * go_module_find() - look for Go's tables.
 *
 * By their section, or in a Go program without it and a file without any by the first bytes of the table.
 *
 * Return: 0; -ENOENT if there are none, or none of a known version; -EIO; -ENOMEM.
 */
int go_module_find(struct go_module *out, const struct cfi_image *image);
