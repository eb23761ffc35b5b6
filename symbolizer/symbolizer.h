/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"

/*
 * symbolizer - from places in executables to names.
 *
 * The facade of the room, and the line along which it can move into a process of its own: a
 * question is a descriptor and an array of numbers, an answer is one flat value. Nothing
 * else is shared between the two sides, and a question about a file is asked once, in a batch.
 *
 * The bytes of a file may be hostile: whatever they say, an answer comes, in bounded time and
 * memory, and at worst it has no names. Names may be any bytes but NUL. One thread owns a symbolizer.
 */
struct symbolizer;

struct symbolizer_options {
	uint64_t max_symbol_bytes; /* symbol tables larger than this are not read; 0: 1 GiB */
	size_t cache_bytes;        /* kept between questions; 0: 32 MiB */
	uint64_t
		max_effort; /* steps of some 10 ns in debug information for a question; 0: 400 million */
	bool no_lines;      /* no source files and lines */
	bool no_inlines; /* no inlined functions */
};

/*
 * Opens a .dwo file of split debug information: like open(2) with O_RDONLY, where the program
 * sees it. Both names are the program's, and may be anything.
 *
 * Return: a descriptor, taken by the symbolizer, or -1.
 */
typedef int symbol_open_split(void *context, const char *directory, const char *name);

/* What belongs to one executable. All are borrowed, open for reading, read with pread, never mapped. */
struct symbol_files {
	int fd;                        /* the executable */
	int debug_fd;                  /* its separate debug file, or -1 */
	int supplement_fd;             /* what dwz moved out of it, or -1 */
	int package_fd;                /* .dwp, or -1 */
	symbol_open_split *open_split; /* NULL: there are no .dwo files */
	void *context;                 /* of open_split */
};
#define SYMBOL_FILES(executable) \
	((struct symbol_files){  \
		.fd = (executable), .debug_fd = -1, .supplement_fd = -1, .package_fd = -1 })

enum elf_kind {
	ELF_NONE,       /* not an ELF file, or too broken to read */
	ELF_EXECUTABLE, /* ET_EXEC: linked to fixed addresses */
	ELF_SHARED,     /* ET_DYN: shared object or position-independent executable */
	ELF_OTHER,      /* any other type of ELF file */
};

/* The longest build id that is kept; linkers write 8, 16, 20 or 32 bytes. */
enum {
	BUILD_ID_MAX = 64
};

/* One function at a place. Strings are valid C strings, borrowed from the answer. */
struct symbol_line {
	const char *name;        /* demangled */
	const char *system_name; /* as in the symbol table */
	const char *file;        /* source file, NULL if unknown */
	uint32_t line;           /* source line, 0 if unknown */
};

/*
 * What is known of one place. @line_count is 0 when it has no name; more than one
 * line means inlined functions, innermost first, the last being the function of the symbol.
 */
struct symbol_place {
	uint64_t address; /* ELF virtual address (file) or kernel address */
	uint32_t first_line;
	uint32_t line_count;
	const char *module; /* kernel only: module, "bpf", or NULL for the kernel proper */
};

/* places[i] answers question i. Owned by the caller, immutable. */
struct symbol_answer {
	enum elf_kind kind;
	size_t build_id_size; /* 0: the file has none */
	uint8_t build_id[BUILD_ID_MAX];
	struct symbol_place *places;
	size_t place_count;
	struct symbol_line *lines;
	size_t line_count;
	struct intern *strings; /* what the lines and places point into */
};

/* symbolizer_new() - Return: 0 or -ENOMEM. */
int symbolizer_new(struct symbolizer **out, const struct symbolizer_options *options);

/*
 * symbolizer_resolve_file() - name places in an executable file.
 * @files: that the other ones belong to the first is believed
 * @offsets: @count places as offsets into the file
 *
 * A file without symbols, or that is no ELF file, is a good answer without names; the address
 * of a place is then its offset.
 *
 * Return: 0, -EIO if the file cannot be read, or -ENOMEM.
 */
int symbolizer_resolve_file(struct symbolizer *symbolizer, struct symbol_answer **out,
			    const struct symbol_files *files, const uint64_t *offsets,
			    size_t count);

/*
 * symbolizer_resolve_kernel() - name kernel addresses, from /proc/kallsyms.
 *
 * Return: 0; -EPERM if the kernel hides its addresses (kptr_restrict, or no CAP_SYSLOG);
 * -ENOENT without kallsyms; -ENOMEM.
 */
int symbolizer_resolve_kernel(struct symbolizer *symbolizer, struct symbol_answer **out,
			      const uint64_t *addresses, size_t count);

void symbolizer_free(struct symbolizer *symbolizer);
DEFINE_AUTO(symbolizer);

void symbol_answer_free(struct symbol_answer *answer);
DEFINE_AUTO(symbol_answer);
