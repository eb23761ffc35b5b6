/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/base/cleanup.h"

/*
 * kallsyms - the functions of the running kernel, its modules and BPF programs.
 *
 * A snapshot of /proc/kallsyms, about 40 bytes a function. The kernel tells no sizes: a
 * function reaches to the next one, but not beyond what any function can be long. Immutable.
 */
struct kallsyms;

struct kernel_symbol {
	const char *name;   /* borrowed from the snapshot */
	const char *module; /* borrowed, NULL for the kernel proper, "bpf" for BPF programs */
};

/*
 * kallsyms_new_from_stream() - read text laid out as /proc/kallsyms.
 *
 * Lines that make no sense are skipped. Of several names for one address the best is kept: a
 * global or weak one before a local one, and then the better alias (alias.h).
 *
 * Return: 0; -EPERM if all addresses are zero; -ENOENT if there is no function; -ENOMEM.
 */
int kallsyms_new_from_stream(struct kallsyms **out, FILE *stream);

/* kallsyms_find() - the function that holds @address. */
bool kallsyms_find(const struct kallsyms *kallsyms, uint64_t address, struct kernel_symbol *ret);

/* kallsyms_count() - how many functions there are. */
size_t kallsyms_count(const struct kallsyms *kallsyms);

void kallsyms_free(struct kallsyms *kallsyms);
DEFINE_AUTO(kallsyms);
