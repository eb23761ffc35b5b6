/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/symbol_cache.h"

/*
 * symbol_naming - the functions at addresses of a file, by its symbols and its debug information.
 *
 * The outermost function is what the symbol table calls it, which tells clones (.cold, .isra.0) and names of
 * assembler code; debug information adds lines, and what was inlined.
 */
struct symbol_naming {
	bool no_lines;
	bool no_inlines;
};

/*
 * symbol_naming_answer() - see to it that @source has an answer for every address.
 *
 * Return: 0, -ENOSPC if there is no room for all of them, or -ENOMEM.
 */
int symbol_naming_answer(const struct symbol_naming *naming, const struct symbol_source *source,
			 const struct symbol_files *files, const uint64_t *addresses, size_t count);
