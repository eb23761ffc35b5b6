// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/alias.h"

#include <string.h>

/* The space before a kernel function that is patched at run time; no code runs under this name. */
static const char padding_prefix[] = "__pfx_";

/* Functions of the vDSO: without it, the C library's function of that name seems to call itself. */
static const char vdso_prefix[] = "__vdso_";

static int is_vdso(const char *name)
{
	return !strncmp(name, vdso_prefix, sizeof(vdso_prefix) - 1);
}

static size_t leading_underscores(const char *name)
{
	if (!strncmp(name, padding_prefix, sizeof(padding_prefix) - 1))
		return strlen(name);
	if (is_vdso(name))
		return 0;
	return strspn(name, "_");
}

/* -1, 0 or 1, as strcmp(3) would say of numbers. */
static int compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

int alias_compare(const struct alias *a, const struct alias *b)
{
	int order = compare_sizes(leading_underscores(a->name), leading_underscores(b->name));

	if (!order)
		order = is_vdso(b->name) - is_vdso(a->name);
	if (!order)
		order = !!a->is_weak - !!b->is_weak;
	if (!order)
		order = compare_sizes(strlen(a->name), strlen(b->name));
	return order ? order : strcmp(a->name, b->name);
}
