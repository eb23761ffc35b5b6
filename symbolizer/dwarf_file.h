/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "symbolizer/symbolizer.h"

/*
 * dwarf_file - source lines and inlined functions of an executable, from its debug information.
 *
 * DWARF 2 to 5, split or not, compressed or not, with or without a supplement of dwz. An own
 * reader, and not libdw, for three reasons: libdw holds whole sections (those of Debian's libjvm
 * have 310 MB) and every line table it ever decoded; it opens files by the names that it finds in
 * other files; and its releases before 0.191 know no packages of split units.
 *
 * Bytes are read when somebody asks about their addresses: units are found by .debug_aranges, or
 * by one pass over the first entries of all units; a unit is read for its functions,
 * a function for what was inlined into it.
 *
 * Whatever the bytes say, a question ends: it may take so much effort and memory, and what
 * is not known by then has no lines.
 */
struct dwarf_file;

struct dwarf_sources {
	int fd;            /* the file with debug information; borrowed, like the others */
	int supplement_fd; /* of dwz, or -1 */
	int package_fd;    /* .dwp, or -1 */
};

struct dwarf_options {
	uint64_t max_effort; /* steps of some 10 ns for one question; 0: 400 million */
	size_t max_bytes;    /* memory for sections that must be whole; 0: 256 MiB */
	size_t unit_bytes;   /* memory for what is kept of units; 0: 16 MiB */
};

/* One function at an address. Strings are never NULL. */
struct dwarf_frame {
	const char *function; /* linkage name if there is one; "": not known */
	const char *file;     /* "": not known */
	uint32_t line;        /* 0: not known */
};

/* dwarf_file_new() - Return: 0; -ENOENT if the file has no debug information; -EIO; -ENOMEM. */
int dwarf_file_new(struct dwarf_file **out, const struct dwarf_sources *sources,
		   const struct dwarf_options *options);

/*
 * Takes what was found at an address; innermost first, the last one is the function that the code
 * belongs to. Called once for each address of which something is known.
 *
 * Return: 0, or -errno, which ends the question.
 */
typedef int dwarf_found(void *context, uint64_t address, const struct dwarf_frame *frames,
			size_t count);

struct dwarf_question {
	const struct symbol_files *files; /* what opens .dwo files */
	const uint64_t *addresses;        /* ELF virtual addresses in any order */
	size_t count;
	dwarf_found *found;
	void *context; /* of @found */
};

/* dwarf_file_ask() - Return: 0, also if nothing is found; -ENOMEM; or what @found returned. */
int dwarf_file_ask(struct dwarf_file *file, const struct dwarf_question *question);

/* dwarf_file_rest() - forget what was read; it will be read again when it is needed. */
void dwarf_file_rest(struct dwarf_file *file);

/* dwarf_file_bytes() - memory held. */
size_t dwarf_file_bytes(const struct dwarf_file *file);

void dwarf_file_free(struct dwarf_file *file);
DEFINE_AUTO(dwarf_file);
