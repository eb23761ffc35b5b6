// SPDX-License-Identifier: Apache-2.0
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbolizer/unwind_table.h"
#include "tests/harness/test.h"

/*
 * Files as compilers and linkers make them: the same rows wherever they stand in the file.
 */
static const struct unwind_options defaults;

static bool tables_are_equal(const struct unwind_table *a, const struct unwind_table *b)
{
	if (!a || !b || a->row_count != b->row_count)
		return false;
	for (size_t i = 0; i < a->row_count; i++) {
		if (a->rows[i].offset != b->rows[i].offset ||
		    memcmp(&a->rules[a->rows[i].rule], &b->rules[b->rows[i].rule],
			   sizeof(*a->rules)) != 0)
			return false;
	}
	return true;
}

static struct unwind_table *table_of_fd(int fd)
{
	struct unwind_table *table = NULL;

	return unwind_table_compile(&table, fd, &defaults) ? NULL : table;
}

/* A copy of a file in memory. */
static int copy_of(const char *path)
{
	AUTO_FD from = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FD to = memfd_create("copy", MFD_CLOEXEC);
	char buffer[65536];
	ssize_t size;

	while ((size = read(from, buffer, sizeof(buffer))) > 0) {
		if (write(to, buffer, (size_t)size) != size)
			return -1;
	}
	return size ? -1 : take_fd(&to);
}

TEST(without_section_headers_this_program_has_the_same_rows)
{
	const uint64_t nowhere = 0;
	AUTO_FD fd = copy_of("/proc/self/exe");
	AUTO(unwind_table) with = table_of_fd(fd);
	AUTO(unwind_table) without = NULL;

	CHECK(with);
	CHECK(with->row_count > 1000);
	CHECK_EQ(pwrite(fd, &nowhere, sizeof(nowhere), offsetof(Elf64_Ehdr, e_shoff)),
		 sizeof(nowhere));
	without = table_of_fd(fd);
	CHECK(tables_are_equal(with, without));
}

TEST(without_program_header_of_the_frames_this_program_has_the_same_rows)
{
	AUTO_FD fd = copy_of("/proc/self/exe");
	AUTO(unwind_table) with = table_of_fd(fd);
	AUTO(unwind_table) without = NULL;
	const uint32_t nothing = PT_NULL;
	Elf64_Ehdr header;

	CHECK(with);
	CHECK_EQ(pread(fd, &header, sizeof(header), 0), sizeof(header));
	for (size_t i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(Elf64_Phdr));
		Elf64_Phdr segment;

		CHECK_EQ(pread(fd, &segment, sizeof(segment), at), sizeof(segment));
		if (segment.p_type == PT_GNU_EH_FRAME)
			CHECK_EQ(pwrite(fd, &nothing, sizeof(nothing), at), sizeof(nothing));
	}
	without = table_of_fd(fd);
	CHECK(tables_are_equal(with, without));
}

/* Fifty functions with frames, for a compiler. */
static const char source[] = "#define F(n) __attribute__((noinline)) int f##n(int c, char **v)"
			     "{ volatile char b[n + 1]; b[0] = c; return b[0] + puts(v[0]); }\n"
			     "#define T(n) F(1##n) F(2##n) F(3##n) F(4##n) F(5##n)\n"
			     "int puts(const char *);\n"
			     "T(0) T(1) T(2) T(3) T(4) T(5) T(6) T(7) T(8) T(9)\n"
			     "#define C(n) f1##n(c, v) + f2##n(c, v) + f3##n(c, v) +"
			     " f4##n(c, v) + f5##n(c, v) +\n"
			     "int main(int c, char **v)\n"
			     "{ return C(0) C(1) C(2) C(3) C(4) C(5) C(6) C(7) C(8) C(9) 0; }\n";

static char directory[] = "/tmp/wick-cfi-XXXXXX";

static void remove_directory(void)
{
	static const char *const names[] = { "program", "stripped", "debug", "compressed" };
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

/* Runs a command in the directory, with the source on its standard input. */
static bool run(const char *command)
{
	char line[512];
	FILE *shell;

	if (strstr(directory, "XXXXXX")) {
		if (!mkdtemp(directory))
			return false;
		atexit(remove_directory);
	}
	snprintf(line, sizeof(line), "cd %s && { %s; } 2>/dev/null", directory, command);
	shell = popen(line, "w");
	if (!shell)
		return false;
	fputs(source, shell);
	return !pclose(shell);
}

static int open_made(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Compiles, and gives the number of functions in the table; 0 if there is no such compiler. */
static size_t functions_of(const char *compiler)
{
	AUTO(unwind_table) table = NULL;
	AUTO_FD fd = -1;
	char command[256];

	snprintf(command, sizeof(command), "%s -x c -w -O2 -o program -", compiler);
	if (!run(command))
		return 0;
	fd = open_made("program");
	table = table_of_fd(fd);
	return table ? table->entry_count : 0;
}

TEST(static_programs_have_rows_without_an_eh_frame_hdr)
{
	size_t glibc = functions_of("cc -static");
	size_t musl = functions_of("musl-gcc -static");

	CHECK(!glibc || glibc > 500);
	CHECK(!musl || musl >= 51);
}

/* Compiled by its user without .eh_frame; the C library's part of it has some. */
TEST(debug_frame_counts_where_there_is_no_eh_frame)
{
	size_t with = functions_of("cc -g");
	size_t without = functions_of("cc -g -fno-asynchronous-unwind-tables -fno-unwind-tables");

	CHECK(with > 51);
	CHECK(without >= 51);
}

static struct unwind_table *table_with_debug_file(const char *name)
{
	struct unwind_options options = defaults;
	struct unwind_table *table = NULL;
	AUTO_FD fd = open_made("stripped");
	AUTO_FD debug_fd = open_made(name);

	options.debug_fd = &debug_fd;
	return unwind_table_compile(&table, fd, &options) ? NULL : table;
}

TEST(a_stripped_program_and_its_debug_file_are_as_good_as_the_whole)
{
	AUTO(unwind_table) whole = NULL;
	AUTO(unwind_table) stripped = NULL;
	AUTO(unwind_table) plain = NULL;
	AUTO(unwind_table) inflated = NULL;
	AUTO_FD fd = -1;
	AUTO_FD stripped_fd = -1;

	CHECK(functions_of("cc -g -fno-asynchronous-unwind-tables -fno-unwind-tables"));
	CHECK(run("objcopy --only-keep-debug program debug &&"
		  "objcopy --compress-debug-sections=zlib debug compressed &&"
		  "strip -o stripped program"));
	fd = open_made("program");
	whole = table_of_fd(fd);
	stripped_fd = open_made("stripped");
	stripped = table_of_fd(stripped_fd);
	plain = table_with_debug_file("debug");
	inflated = table_with_debug_file("compressed");
	CHECK(whole && stripped);
	CHECK(stripped->row_count + 100 < whole->row_count);
	CHECK(tables_are_equal(whole, plain));
	CHECK(tables_are_equal(whole, inflated));
}
