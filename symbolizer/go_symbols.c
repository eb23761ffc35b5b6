// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/go_symbols.h"

#include <errno.h>

#include "agent/base/array.h"
#include "symbolizer/go_pclntab.h"

enum {
	MAX_BYTES = 16 << 20, /* of memory for reading; the reader keeps a megabyte of the file */
	MAX_FUNCTIONS = 1 << 22,
};

/* Bytes that may be looked at; a program of 250 MB has some 100 MB of tables. */
static const uint64_t max_effort = 1ULL << 30;

static int add_functions(struct symbol_list *list, struct go_pclntab *table, uint64_t count)
{
	struct go_function function;
	int err = 0;

	for (uint64_t i = 0; i < count && i < MAX_FUNCTIONS && !err; i++) {
		struct symbol symbol;

		if (go_pclntab_get(table, i, &function) || !function.size ||
		    function.name >= list->strings.size ||
		    function.address > UINT64_MAX / SYMBOL_RANKS)
			continue;
		symbol = (struct symbol){
			.key = function.address * SYMBOL_RANKS,
			.size = function.size < UINT32_MAX ? (uint32_t)function.size : UINT32_MAX,
			.name = function.name,
		};
		err = array_add(list, symbol);
	}
	return err;
}

int go_symbols_read(struct symbol_list *list, int fd)
{
	struct cfi_budget budget = { .max_bytes = MAX_BYTES, .effort = max_effort };
	AUTO(go_pclntab) table = NULL;
	struct cfi_image image;
	struct go_module module;
	int err = cfi_image_read(&image, fd);

	if (!err)
		err = go_module_find(&module, &image);
	if (!err && module.names_size < SYMBOL_WEAK)
		err = go_pclntab_new(&table, &module, &image, &budget);
	if (table) {
		list->strings.offset = module.table.offset + module.names;
		list->strings.size = module.names_size;
		err = add_functions(list, table, module.function_count);
	}
	return err == -ENOMEM ? err : 0;
}
