/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/cleanup.h"

/*
 * elf_needs - what a program will have the dynamic loader load: the loader itself, and libraries by name.
 *
 * A guess, good for preparing what will probably be asked for soon. Whatever is wrong with a file, it is as
 * if it said nothing.
 */
enum {
	ELF_MAX_NEEDS = 64
};

struct elf_needs {
	bool is_program;                /* or a library: an ELF file with code for this machine */
	char *interpreter;              /* the loader's path; NULL: none */
	char *search_path;              /* DT_RUNPATH or DT_RPATH, as it stands there; NULL: none */
	char *libraries[ELF_MAX_NEEDS]; /* DT_NEEDED */
	size_t library_count;
};

/* elf_needs_new() - read them from @fd, which is borrowed. Return: 0, -EIO or -ENOMEM. */
int elf_needs_new(struct elf_needs **out, int fd);

void elf_needs_free(struct elf_needs *needs);
DEFINE_AUTO(elf_needs);
