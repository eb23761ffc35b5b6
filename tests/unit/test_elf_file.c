// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/harness/test.h"
#include "tests/unit/elf_image.h"

/* A note of type NT_GNU_BUILD_ID, of which every size can be wrong. */
struct note {
	uint32_t name_size;
	uint32_t size;
	uint32_t type;
	char name[4];
	unsigned char bytes[128];
};

static struct note build_id_note(uint32_t size)
{
	struct note note = {
		.name_size = 4,
		.size = size,
		.type = NT_GNU_BUILD_ID,
		.name = "GNU",
	};

	for (size_t i = 0; i < sizeof(note.bytes); i++)
		note.bytes[i] = (unsigned char)(i + 1);
	return note;
}

enum {
	NOTE_HEADER = offsetof(struct note, bytes)
};

static struct elf_file *file_of(struct elf_image *image)
{
	struct elf_file *file = NULL;
	AUTO_FD fd = -1;

	elf_image_build(image);
	fd = elf_image_open(image);
	return elf_file_new(&file, fd) ? NULL : file;
}

static struct elf_file *file_of_bytes(const void *bytes, size_t size)
{
	AUTO_FD fd = open_bytes(bytes, size);
	struct elf_file *file = NULL;

	return elf_file_new(&file, fd) ? NULL : file;
}

/* The file as it is now, after fields were changed by hand. */
static struct elf_file *file_of_built(struct elf_image *image)
{
	size_t size;
	const unsigned char *bytes = elf_image_bytes(image, &size);

	return file_of_bytes(bytes, size);
}

static size_t build_id_size(const struct elf_file *file)
{
	size_t size;

	elf_file_build_id(file, &size);
	return size;
}

TEST(the_kind_of_a_file_is_its_elf_type)
{
	static const struct {
		uint16_t type;
		enum elf_kind kind;
	} kinds[] = {
		{ ET_EXEC, ELF_EXECUTABLE },
		{ ET_DYN, ELF_SHARED },
		{ ET_REL, ELF_OTHER },
		{ ET_CORE, ELF_OTHER },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		AUTO(elf_image) image = elf_image_new(kinds[i].type);
		AUTO(elf_file) file = file_of(image);

		CHECK(file);
		CHECK_EQ(elf_file_kind(file), kinds[i].kind);
		CHECK(elf_file_is_64(file));
	}
}

TEST(a_32_bit_file_has_a_kind_and_addresses_too)
{
	AUTO(elf_image) image = elf_image_new(ET_EXEC);
	AUTO(elf_file) file = NULL;

	elf_image_use_32_bits(image);
	elf_image_add_load(image, PF_R | PF_X, 0x1000, 0x8049000, 0x500);
	file = file_of(image);
	CHECK(file);
	CHECK_EQ(elf_file_kind(file), ELF_EXECUTABLE);
	CHECK(!elf_file_is_64(file));
	CHECK_EQ(elf_file_address(file, 0x1234), 0x8049234);
}

TEST(what_is_no_elf_file_is_of_no_kind)
{
	static const char script[] =
		"#!/bin/sh\nexec true # long enough to hold a whole header....\n";
	static const char archive[] =
		"!<arch>\nlibx.o/         0           0     0     644     8  `\n";
	AUTO(elf_file) empty = file_of_bytes("", 0);
	AUTO(elf_file) four = file_of_bytes(ELFMAG, SELFMAG);
	AUTO(elf_file) text = file_of_bytes(script, sizeof(script));
	AUTO(elf_file) library = file_of_bytes(archive, sizeof(archive));

	CHECK(empty && four && text && library);
	CHECK_EQ(elf_file_kind(empty), ELF_NONE);
	CHECK_EQ(elf_file_kind(four), ELF_NONE);
	CHECK_EQ(elf_file_kind(text), ELF_NONE);
	CHECK_EQ(elf_file_kind(library), ELF_NONE);
	CHECK_EQ(elf_file_address(text, 0x1234), 0x1234);
	CHECK_EQ(build_id_size(text), 0);
}

TEST(a_file_of_the_other_byte_order_is_other)
{
	AUTO(elf_image) image = elf_image_new(ET_EXEC);
	AUTO(elf_file) file = NULL;

	elf_image_build(image);
	elf_image_header(image)->e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
	file = file_of_built(image);
	CHECK(file);
	CHECK_EQ(elf_file_kind(file), ELF_OTHER);
}

TEST(what_is_no_regular_file_cannot_be_read)
{
	AUTO_FD directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD device = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	AUTO_FD for_writing = open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	struct elf_file *file = NULL;
	int ends[2];

	CHECK(!pipe2(ends, O_CLOEXEC));
	CHECK_EQ(elf_file_new(&file, directory), -EIO);
	CHECK_EQ(elf_file_new(&file, device), -EIO);
	CHECK_EQ(elf_file_new(&file, ends[0]), -EIO);
	CHECK_EQ(elf_file_new(&file, for_writing), -EIO);
	CHECK_EQ(elf_file_new(&file, -1), -EIO);
	CHECK(!file);
	close(ends[0]);
	close(ends[1]);
}

TEST(an_offset_becomes_the_address_at_which_it_is_loaded)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	AUTO(elf_file) file = NULL;

	elf_image_add_load(image, PF_R, 0, 0, 0x800);
	elf_image_add_load(image, PF_R | PF_X, 0x1000, 0x401000, 0x1800);
	elf_image_add_load(image, PF_R | PF_W, 0x4000, 0x605000, 0x100);
	file = file_of(image);
	CHECK(file);
	CHECK_EQ(elf_file_address(file, 0x1000), 0x401000);
	CHECK_EQ(elf_file_address(file, 0x27ff), 0x4027ff);
	CHECK_EQ(elf_file_address(file, 0x10), 0x10);
	CHECK_EQ(elf_file_address(file, 0x4010), 0x605010);
}

TEST(the_rest_of_a_segments_last_page_belongs_to_it)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	AUTO(elf_file) file = NULL;

	elf_image_add_load(image, PF_R | PF_X, 0x1400, 0x401400, 0x100);
	file = file_of(image);
	CHECK(file);
	CHECK_EQ(elf_file_address(file, 0x1000), 0x401000);
	CHECK_EQ(elf_file_address(file, 0x1fff), 0x401fff);
	CHECK_EQ(elf_file_address(file, 0x12345678), 0x12345678);
}

TEST(an_offset_in_a_page_of_code_and_data_is_code)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	AUTO(elf_file) file = NULL;

	/* As linkers lay it out without -z separate-code: data goes on where code ends. */
	elf_image_add_load(image, PF_R | PF_W, 0x1800, 0x602800, 0x400);
	elf_image_add_load(image, PF_R | PF_X, 0x1000, 0x401000, 0x800);
	file = file_of(image);
	CHECK(file);
	CHECK_EQ(elf_file_address(file, 0x1700), 0x401700);
	CHECK_EQ(elf_file_address(file, 0x1900), 0x401900);
}

TEST(of_two_code_segments_the_one_with_the_byte_is_meant)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	AUTO(elf_file) file = NULL;

	elf_image_add_load(image, PF_R | PF_X, 0x1000, 0x401000, 0x800);
	elf_image_add_load(image, PF_R | PF_X, 0x1800, 0x502800, 0x800);
	file = file_of(image);
	CHECK(file);
	CHECK_EQ(elf_file_address(file, 0x17ff), 0x4017ff);
	CHECK_EQ(elf_file_address(file, 0x1800), 0x502800);
}

TEST(segments_that_wrap_around_are_passed_over)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	AUTO(elf_file) file = NULL;

	elf_image_add_load(image, PF_X, 0x1800, 0x900000, UINT64_MAX - 0x1000);
	elf_image_add_load(image, PF_X, UINT64_MAX - 0x100, 0x900000, 0x1000);
	elf_image_add_load(image, PF_X, 0x2000, 0x402000, 0x1000);
	file = file_of(image);
	CHECK(file);
	CHECK_EQ(elf_file_address(file, 0x100), 0x100);
	CHECK_EQ(elf_file_address(file, 0x1801), 0x900001);
}

TEST(build_ids_of_all_usual_sizes_are_read)
{
	static const uint32_t sizes[] = { 1, 8, 16, 20, 32, BUILD_ID_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		AUTO(elf_image) image = elf_image_new(ET_DYN);
		struct note note = build_id_note(sizes[i]);
		AUTO(elf_file) file = NULL;
		const uint8_t *id;
		size_t size;

		/* Notes are padded to four bytes. */
		elf_image_add_note(image, &note, NOTE_HEADER + ((sizes[i] + 3) & ~3u), i % 2);
		file = file_of(image);
		CHECK(file);
		id = elf_file_build_id(file, &size);
		CHECK_EQ(size, sizes[i]);
		CHECK(!memcmp(id, note.bytes, size));
	}
}

TEST(a_build_id_is_found_behind_other_notes)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	struct note others[3] = { build_id_note(20), build_id_note(20), build_id_note(20) };
	AUTO(elf_file) file = NULL;
	unsigned char table[3 * (NOTE_HEADER + 20)];

	others[0].type = NT_GNU_ABI_TAG;
	memcpy(others[1].name, "XEN", 4);
	others[2].bytes[0] = 0xab;
	for (size_t i = 0; i < 3; i++)
		memcpy(table + i * (NOTE_HEADER + 20), &others[i], NOTE_HEADER + 20);
	elf_image_add_note(image, table, 7, false); /* not even a header */
	elf_image_add_note(image, table, sizeof(table), false);
	file = file_of(image);
	CHECK(file);
	CHECK_EQ(build_id_size(file), 20);
	CHECK_EQ(elf_file_build_id(file, &(size_t){ 0 })[0], 0xab);
}

TEST(malformed_notes_are_ignored_and_the_file_is_still_used)
{
	static const uint32_t sizes[] = { 0,          BUILD_ID_MAX + 1, 129,
					  0x7fffffff, 0xfffffffc,       0xffffffff };

	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(*sizes); i++) {
		AUTO(elf_image) image = elf_image_new(ET_DYN);
		struct note note = build_id_note(20);
		AUTO(elf_file) file = NULL;

		if (i % 2)
			note.size = sizes[i / 2];
		else
			note.name_size = sizes[i / 2];
		elf_image_add_note(image, &note, sizeof(note), i % 4 > 1);
		elf_image_add_load(image, PF_X, 0x1000, 0x401000, 0x1000);
		file = file_of(image);
		CHECK(file);
		CHECK_EQ(build_id_size(file), 0);
		CHECK_EQ(elf_file_kind(file), ELF_SHARED);
		CHECK_EQ(elf_file_address(file, 0x1000), 0x401000);
	}
}

TEST(a_good_note_counts_when_another_table_is_malformed)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	struct note bad = build_id_note(0xffffffff), good = build_id_note(20);
	AUTO(elf_file) file = NULL;

	elf_image_add_note(image, &bad, sizeof(bad), false);
	elf_image_add_note(image, &good, NOTE_HEADER + 20, true);
	file = file_of(image);
	CHECK(file);
	CHECK_EQ(build_id_size(file), 20);
}

TEST(note_tables_beyond_the_end_are_ignored)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	struct note note = build_id_note(20);
	AUTO(elf_file) file = NULL;

	elf_image_add_note(image, &note, NOTE_HEADER + 20, false);
	elf_image_build(image);
	elf_image_segment(image, 0)->p_filesz = UINT64_MAX;
	file = file_of_built(image);
	CHECK(file);
	CHECK_EQ(build_id_size(file), 0);
}

TEST(absurd_counts_of_headers_are_refused)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	AUTO(elf_file) many = NULL;
	AUTO(elf_file) too_many = NULL;
	AUTO(elf_file) extended_segments = NULL;
	AUTO(elf_file) extended_sections = NULL;
	size_t count;

	elf_image_add_load(image, PF_X, 0x1000, 0x401000, 0x1000);
	elf_image_build(image);
	elf_image_header(image)->e_shnum = 8192;
	elf_image_header(image)->e_phnum = 0xfffe;
	many = file_of_built(image);
	elf_image_header(image)->e_phnum = PN_XNUM;
	extended_segments = file_of_built(image);
	elf_image_header(image)->e_phnum = 1;
	elf_image_header(image)->e_shnum = 0xff00;
	too_many = file_of_built(image);
	elf_image_header(image)->e_shnum = 0;
	elf_image_section(image, 0)->sh_size = 0xffffffff;
	extended_sections = file_of_built(image);

	CHECK(many && too_many && extended_segments && extended_sections);
	elf_file_sections(many, &count);
	CHECK_EQ(count, 0);
	CHECK_EQ(elf_file_kind(many), ELF_SHARED);
	CHECK_EQ(elf_file_address(many, 0x1000), 0x1000);
	CHECK_EQ(elf_file_kind(too_many), ELF_NONE);
	CHECK_EQ(elf_file_kind(extended_segments), ELF_NONE);
	CHECK_EQ(elf_file_kind(extended_sections), ELF_NONE);
}

/* A header that promises 4 billion sections in a file that is large enough to hold them. */
TEST(a_sparse_file_of_many_sections_costs_no_memory)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	AUTO(elf_file) file = NULL;
	AUTO_FD fd = -1;

	elf_image_build(image);
	elf_image_header(image)->e_shnum = 0;
	elf_image_section(image, 0)->sh_size = 0xffffffff;
	fd = elf_image_open(image);
	CHECK(!ftruncate(fd, 1LL << 40));
	CHECK(!elf_file_new(&file, fd));
	CHECK(elf_file_bytes(file) < 65536);
}

TEST(sections_beyond_the_end_are_not_listed)
{
	AUTO(elf_image) image = elf_image_new(ET_DYN);
	AUTO(elf_file) file = NULL;
	const struct elf_section *sections;
	size_t count;

	elf_image_build(image);
	elf_image_symtab(image)->sh_size = UINT64_MAX;
	elf_image_section(image, 2)->sh_offset = UINT64_MAX - 1;
	file = file_of_built(image);
	CHECK(file);
	sections = elf_file_sections(file, &count);
	CHECK_EQ(count, 3);
	CHECK_EQ(sections[1].type, SHT_NULL);
	CHECK_EQ(sections[2].type, SHT_NULL);
}
