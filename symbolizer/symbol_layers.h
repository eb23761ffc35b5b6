/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/symbol_table.h"
#include "symbolizer/symbolizer.h"

/*
 * symbol_layers - the symbols of an executable, from all places where it may have some.
 *
 * Go's own table, for Go's code. The first of these that has any function: .symtab, .gnu_debugdata with .dynsym, the .symtab of the
 * separate debug file, .dynsym. And the stubs of the procedure linkage table, which have no symbols.
 */
struct symbol_layers;

/* symbol_layers_new() - read the symbols of @files; of what is no executable, none. 0, -EIO or -ENOMEM. */
int symbol_layers_new(struct symbol_layers **out, const struct symbol_files *files,
		      const struct elf_file *file, uint64_t max_symbol_bytes);

/*
 * symbol_layers_name() - the best name for what is at @address.
 * @files: the same as before
 * @name: receives SYMBOL_NAME_MAX + 1 bytes at most
 *
 * Return: false if it has none.
 */
bool symbol_layers_name(const struct symbol_layers *layers, const struct symbol_files *files,
			uint64_t address, char *name);

/* symbol_layers_bytes() - memory held. */
size_t symbol_layers_bytes(const struct symbol_layers *layers);

void symbol_layers_free(struct symbol_layers *layers);
DEFINE_AUTO(symbol_layers);
