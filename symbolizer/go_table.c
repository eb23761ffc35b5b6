// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/go_table.h"

#include <errno.h>

#include "symbolizer/go_code.h"
#include "symbolizer/go_pclntab.h"
#include "symbolizer/go_rule.h"

enum {
	MAX_SPECIALS = 128, /* of the functions below and those that write the stack pointer */
	MAX_CODE_BYTES = 16 * 1024, /* of one of them, that are looked at */
};

/* Values that are looked at in all: 50 times those of the largest servers. */
#define MAX_VALUES (64ULL << 20)

static const struct {
	const char *name;
	enum go_kind kind;
} known[] = {
	{ "runtime.goexit", GO_KIND_ROOT },
	{ "runtime.mstart", GO_KIND_ROOT },
	{ "runtime.rt0_go", GO_KIND_ROOT },
	{ "runtime.mcall", GO_KIND_LEAVE },
	{ "runtime.switchToCrashStack0", GO_KIND_LEAVE },
	{ "runtime.systemstack", GO_KIND_BORROW },
	{ "runtime.morestack", GO_KIND_GROW },
	{ "runtime.asmcgocall", GO_KIND_CALL_C },
	{ "crosscall2", GO_KIND_CALLED },
	{ "gogo", GO_KIND_RESUME },
	{ "runtime.gogo", GO_KIND_RESUME },
	{ "runtime.asyncPreempt", GO_KIND_INTERRUPT },
	{ "runtime.sigpanic", GO_KIND_INTERRUPT },
	/* It returns to the first byte of sigreturn, which no call precedes. */
	{ "runtime.sigtramp", GO_KIND_INTERRUPT },
	{ "runtime.cgoSigtramp", GO_KIND_INTERRUPT },
	{ "runtime.sigreturn", GO_KIND_SIGNAL },
	{ "runtime.sigreturn__sigaction", GO_KIND_SIGNAL },
	{ "syscall.rawVforkSyscall", GO_KIND_VFORK },
	/* Flagged as writing the stack pointer too, but not in 1.16. */
	{ "runtime.cgocallback", GO_KIND_FRAME },
	{ "runtime.nanotime1", GO_KIND_FRAME },
	{ "runtime.walltime", GO_KIND_FRAME },
	{ "runtime.walltime1", GO_KIND_FRAME },
	{ "runtime.callCgoMmap", GO_KIND_FRAME },
	{ "runtime.callCgoMunmap", GO_KIND_FRAME },
	{ "runtime.callCgoSigaction", GO_KIND_FRAME },
	{ "runtime.sigfwd", GO_KIND_FRAME },
	{ "time.now", GO_KIND_FRAME },
};

enum {
	KNOWN = sizeof(known) / sizeof(*known)
};

/* A function that has more than stack sizes. */
struct special {
	uint32_t index;
	enum go_kind kind;
	int32_t max_stack; /* bytes */
	struct go_changes changes;
};

struct go_table {
	struct cfi_source source; /* first: the address of one is that of the other */
	const struct cfi_image *image;
	struct cfi_budget *budget;
	struct go_module module;
	struct go_pclntab *functions;
	uint32_t names[KNOWN]; /* their positions */
	struct go_offsets offsets;
	struct special specials[MAX_SPECIALS]; /* ascending by index */
	size_t special_count;
	uint64_t values_left;
	uint8_t code[MAX_CODE_BYTES];
};

static int write_span(struct cfi_source *source, uint32_t token, uint64_t start, uint64_t end,
		      struct cfi_rows *rows);

void go_table_free(struct go_table *table)
{
	if (!table)
		return;
	go_pclntab_free(table->functions);
	free(table);
}

static int find_names(struct go_table *table)
{
	const char *names[KNOWN + 1];

	for (size_t i = 0; i < KNOWN; i++)
		names[i] = known[i].name;
	names[KNOWN] = NULL;
	return go_pclntab_find_names(table->functions, names, table->names);
}

int go_table_new(struct go_table **out, const struct cfi_image *image, struct cfi_budget *budget)
{
	AUTO(go_table) table = NULL;
	struct go_module module;
	int err = go_module_find(&module, image);

	if (!err)
		err = cfi_budget_take(budget, sizeof(*table));
	if (err)
		return err;
	table = calloc(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	table->source.write = write_span;
	table->image = image;
	table->budget = budget;
	table->module = module;
	table->values_left = MAX_VALUES;
	err = go_pclntab_new(&table->functions, &table->module, image, budget);
	if (!err)
		err = find_names(table);
	if (err)
		return err;

	*out = take(table);
	return 0;
}

struct cfi_source *go_table_source(struct go_table *table)
{
	return &table->source;
}

/* ---- special functions ------------------------------------------------------------------------- */

/* What the function is; false if it is a function like any other. */
static bool find_kind(const struct go_table *table, const struct go_function *function,
		      enum go_kind *ret_kind)
{
	*ret_kind = GO_KIND_FRAME;
	for (size_t i = 0; i < KNOWN; i++) {
		if (table->names[i] != function->name || function->name == UINT32_MAX)
			continue;
		*ret_kind = known[i].kind;
		return true;
	}
	return function->flags & GO_FLAG_SP_WRITE;
}

static int find_max_stack(struct go_table *table, const struct go_function *function,
			  int32_t *ret_max)
{
	struct go_values values = go_values_begin(table->functions, function, function->stack);

	*ret_max = 0;
	while (table->values_left && go_values_next(&values)) {
		table->values_left--;
		if (values.value > *ret_max)
			*ret_max = values.value;
	}
	return values.error == -EIO ? -EIO : 0;
}

/* @code: where the function is in the file */
static int add_special(struct go_table *table, const struct go_function *function, uint32_t index,
		       const struct cfi_extent *code)
{
	struct special *special = &table->specials[table->special_count];
	size_t wanted = code->size < MAX_CODE_BYTES ? code->size : MAX_CODE_BYTES;
	int64_t size;
	int err;

	if (table->special_count == MAX_SPECIALS || !find_kind(table, function, &special->kind))
		return 0;
	size = cfi_read_file(table->image->fd, table->code, wanted, code->offset);
	if (size < 0)
		return (int)size;
	err = find_max_stack(table, function, &special->max_stack);
	if (err)
		return err;
	special->index = index;
	go_code_read_changes(&special->changes, special->kind, table->code, (size_t)size);
	go_code_read_offsets(&table->offsets, special->kind, table->code, (size_t)size);
	table->special_count++;
	return 0;
}

static const struct special *find_special(const struct go_table *table, uint32_t index)
{
	size_t low = 0, high = table->special_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->specials[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low < table->special_count && table->specials[low].index == index
		       ? &table->specials[low]
		       : NULL;
}

/* ---- spans ------------------------------------------------------------------------------------- */

/* Return: 0; -ENODATA, and counted unless there is nothing to be had; -EIO. */
static int get_function(struct go_table *table, uint32_t index, struct go_function *function,
			struct cfi_extent *ret_code)
{
	int err = go_pclntab_get(table->functions, index, function);

	if (err == -ENODATA)
		cfi_budget_lose(table->budget, UNWIND_LOST_ENTRY);
	if (err)
		return err;
	/* C that Go's linker has taken in: listed, but not known. */
	if (!function->stack)
		return -ENODATA;
	if (!cfi_image_find(table->image, function->address, true, ret_code)) {
		cfi_budget_lose(table->budget, UNWIND_LOST_OUTSIDE);
		return -ENODATA;
	}
	if (ret_code->size > function->size)
		ret_code->size = function->size;
	if (ret_code->size > UINT32_MAX)
		ret_code->size = UINT32_MAX;
	return 0;
}

int go_table_add_spans(struct go_table *table, struct cfi_spans *spans, size_t number)
{
	uint64_t written =
		0; /* addresses below it are somebody's already: no code is gone over twice */

	for (uint32_t i = 0; i < table->module.function_count; i++) {
		struct go_function function;
		struct cfi_extent code;
		struct cfi_span span;
		int err = get_function(table, i, &function, &code);

		if (err == -ENODATA || (!err && function.address < written))
			continue;
		if (!err)
			err = add_special(table, &function, i, &code);
		if (err)
			return err;
		written = function.address + function.size;
		span = (struct cfi_span){
			.start = code.offset,
			.source = number,
			.size = (uint32_t)code.size,
			.token = i,
		};
		err = cfi_spans_add(spans, span);
		if (err)
			return err;
	}
	return 0;
}

/* ---- rows -------------------------------------------------------------------------------------- */

/* The part of a function that is asked for, and how its rules are made. */
struct part {
	uint64_t base;  /* offset of the function's first byte */
	uint64_t start; /* of the part, from there */
	uint64_t end;
	const struct go_changes *changes;
	struct go_place place;
};

static const struct go_changes no_changes = { .count = 1 };

/* The rows of one stack size, from byte @start of the function up to @end. */
static int write_rows(const struct go_table *table, struct part *part, uint64_t start, uint64_t end,
		      struct cfi_rows *rows)
{
	const struct go_changes *changes = part->changes;
	int err = 0;

	if (start < part->start)
		start = part->start;
	if (end > part->end)
		end = part->end;
	for (size_t i = 0; !err && i < changes->count; i++) {
		uint64_t from = changes->items[i].at;
		uint64_t to = i + 1 < changes->count ? changes->items[i + 1].at : end;
		struct unwind_rule rule;

		if (from < start)
			from = start;
		if (from >= end || from >= to)
			continue;
		part->place.state = changes->items[i].state;
		go_rule_make(&rule, &part->place, &table->offsets);
		err = cfi_rows_add(rows, part->base + from, &rule);
	}
	return err;
}

/* The last size holds up to the end: what follows it is padding. */
static int write_values(struct go_table *table, const struct go_function *function,
			struct part *part, struct cfi_rows *rows)
{
	struct go_values values = go_values_begin(table->functions, function, function->stack);
	bool goes_on = go_values_next(&values);
	int err = 0;

	while (goes_on && !err && values.start < part->end) {
		uint64_t start = values.start, end = values.end;

		if (!table->values_left) {
			cfi_budget_lose(table->budget, UNWIND_LOST_EFFORT);
			return 0;
		}
		table->values_left--;
		part->place.stack = values.value;
		goes_on = go_values_next(&values);
		err = write_rows(table, part, start, goes_on ? end : part->end, rows);
	}
	if (values.error == -ENODATA)
		cfi_budget_lose(table->budget, UNWIND_LOST_PROGRAM);
	return values.error == -EIO ? -EIO : err;
}

static int write_span(struct cfi_source *source, uint32_t token, uint64_t start, uint64_t end,
		      struct cfi_rows *rows)
{
	struct go_table *table = (struct go_table *)source;
	const struct special *special = find_special(table, token);
	struct go_function function;
	struct cfi_extent code;
	struct part part;
	int err = get_function(table, token, &function, &code);

	if (err)
		return err == -ENODATA ? 0 : err;
	part = (struct part){
		.base = code.offset,
		.start = start - code.offset,
		.end = end - code.offset,
		.changes = special ? &special->changes : &no_changes,
		.place.kind = special ? special->kind : GO_KIND_FRAME,
		.place.max_stack = special ? special->max_stack : 0,
	};
	return write_values(table, &function, &part, rows);
}
