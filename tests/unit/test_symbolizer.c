// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbolizer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "symbolizer/elf_file.h"
#include "tests/harness/test.h"
#include "tests/unit/elf_image.h"

static const struct symbolizer_options defaults;

/* Where an address of this process comes from. */
struct origin {
	char path[512];
	uint64_t offset;
	uint64_t size; /* of the mapping */
};

static bool find_origin(const void *pointer, struct origin *ret)
{
	uint64_t address = (uintptr_t)pointer;
	AUTO_FILE maps = fopen("/proc/self/maps", "re");
	char line[1024];

	while (maps && fgets(line, sizeof(line), maps)) {
		uint64_t start, end, offset;
		int path = 0;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n", &start, &end,
			   &offset, &path) < 3 ||
		    address < start || address >= end)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(ret->path, sizeof(ret->path), "%s", line + path);
		ret->offset = address - start + offset;
		ret->size = end - start;
		return true;
	}
	return false;
}

static const char *first_name(const struct symbol_answer *answer, size_t place)
{
	const struct symbol_place *at = &answer->places[place];

	return at->line_count ? answer->lines[at->first_line].name : NULL;
}

TEST(a_function_of_this_program_is_named)
{
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;
	AUTO_FD fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct origin origin;
	uint64_t offsets[2];

	CHECK(find_origin((void *)symbolizer_new, &origin));
	offsets[0] = origin.offset;
	offsets[1] = origin.offset + 3;
	CHECK(!symbolizer_new(&symbolizer, &defaults));
	CHECK(!symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(fd), offsets, 2));
	CHECK_EQ(answer->place_count, 2);
	CHECK_STR(first_name(answer, 0), "symbolizer_new");
	CHECK_STR(first_name(answer, 1), "symbolizer_new");
	CHECK(answer->kind == ELF_SHARED || answer->kind == ELF_EXECUTABLE);
	CHECK(!answer->places[0].module);
	CHECK(answer->lines[0].file);
	CHECK_STR(strrchr(answer->lines[0].file, '/'), "/symbolizer.c");
	CHECK(answer->lines[0].line > 0);
}

TEST(a_function_of_the_c_library_has_its_public_name)
{
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;
	struct origin origin;
	AUTO_FD fd = -1;

	CHECK(find_origin((void *)getppid, &origin));
	fd = open(origin.path, O_RDONLY | O_CLOEXEC);
	CHECK(!symbolizer_new(&symbolizer, &defaults));
	CHECK(!symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(fd), &origin.offset, 1));
	CHECK_STR(first_name(answer, 0), "getppid");
}

/* The kernel's image in every process is given to the symbolizer as a file of its own. */
TEST(the_vdso_is_an_ordinary_file)
{
	const void *image = (const void *)getauxval(AT_SYSINFO_EHDR);
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;
	struct origin origin;
	uint64_t offsets[1024];
	size_t found = 0;
	AUTO_FD fd = -1;

	if (!image || !find_origin(image, &origin))
		SKIP("this kernel maps no vDSO");
	fd = open_bytes(image, origin.size);
	for (size_t i = 0; i < 1024; i++)
		offsets[i] = i * 16;
	CHECK(!symbolizer_new(&symbolizer, &defaults));
	CHECK(!symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(fd), offsets, 1024));
	CHECK_EQ(answer->kind, ELF_SHARED);
	for (size_t i = 0; i < 1024; i++) {
		const char *name = first_name(answer, i);

		found += name && (!strcmp(name, "__vdso_clock_gettime") ||
				  !strcmp(name, "__kernel_clock_gettime"));
	}
	CHECK(found > 0);
}

TEST(a_file_without_names_is_a_good_answer)
{
	static const char script[] = "#!/bin/sh\n";
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;
	AUTO_FD fd = open_bytes(script, sizeof(script));
	const uint64_t places[] = { 0, 7, UINT64_MAX };

	CHECK(!symbolizer_new(&symbolizer, &defaults));
	CHECK(!symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(fd), places, 3));
	CHECK_EQ(answer->kind, ELF_NONE);
	CHECK_EQ(answer->build_id_size, 0);
	CHECK_EQ(answer->place_count, 3);
	CHECK_EQ(answer->line_count, 0);
	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(answer->places[i].address, places[i]);
		CHECK_EQ(answer->places[i].line_count, 0);
	}
}

TEST(a_question_without_places_tells_the_build_id)
{
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;
	AUTO_FD fd = -1;
	struct origin origin;

	CHECK(find_origin((void *)getppid, &origin));
	fd = open(origin.path, O_RDONLY | O_CLOEXEC);
	CHECK(!symbolizer_new(&symbolizer, &defaults));
	CHECK(!symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(fd), NULL, 0));
	CHECK_EQ(answer->place_count, 0);
	CHECK_EQ(answer->kind, ELF_SHARED);
}

TEST(what_cannot_be_read_is_an_error_and_no_answer)
{
	AUTO(symbolizer) symbolizer = NULL;
	struct symbol_answer *answer = NULL;
	AUTO_FD directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const uint64_t place = 0;

	CHECK(!symbolizer_new(&symbolizer, &defaults));
	CHECK_EQ(symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(directory), &place, 1),
		 -EIO);
	CHECK_EQ(symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(-1), &place, 1), -EIO);
	CHECK(!answer);
}

static struct elf_image *image_with(const char *name, const char *other)
{
	struct elf_image *image = elf_image_new(ET_DYN);
	uint16_t text = elf_image_add_section(image, SHF_ALLOC | SHF_EXECINSTR, 0, 0x1000);
	struct elf_image_symbol symbol = {
		.name = name,
		.size = 0x100,
		.bind = STB_GLOBAL,
		.type = STT_FUNC,
		.section = text,
	};

	elf_image_add_symbol(image, symbol);
	symbol.name = other;
	symbol.address = 0x100;
	elf_image_add_symbol(image, symbol);
	elf_image_build(image);
	return image;
}

TEST(places_of_one_function_share_its_line)
{
	AUTO(elf_image) image = image_with("_ZN3foo3barEv", "plain");
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;
	AUTO_FD fd = elf_image_open(image);
	const uint64_t places[] = { 0, 0x100, 0x20, 0x1ff, 0x200 };

	CHECK(!symbolizer_new(&symbolizer, &defaults));
	CHECK(!symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(fd), places, 5));
	CHECK_EQ(answer->line_count, 2);
	CHECK_EQ(answer->places[0].first_line, answer->places[2].first_line);
	CHECK_EQ(answer->places[1].first_line, answer->places[3].first_line);
	CHECK_STR(first_name(answer, 2), "foo::bar");
	CHECK_STR(answer->lines[answer->places[2].first_line].system_name, "_ZN3foo3barEv");
	CHECK_STR(first_name(answer, 3), "plain");
	CHECK_STR(answer->lines[answer->places[3].first_line].system_name, "plain");
	CHECK_EQ(answer->places[4].line_count, 0);
}

TEST(the_second_question_about_a_file_gets_the_same_answer)
{
	AUTO(elf_image) image = image_with("first", "second");
	AUTO(symbolizer) symbolizer = NULL;
	const uint64_t places[] = { 0x10, 0x110 };
	AUTO_FD fd = elf_image_open(image);

	CHECK(!symbolizer_new(&symbolizer, &defaults));
	for (int i = 0; i < 3; i++) {
		AUTO(symbol_answer) answer = NULL;

		CHECK(!symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(fd), places, 2));
		CHECK_EQ(answer->kind, ELF_SHARED);
		CHECK_STR(first_name(answer, 0), "first");
		CHECK_STR(first_name(answer, 1), "second");
	}
}

TEST(more_files_than_the_cache_holds_are_answered)
{
	AUTO(symbolizer) symbolizer = NULL;
	const uint64_t place = 0x10;

	CHECK(!symbolizer_new(&symbolizer, &defaults));
	for (int i = 0; i < 600; i++) {
		char name[32];
		AUTO(elf_image) image = NULL;
		AUTO(symbol_answer) answer = NULL;
		AUTO_FD fd = -1;

		snprintf(name, sizeof(name), "function_%d", i);
		image = image_with(name, "other");
		fd = elf_image_open(image);
		CHECK(!symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(fd), &place, 1));
		CHECK_STR(first_name(answer, 0), name);
	}
}

/* Finds the address of an exact name in /proc/kallsyms, 0 if it is hidden. */
static uint64_t kernel_address(const char *wanted)
{
	AUTO_FILE stream = fopen("/proc/kallsyms", "re");
	char line[1024];

	while (stream && fgets(line, sizeof(line), stream)) {
		uint64_t address;
		char name[512];

		if (sscanf(line, "%" SCNx64 " %*c %511s", &address, name) == 2 &&
		    !strcmp(name, wanted))
			return address;
	}
	return 0;
}

TEST(a_kernel_address_is_named)
{
	uint64_t addresses[] = { kernel_address("vfs_read"), 0, 0x1000 };
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;

	CHECK(!symbolizer_new(&symbolizer, &defaults));
	if (!addresses[0]) {
		int err = symbolizer_resolve_kernel(symbolizer, &answer, addresses, 3);

		CHECK(err == -EPERM || err == -ENOENT);
		SKIP("the kernel hides its addresses from this user");
	}
	addresses[1] = addresses[0] + 5;
	CHECK(!symbolizer_resolve_kernel(symbolizer, &answer, addresses, 3));
	CHECK_STR(first_name(answer, 0), "vfs_read");
	CHECK_STR(first_name(answer, 1), "vfs_read");
	CHECK_EQ(answer->places[1].address, addresses[1]);
	CHECK(!answer->places[0].module);
	CHECK_EQ(answer->places[2].line_count, 0);
	CHECK_EQ(answer->build_id_size, 0);
}
