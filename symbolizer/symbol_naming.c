// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_naming.h"

#include <errno.h>
#include <stdlib.h>

#include "symbolizer/dwarf_functions.h"

/* A question being answered. */
struct task {
	const struct symbol_naming *naming;
	const struct symbol_source *source;
	const struct symbol_files *files;
};

/* What debug information says of an address, if anything, and what the symbols say. */
static int add_answer(void *context, uint64_t address, const struct dwarf_frame *frames,
		      size_t count)
{
	const struct task *task = context;
	const struct symbol_naming *naming = task->naming;
	struct symbol_new_line lines[DWARF_MAX_CALLS];
	char symbol[SYMBOL_NAME_MAX + 1];
	size_t line_count = 0;

	if (!symbol_layers_name(task->source->symbols, task->files, address, symbol))
		*symbol = '\0';
	if (!count && *symbol)
		lines[line_count++] = (struct symbol_new_line){ .system_name = symbol };
	for (size_t i = naming->no_inlines && count ? count - 1 : 0; i < count; i++) {
		bool is_outermost = i + 1 == count;
		const char *name = is_outermost && *symbol ? symbol : frames[i].function;

		if (!*name)
			continue;
		lines[line_count++] = (struct symbol_new_line){
			.system_name = name,
			.file = naming->no_lines || !*frames[i].file ? NULL : frames[i].file,
			.line = naming->no_lines ? 0 : frames[i].line,
		};
	}
	return symbol_answers_add(task->source->answers, address, lines, line_count);
}

/* Addresses without an answer, and their number; NULL without memory. */
static uint64_t *unanswered(const struct symbol_answers *answers, const uint64_t *addresses,
			    size_t count, size_t *ret_count)
{
	uint64_t *missing = NULL;
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (symbol_answers_has(answers, addresses[i]))
			continue;
		if (!missing)
			missing = calloc(count - i, sizeof(*missing));
		if (!missing)
			return NULL;
		missing[found++] = addresses[i];
	}
	*ret_count = found;
	return missing ? missing : calloc(1, sizeof(*missing));
}

int symbol_naming_answer(const struct symbol_naming *naming, const struct symbol_source *source,
			 const struct symbol_files *files, const uint64_t *addresses, size_t count)
{
	struct task task = { naming, source, files };
	size_t missing_count;
	uint64_t *missing = unanswered(source->answers, addresses, count, &missing_count);
	struct dwarf_question question = {
		.files = files,
		.addresses = missing,
		.count = missing_count,
		.found = add_answer,
		.context = &task,
	};
	int err = missing ? 0 : -ENOMEM;

	if (!err && missing_count && source->dwarf)
		err = dwarf_file_ask(source->dwarf, &question);
	/* What debug information does not speak of has a symbol at best. */
	for (size_t i = 0; !err && i < missing_count; i++) {
		if (!symbol_answers_has(source->answers, missing[i]))
			err = add_answer(&task, missing[i], NULL, 0);
	}
	free(missing);
	return err;
}
