/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbolizer/elf_file.h"

/*
 * symbol_list - the function symbols of a file, as they come.
 *
 * Functions are STT_FUNC and STT_GNU_IFUNC, and what assembler sources forgot to call one:
 * STT_NOTYPE in an executable section, but for the labels that assemblers and compilers leave
 * there ($x, .L12, .annobin_...). Whoever holds a list frees @items.
 */

/* Orders the names of one address, the better first; a symbol's key ends in the sum of these. */
enum symbol_rank {
	SYMBOL_NOTYPE = 1,
	SYMBOL_LOCAL = 2,
	SYMBOL_SIZELESS = 4,
	SYMBOL_RANKS = 8,
};

/* Set in the name of a weak symbol. String tables of 1 GiB and more are not read. */
#define SYMBOL_WEAK 0x40000000u

struct symbol {
	uint64_t key;  /* ELF virtual address * SYMBOL_RANKS + rank: sorts by both at once */
	uint32_t size; /* bytes; of a sizeless one, what remains of its section */
	uint32_t name; /* offset in the strings, and SYMBOL_WEAK */
};

/* A string table in a file. */
struct symbol_strings {
	uint64_t offset; /* in the file */
	uint64_t size;   /* bytes, below SYMBOL_WEAK */
};

struct symbol_list {
	struct symbol *items; /* owned */
	size_t count;
	size_t capacity;
	struct symbol_strings strings;
};

static inline uint64_t symbol_address(const struct symbol *symbol)
{
	return symbol->key / SYMBOL_RANKS;
}

static inline unsigned symbol_rank(const struct symbol *symbol)
{
	return symbol->key % SYMBOL_RANKS;
}

/*
 * symbol_list_read() - fill an empty list.
 * @type: SHT_SYMTAB or SHT_DYNSYM; of several tables, the first with a function
 * @fd: the file that @file describes, borrowed
 * @max_bytes: symbol tables larger than this are skipped
 *
 * What is damaged is skipped; no symbols at all is no error.
 *
 * Return: 0 or -ENOMEM, with the list still to be freed.
 */
int symbol_list_read(struct symbol_list *list, uint32_t type, int fd, const struct elf_file *file,
		     uint64_t max_bytes);
