// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbolizer/unwind_table.h"
#include "tests/fuzz/go_image.h"
#include "tests/harness/test.h"

/*
 * Programs made by every Go here, by their own table and by the .debug_frame that Go's linker makes
 * of it: the same at every place.
 */
static char directory[] = "/tmp/wick-go.XXXXXX";

static void remove_directory(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command))
		perror(command);
}

/* Runs @command in the directory; true if it succeeds. */
static bool run(const char *command)
{
	char line[1024];

	if (strstr(directory, "XXXXXX")) {
		if (!mkdtemp(directory))
			return false;
		atexit(remove_directory);
	}
	snprintf(line, sizeof(line), "cd %s && { %s; } >/dev/null 2>&1", directory, command);
	return !system(line);
}

static int open_made(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The file in memory; close it. */
struct image {
	uint8_t *bytes; /* owned */
	size_t size;
};

static struct image image_of(const char *name)
{
	struct image image = { 0 };
	AUTO_FD fd = open_made(name);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

	image.bytes = malloc((size_t)size + 1);
	if (image.bytes && size > 0 && pread(fd, image.bytes, (size_t)size, 0) == size)
		image.size = (size_t)size;
	return image;
}

static struct unwind_table *table_of_bytes(const uint8_t *bytes, size_t size)
{
	static const struct unwind_options defaults;
	struct unwind_table *table = NULL;
	AUTO_FD fd = memfd_create("go", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		return NULL;
	return unwind_table_compile(&table, fd, &defaults) ? NULL : table;
}

/* Where the table begins in the file. */
static size_t position_of_table(const struct image *image)
{
	static const uint8_t magic[] = { 0xff, 0xff, 0xff, 0, 0, 1, 8 };
	const uint8_t *at = memmem(image->bytes, image->size, magic, sizeof(magic));

	return at ? (size_t)(at - image->bytes) - 1 : 0;
}

/* The same file with a table of a version that nobody knows. */
static struct unwind_table *table_without_go(struct image *image)
{
	size_t position = position_of_table(image);

	if (!position)
		return NULL;
	image->bytes[position] = 1;
	return table_of_bytes(image->bytes, image->size);
}

struct counts {
	size_t equal;
	size_t special; /* functions of the runtime that have rules of their own */
	size_t unknown; /* to .debug_frame */
	size_t different;
};

static void compare_at(const struct unwind_table *go, const struct unwind_table *dwarf,
		       uint64_t offset, struct counts *counts)
{
	const struct unwind_rule *ours = unwind_table_find(go, offset);
	const struct unwind_rule *theirs = unwind_table_find(dwarf, offset);

	if (!theirs || theirs->cfa == UNWIND_RULE_NONE)
		counts->unknown++;
	else if (!ours || ours->cfa == UNWIND_RULE_NONE)
		counts->different++;
	else if (ours->cfa != UNWIND_RULE_REGISTER || ours->ra_saved != UNWIND_SAVED_AT_CFA)
		counts->special++;
	else if (ours->cfa_register == theirs->cfa_register &&
		 ours->cfa_offset == theirs->cfa_offset && ours->ra_offset == theirs->ra_offset)
		counts->equal++;
	else
		counts->different++;
}

/* At every place where either of the two changes, and before it. */
static struct counts compare(const struct unwind_table *go, const struct unwind_table *dwarf)
{
	struct counts counts = { 0 };

	for (size_t i = 0; i < go->row_count; i++)
		compare_at(go, dwarf, go->rows[i].offset, &counts);
	for (size_t i = 0; i < dwarf->row_count; i++) {
		compare_at(go, dwarf, dwarf->rows[i].offset, &counts);
		compare_at(go, dwarf, dwarf->rows[i].offset - 1, &counts);
	}
	return counts;
}

static bool tables_are_equal(const struct unwind_table *a, const struct unwind_table *b)
{
	return a && b && a->row_count == b->row_count && a->rule_count == b->rule_count &&
	       !memcmp(a->rows, b->rows, a->row_count * sizeof(*a->rows)) &&
	       !memcmp(a->rules, b->rules, a->rule_count * sizeof(*a->rules));
}

static size_t losses_of(const struct unwind_table *table)
{
	size_t count = 0;

	for (size_t i = 0; i < UNWIND_LOSS_COUNT; i++)
		count += table->lost[i];
	return count;
}

static size_t count_rules(const struct unwind_table *table, enum unwind_cfa cfa,
			  enum unwind_go step)
{
	size_t count = 0;

	for (size_t i = 0; i < table->rule_count; i++) {
		const struct unwind_rule *rule = &table->rules[i];

		if (rule->cfa == cfa && (cfa != UNWIND_RULE_GO || rule->bx_saved == step))
			count++;
		/* Of all Go versions so far: g is the first thing below the thread pointer. */
		if (rule->cfa == UNWIND_RULE_GO &&
		    (rule->bx_saved == UNWIND_GO_SAVED || rule->bx_saved == UNWIND_GO_RESUME) &&
		    (rule->cfa_addend != -8 || rule->cfa_index != 6 || rule->bx_offset != 0x38 ||
		     (rule->cfa_scale != 0xc0 / 8 && rule->cfa_scale != 0xb8 / 8)))
			return 0;
		if (rule->cfa == UNWIND_RULE_GO && rule->bx_saved == UNWIND_GO_RESUME &&
		    rule->fp_offset != (rule->cfa_scale == 0xc0 / 8 ? 0x68 : 0x60))
			return 0;
	}
	return count;
}

static bool has_switches(const struct unwind_table *table)
{
	return count_rules(table, UNWIND_RULE_GO, UNWIND_GO_SAVED) == 1 &&
	       count_rules(table, UNWIND_RULE_GO, UNWIND_GO_RESUME) == 1 &&
	       count_rules(table, UNWIND_RULE_GO, UNWIND_GO_CALL) == 1 &&
	       count_rules(table, UNWIND_RULE_GO, UNWIND_GO_REGISTER) >= 2 &&
	       count_rules(table, UNWIND_RULE_GO, UNWIND_GO_INTERRUPT) >= 4 &&
	       count_rules(table, UNWIND_RULE_END, 0) == 1 &&
	       count_rules(table, UNWIND_RULE_SIGNAL, 0) == 1;
}

/* Whether all is as it should be with the program that @flags make. */
static bool is_right(const char *go, const char *flags)
{
	AUTO(unwind_table) table = NULL;
	AUTO(unwind_table) dwarf = NULL;
	struct image image;
	struct counts counts;
	char command[512];
	bool good;

	snprintf(command, sizeof(command), "%s build -o program %s program.go", go, flags);
	if (!run(command)) {
		printf("# %s: not built\n", command);
		return true;
	}
	image = image_of("program");
	table = table_of_bytes(image.bytes, image.size);
	dwarf = table_without_go(&image);
	free(image.bytes);
	if (!table || !dwarf)
		return false;
	counts = compare(table, dwarf);
	printf("# %s %s: %zu rows, %zu places equal, %zu of switches, %zu unknown, %zu different\n",
	       go, flags, table->row_count, counts.equal, counts.special, counts.unknown,
	       counts.different);
	good = counts.equal > 10000 && !counts.different && counts.special < 200 &&
	       counts.unknown * 4 < counts.equal && !losses_of(table) && has_switches(table);
	return good;
}

static const char program[] = "package main\n\nimport \"os\"\n\n"
			      "func main() { for _, a := range os.Args { println(a) } }\n";
static const char cgo_program[] =
	"package main\n\n// static int twice(int a) { return 2 * a; }\nimport \"C\"\n\n"
	"func main() { println(C.twice(21)) }\n";

static bool write_program(const char *source)
{
	char path[128];
	FILE *file;

	if (!run("true"))
		return false;
	snprintf(path, sizeof(path), "%s/program.go", directory);
	file = fopen(path, "we");
	return file && fputs(source, file) >= 0 && !fclose(file);
}

/* Every Go of this machine, newest last. */
static bool all_are_right(const char *source, const char *flags)
{
	bool good = write_program(source);
	glob_t found;

	if (glob("/usr/lib/go-[0-9]*/bin/go", 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			good &= is_right(found.gl_pathv[i], flags);
		globfree(&found);
	}
	return is_right("env GOTOOLCHAIN=local go", flags) && good;
}

TEST(every_place_of_a_go_program_is_as_its_debug_frame_says)
{
	CHECK(all_are_right(program, ""));
}

TEST(so_is_that_of_a_position_independent_one)
{
	CHECK(all_are_right(program, "-buildmode=pie"));
}

TEST(so_is_that_of_a_program_with_c_linked_by_go)
{
	CHECK(all_are_right(cgo_program, "-ldflags=-linkmode=internal"));
}

TEST(so_is_that_of_a_program_with_c_linked_by_the_c_compiler)
{
	CHECK(all_are_right(cgo_program, "-ldflags=-linkmode=external"));
	CHECK(all_are_right(cgo_program, "-buildmode=pie -ldflags=-linkmode=external"));
}

/* ---- one program, mistreated --------------------------------------------------------------------- */

static bool make_program(void)
{
	return write_program(program) && run("GOTOOLCHAIN=local go build -o program program.go");
}

TEST(a_stripped_go_program_has_the_same_table)
{
	AUTO(unwind_table) whole = NULL;
	AUTO(unwind_table) stripped = NULL;
	AUTO(unwind_table) bare = NULL;
	struct image image;

	CHECK(make_program());
	image = image_of("program");
	whole = table_of_bytes(image.bytes, image.size);
	free(image.bytes);
	CHECK(run("GOTOOLCHAIN=local go build -ldflags='-s -w' -o stripped program.go"));
	image = image_of("stripped");
	stripped = table_of_bytes(image.bytes, image.size);
	/* Without section headers, the table is found by its first bytes. */
	memset(image.bytes + 40, 0, 8);
	memset(image.bytes + 58, 0, 6);
	bare = table_of_bytes(image.bytes, image.size);
	free(image.bytes);
	CHECK(whole && stripped && bare);
	CHECK(whole->row_count > 5000);
	CHECK_EQ(stripped->row_count, whole->row_count);
	CHECK(tables_are_equal(stripped, bare));
}

static bool is_sound(const struct unwind_table *table)
{
	for (size_t i = 0; i < table->row_count; i++) {
		if (table->rows[i].rule >= table->rule_count ||
		    (i && table->rows[i].offset <= table->rows[i - 1].offset))
			return false;
	}
	return true;
}

TEST(a_broken_table_costs_what_is_broken_and_no_more)
{
	struct image image;
	size_t position;
	uint32_t random = 1;

	CHECK(make_program());
	image = image_of("program");
	position = position_of_table(&image);
	CHECK(position);
	for (size_t round = 0; round < 60; round++) {
		AUTO(unwind_table) table = NULL;
		size_t reach = round % 2 ? 64 : 200000; /* the header, or all of it */
		uint8_t kept[16];
		size_t at[16];

		for (size_t i = 0; i < 16; i++) {
			random = random * 1664525 + 1013904223;
			at[i] = position + 8 + (random >> 8) % reach;
			kept[i] = image.bytes[at[i]];
			image.bytes[at[i]] = (uint8_t)(random >> 3);
		}
		table = table_of_bytes(image.bytes, image.size);
		for (size_t i = 16; i--;)
			image.bytes[at[i]] = kept[i];
		CHECK(table && is_sound(table));
	}
	free(image.bytes);
}

TEST(a_file_that_ends_within_the_table_is_no_danger)
{
	struct image image;
	size_t position;

	CHECK(make_program());
	image = image_of("program");
	position = position_of_table(&image);
	CHECK(position);
	for (size_t size = 0; size < 300000; size += 1 + size / 3) {
		AUTO(unwind_table) table = table_of_bytes(image.bytes, position + size);

		CHECK(table && is_sound(table));
	}
	free(image.bytes);
}

/* ---- a table made by hand, in the layout of each version ------------------------------------------- */

static struct unwind_table *table_of_layout(int version)
{
	static struct go_image image;
	uint8_t bytes[sizeof(image)];
	char path[64];
	AUTO_FD fd = -1;
	ssize_t size;

	snprintf(path, sizeof(path), "tests/fuzz/corpus/go/layout_%d", version);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
	if (size < 0)
		return NULL;
	go_image_make(&image, bytes, (size_t)size);
	return table_of_bytes((const uint8_t *)&image, sizeof(image));
}

/* Of Go 1.16 to 1.25, and of 1.26, whose text starts where the moduledata says. */
TEST(the_layouts_of_all_versions_say_the_same)
{
	AUTO(unwind_table) first = table_of_layout(16);

	CHECK(first && !losses_of(first));
	CHECK_EQ(first->row_count, 38);
	for (size_t i = 0; i < 3; i++) {
		AUTO(unwind_table) other = table_of_layout((const int[]){ 18, 20, 26 }[i]);

		CHECK(tables_are_equal(first, other));
	}
}

/* Its code is at 0x3000 of the file, a function behind the other. */
TEST(functions_that_leave_their_stack_have_rules_of_their_own)
{
	static const struct {
		uint64_t offset;
		struct unwind_rule rule;
	} expected[] = {
		/* systemstack, before the switch and after it */
		{ 0x3019, { UNWIND_RULE_REGISTER, 7, 1, 1, 0, 0, 0, 0, 16, 0, -16, -8, 0, 0 } },
		{ 0x301a,
		  { UNWIND_RULE_GO, 6, 1, 1, UNWIND_GO_SAVED, 0, 6, 23, 16, -8, -16, -8, 56, 0 } },
		{ 0x3040, { UNWIND_RULE_REGISTER, 7, 1, 1, 0, 0, 0, 0, 16, 0, -16, -8, 0, 0 } },
		/* morestack */
		{ 0x3060,
		  { UNWIND_RULE_GO, 0, 0, 0, UNWIND_GO_RESUME, 0, 6, 23, 0, -8, 96, 0, 56, 0 } },
		/* asmcgocall: the old stack pointer is in rdx, then the depth is stored */
		{ 0x307b,
		  { UNWIND_RULE_GO, 1, 1, 1, UNWIND_GO_REGISTER, 0, 0, 0, 16, 0, -16, -8, 0, 0 } },
		{ 0x3093,
		  { UNWIND_RULE_GO, 0, 1, 1, UNWIND_GO_CALL, 0, 0, 0, 16, 0, -16, -8, 8, 0 } },
		{ 0x30a0,
		  { UNWIND_RULE_GO, 1, 1, 1, UNWIND_GO_REGISTER, 0, 0, 0, 16, 0, -16, -8, 0, 0 } },
		{ 0x30b5,
		  { UNWIND_RULE_GO, 0, 1, 1, UNWIND_GO_CALL, 0, 0, 0, 16, 0, -16, -8, 8, 0 } },
		/* nanotime1, with a frame and when that is left */
		{ 0x30de,
		  { UNWIND_RULE_GO, 6, 1, 1, UNWIND_GO_REGISTER, 0, 0, 0, 16, 0, -16, -8, 0, 0 } },
		{ 0x30f3, { UNWIND_RULE_REGISTER, 7, 1, 1, 0, 0, 0, 0, 16, 0, -16, -8, 0, 0 } },
		/* gogo, on the goroutine's stack */
		{ 0x3103,
		  { UNWIND_RULE_GO, 7, 0, 4, UNWIND_GO_INTERRUPT, 3, 0, 0, 0, 0, 0, 8, 0, 0 } },
		{ 0x3107,
		  { UNWIND_RULE_GO, 7, 0, 2, UNWIND_GO_INTERRUPT, 0, 0, 0, 0, 0, 0, 3, 0, 0 } },
		{ 0x3110, { .cfa = UNWIND_RULE_END } },    /* goexit */
		{ 0x3180, { .cfa = UNWIND_RULE_SIGNAL } }, /* sigreturn */
		/* crosscall2 has saved rbx for C */
		{ 0x315d, { UNWIND_RULE_REGISTER, 7, 1, 1, 1, 0, 0, 0, 88, 0, -16, -8, -64, 0 } },
		/* rawVforkSyscall has its return address in r12 */
		{ 0x3192, { UNWIND_RULE_REGISTER, 7, 0, 2, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0 } },
		/* asyncPreempt: the caller's next instruction */
		{ 0x31a1,
		  { UNWIND_RULE_GO, 7, 1, 1, UNWIND_GO_INTERRUPT, 0, 0, 0, 16, 0, -16, -8, 0, 0 } },
	};
	AUTO(unwind_table) table = table_of_layout(20);

	CHECK(table);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const struct unwind_rule *rule = unwind_table_find(table, expected[i].offset);

		if (!rule || memcmp(rule, &expected[i].rule, sizeof(*rule)) != 0)
			printf("# at 0x%llx\n", (unsigned long long)expected[i].offset);
		CHECK(rule && !memcmp(rule, &expected[i].rule, sizeof(*rule)));
	}
}
