// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_table.h"

#include <errno.h>
#include <string.h>

#include "symbolizer/symbolizer.h"
#include "tests/harness/test.h"
#include "tests/unit/elf_image.h"

/* The images here load nothing, so every offset is its own address. */
enum {
	TEXT = 0x1000,
	TEXT_SIZE = 0x1000
};

struct fixture {
	struct elf_image *image;
	uint16_t text; /* number of the executable section */
	uint16_t data;
	char name[SYMBOL_NAME_MAX + 1]; /* of the last question */
};

static void fixture_open(struct fixture *fixture)
{
	fixture->image = elf_image_new(ET_DYN);
	fixture->text =
		elf_image_add_section(fixture->image, SHF_ALLOC | SHF_EXECINSTR, TEXT, TEXT_SIZE);
	fixture->data =
		elf_image_add_section(fixture->image, SHF_ALLOC | SHF_WRITE, 0x4000, 0x1000);
}

static void fixture_close(struct fixture *fixture)
{
	elf_image_free(fixture->image);
}

#define FIXTURE(name)                                                        \
	__attribute__((cleanup(fixture_close))) struct fixture name = { 0 }; \
	fixture_open(&(name))

static void add(struct fixture *fixture, unsigned char type, const char *name, uint64_t address,
		uint64_t size)
{
	elf_image_add_symbol(fixture->image, (struct elf_image_symbol){
						     .name = name,
						     .address = address,
						     .size = size,
						     .bind = STB_GLOBAL,
						     .type = type,
						     .section = fixture->text,
					     });
}

static void add_function(struct fixture *fixture, const char *name, uint64_t address, uint64_t size)
{
	add(fixture, STT_FUNC, name, address, size);
}

static void add_bound(struct fixture *fixture, unsigned char bind, unsigned char type,
		      const char *name, uint64_t size)
{
	elf_image_add_symbol(fixture->image, (struct elf_image_symbol){
						     .name = name,
						     .address = TEXT,
						     .size = size,
						     .bind = bind,
						     .type = type,
						     .section = fixture->text,
					     });
}

/* The name at @address of the image as it is, "" for none, NULL for an error. */
static const char *name_at(struct fixture *fixture, uint64_t address)
{
	const struct symbolizer_options options = { 0 };
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;
	AUTO_FD fd = elf_image_open(fixture->image);

	if (symbolizer_new(&symbolizer, &options) ||
	    symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(fd), &address, 1))
		return NULL;
	fixture->name[0] = '\0';
	if (answer->places[0].line_count)
		strcpy(fixture->name, answer->lines[answer->places[0].first_line].system_name);
	return fixture->name;
}

TEST(a_symbol_covers_its_size_and_not_a_byte_more)
{
	FIXTURE(fixture);

	add_function(&fixture, "first", 0x1100, 0x20);
	add_function(&fixture, "second", 0x1130, 0x10);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, 0x10ff), "");
	CHECK_STR(name_at(&fixture, 0x1100), "first");
	CHECK_STR(name_at(&fixture, 0x111f), "first");
	CHECK_STR(name_at(&fixture, 0x1120), "");
	CHECK_STR(name_at(&fixture, 0x112f), "");
	CHECK_STR(name_at(&fixture, 0x1130), "second");
	CHECK_STR(name_at(&fixture, 0x113f), "second");
	CHECK_STR(name_at(&fixture, 0x1140), "");
	CHECK_STR(name_at(&fixture, UINT64_MAX), "");
}

TEST(an_inner_function_hides_the_outer_one_only_where_it_is)
{
	FIXTURE(fixture);

	add_function(&fixture, "outer", 0x1100, 0x100);
	add_function(&fixture, "inner", 0x1140, 0x10);
	add_function(&fixture, "innermost", 0x1144, 4);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, 0x113f), "outer");
	CHECK_STR(name_at(&fixture, 0x1140), "inner");
	CHECK_STR(name_at(&fixture, 0x1144), "innermost");
	CHECK_STR(name_at(&fixture, 0x1148), "inner");
	CHECK_STR(name_at(&fixture, 0x1150), "outer");
	CHECK_STR(name_at(&fixture, 0x11ff), "outer");
	CHECK_STR(name_at(&fixture, 0x1200), "");
}

TEST(of_functions_that_overlap_the_later_start_is_meant)
{
	FIXTURE(fixture);

	add_function(&fixture, "low", 0x1100, 0x40);
	add_function(&fixture, "high", 0x1120, 0x40);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, 0x111f), "low");
	CHECK_STR(name_at(&fixture, 0x1120), "high");
	CHECK_STR(name_at(&fixture, 0x1140), "high");
	CHECK_STR(name_at(&fixture, 0x1160), "");
}

TEST(a_symbol_without_size_reaches_to_the_next_symbol)
{
	FIXTURE(fixture);

	add_function(&fixture, "sized", 0x1180, 0x10);
	add_function(&fixture, "sizeless", 0x1100, 0);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, 0x1100), "sizeless");
	CHECK_STR(name_at(&fixture, 0x117f), "sizeless");
	CHECK_STR(name_at(&fixture, 0x1180), "sized");
	CHECK_STR(name_at(&fixture, 0x1190), "");
}

TEST(a_symbol_without_size_ends_with_its_section)
{
	FIXTURE(fixture);

	add_function(&fixture, "last", 0x1f00, 0);
	add_function(&fixture, "end", TEXT + TEXT_SIZE, 0);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, 0x1fff), "last");
	CHECK_STR(name_at(&fixture, 0x2000), "");
}

TEST(a_label_in_a_function_does_not_hide_it)
{
	FIXTURE(fixture);

	add_function(&fixture, "function", 0x1100, 0x80);
	add(&fixture, STT_NOTYPE, "label_at_the_start", 0x1100, 0);
	add(&fixture, STT_NOTYPE, "label", 0x1140, 0);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, 0x1100), "function");
	CHECK_STR(name_at(&fixture, 0x1140), "function");
	CHECK_STR(name_at(&fixture, 0x117f), "function");
	CHECK_STR(name_at(&fixture, 0x1180), "");
}

TEST(untyped_symbols_name_code_but_not_data)
{
	FIXTURE(fixture);

	add(&fixture, STT_NOTYPE, "_start", 0x1000, 0);
	add(&fixture, STT_NOTYPE, "memcpy_by_hand", 0x1100, 0x40);
	elf_image_add_symbol(fixture.image, (struct elf_image_symbol){
						    .name = "data_start",
						    .address = 0x4000,
						    .size = 8,
						    .bind = STB_GLOBAL,
						    .type = STT_NOTYPE,
						    .section = fixture.data,
					    });
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, 0x1010), "_start");
	CHECK_STR(name_at(&fixture, 0x113f), "memcpy_by_hand");
	CHECK_STR(name_at(&fixture, 0x1140), "");
	CHECK_STR(name_at(&fixture, 0x4000), "");
}

TEST(labels_of_the_assembler_are_no_functions)
{
	FIXTURE(fixture);

	add(&fixture, STT_NOTYPE, "by_hand", 0x1000, 0);
	add(&fixture, STT_NOTYPE, "$x", 0x1010, 0);
	add(&fixture, STT_NOTYPE, ".L12", 0x1020, 0x10);
	add(&fixture, STT_NOTYPE, ".annobin_main.c", 0x1030, 0);
	add(&fixture, STT_NOTYPE, "", 0x1040, 0);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, 0x1010), "by_hand");
	CHECK_STR(name_at(&fixture, 0x1020), "by_hand");
	CHECK_STR(name_at(&fixture, 0x1030), "by_hand");
	CHECK_STR(name_at(&fixture, 0x1fff), "by_hand");
}

TEST(only_functions_that_are_here_have_names)
{
	static const struct elf_image_symbol others[] = {
		{ "undefined", 0x1000, 8, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
		{ "absolute", 0x1000, 8, STB_GLOBAL, STT_FUNC, SHN_ABS },
		{ "common", 0x1000, 8, STB_GLOBAL, STT_FUNC, SHN_COMMON },
		{ "object", 0x1000, 8, STB_GLOBAL, STT_OBJECT, 1 },
		{ "section", 0x1000, 8, STB_LOCAL, STT_SECTION, 1 },
		{ "file.c", 0x1000, 8, STB_LOCAL, STT_FILE, 1 },
		{ "tls", 0x1000, 8, STB_GLOBAL, STT_TLS, 1 },
		{ "nowhere", 0x1000, 0, STB_GLOBAL, STT_FUNC, 99 },
	};
	FIXTURE(fixture);

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		elf_image_add_symbol(fixture.image, others[i]);
	add(&fixture, STT_GNU_IFUNC, "indirect", 0x1100, 8);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, 0x1000), "");
	CHECK_STR(name_at(&fixture, 0x1100), "indirect");
}

TEST(a_public_name_is_better_than_a_local_one)
{
	FIXTURE(fixture);

	add_bound(&fixture, STB_LOCAL, STT_FUNC, "local", 0x20);
	add_bound(&fixture, STB_GLOBAL, STT_FUNC, "__global_one", 0x20);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, TEXT), "__global_one");
}

TEST(a_function_is_better_than_an_untyped_symbol)
{
	FIXTURE(fixture);

	add_bound(&fixture, STB_GLOBAL, STT_NOTYPE, "b", 0x20);
	add_bound(&fixture, STB_GLOBAL, STT_FUNC, "__function", 0x20);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, TEXT), "__function");
}

TEST(of_aliases_the_one_people_use_is_shown)
{
	FIXTURE(fixture);

	add_bound(&fixture, STB_GLOBAL, STT_FUNC, "__libc_malloc", 0x20);
	add_bound(&fixture, STB_GLOBAL, STT_FUNC, "__malloc", 0x20);
	add_bound(&fixture, STB_WEAK, STT_FUNC, "malloc", 0x20);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, TEXT), "malloc");
}

TEST(a_function_of_the_vdso_says_where_it_is)
{
	FIXTURE(fixture);

	add_bound(&fixture, STB_WEAK, STT_FUNC, "clock_gettime", 0x20);
	add_bound(&fixture, STB_GLOBAL, STT_FUNC, "__vdso_clock_gettime", 0x20);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, TEXT), "__vdso_clock_gettime");
}

TEST(of_equal_aliases_the_strong_then_the_short_then_the_first_is_shown)
{
	FIXTURE(strong);
	FIXTURE(shorter);
	FIXTURE(first);

	add_bound(&strong, STB_WEAK, STT_FUNC, "imaxabs", 0x20);
	add_bound(&strong, STB_GLOBAL, STT_FUNC, "longer_labs", 0x20);
	add_bound(&shorter, STB_GLOBAL, STT_FUNC, "pwrite64", 0x20);
	add_bound(&shorter, STB_GLOBAL, STT_FUNC, "pwrite", 0x20);
	add_bound(&first, STB_GLOBAL, STT_FUNC, "beta", 0x20);
	add_bound(&first, STB_GLOBAL, STT_FUNC, "alfa", 0x20);
	elf_image_build(strong.image);
	elf_image_build(shorter.image);
	elf_image_build(first.image);
	CHECK_STR(name_at(&strong, TEXT), "longer_labs");
	CHECK_STR(name_at(&shorter, TEXT), "pwrite");
	CHECK_STR(name_at(&first, TEXT), "alfa");
}

TEST(of_two_sizes_at_one_address_the_better_name_counts_and_the_larger_has_the_rest)
{
	FIXTURE(larger);
	FIXTURE(better);

	add_bound(&larger, STB_GLOBAL, STT_FUNC, "a", 0x10);
	add_bound(&larger, STB_GLOBAL, STT_FUNC, "__larger", 0x30);
	add_bound(&better, STB_LOCAL, STT_FUNC, "local", 0x30);
	add_bound(&better, STB_GLOBAL, STT_FUNC, "global", 0x10);
	add_bound(&better, STB_LOCAL, STT_NOTYPE, "largest", 0x40);
	elf_image_build(larger.image);
	elf_image_build(better.image);
	CHECK_STR(name_at(&larger, TEXT), "__larger");
	CHECK_STR(name_at(&larger, TEXT + 0x2f), "__larger");
	CHECK_STR(name_at(&better, TEXT), "global");
	CHECK_STR(name_at(&better, TEXT + 0x10), "local");
	CHECK_STR(name_at(&better, TEXT + 0x30), "largest");
	CHECK_STR(name_at(&better, TEXT + 0x40), "");
}

TEST(dynamic_symbols_serve_when_there_are_no_others)
{
	FIXTURE(fixture);

	elf_image_use_dynsym(fixture.image);
	add_function(&fixture, "exported", TEXT, 0x10);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, TEXT), "exported");
}

TEST(the_symbols_of_a_32_bit_file_are_read)
{
	FIXTURE(fixture);

	elf_image_use_32_bits(fixture.image);
	add_function(&fixture, "narrow", TEXT, 0x10);
	add_function(&fixture, "sizeless", TEXT + 0x100, 0);
	elf_image_build(fixture.image);
	CHECK_STR(name_at(&fixture, TEXT + 0xf), "narrow");
	CHECK_STR(name_at(&fixture, TEXT + 0x10), "");
	CHECK_STR(name_at(&fixture, TEXT + TEXT_SIZE - 1), "sizeless");
}

TEST(symbols_of_relocatable_files_are_no_addresses)
{
	AUTO(elf_image) image = elf_image_new(ET_REL);
	struct fixture fixture = { .image = image };

	fixture.text = elf_image_add_section(image, SHF_ALLOC | SHF_EXECINSTR, 0, TEXT_SIZE);
	add_function(&fixture, "relocatable", 0, 0x10);
	elf_image_build(image);
	CHECK_STR(name_at(&fixture, 0), "");
}

/* Each wrong field costs the names and nothing else. */
TEST(a_symbol_table_with_a_wrong_header_is_as_none)
{
	static const struct {
		size_t field;
		uint64_t value;
		size_t width;
	} wrongs[] = {
		{ offsetof(Elf64_Shdr, sh_entsize), 0, 8 },
		{ offsetof(Elf64_Shdr, sh_entsize), 1, 8 },
		{ offsetof(Elf64_Shdr, sh_entsize), UINT64_MAX, 8 },
		{ offsetof(Elf64_Shdr, sh_link), 3, 4 }, /* itself */
		{ offsetof(Elf64_Shdr, sh_link), 0, 4 },
		{ offsetof(Elf64_Shdr, sh_link), 77, 4 },
		{ offsetof(Elf64_Shdr, sh_link), UINT32_MAX, 4 },
		{ offsetof(Elf64_Shdr, sh_size), 1 << 20, 8 },
		{ offsetof(Elf64_Shdr, sh_size), UINT64_MAX, 8 },
		{ offsetof(Elf64_Shdr, sh_size), 0, 8 },
		{ offsetof(Elf64_Shdr, sh_offset), 1 << 20, 8 },
		{ offsetof(Elf64_Shdr, sh_offset), UINT64_MAX, 8 },
		{ offsetof(Elf64_Shdr, sh_flags), SHF_COMPRESSED, 8 },
		{ offsetof(Elf64_Shdr, sh_type), SHT_NOBITS, 4 },
	};

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		FIXTURE(fixture);

		add_function(&fixture, "function", TEXT, 0x10);
		elf_image_build(fixture.image);
		CHECK_STR(name_at(&fixture, TEXT), "function");
		memcpy((char *)elf_image_symtab(fixture.image) + wrongs[i].field, &wrongs[i].value,
		       wrongs[i].width);
		CHECK_STR(name_at(&fixture, TEXT), "");
	}
}

TEST(a_string_table_that_does_not_end_ends_with_its_section)
{
	FIXTURE(fixture);

	add_function(&fixture, "function", TEXT, 0x10);
	elf_image_build(fixture.image);
	elf_image_section(fixture.image, 4)->sh_size = 5;
	CHECK_STR(name_at(&fixture, TEXT), "func");
}

TEST(names_beyond_the_string_table_are_none)
{
	FIXTURE(fixture);
	Elf64_Sym *symbol;
	size_t size;

	add_function(&fixture, "function", TEXT, 0x10);
	elf_image_build(fixture.image);
	symbol = (Elf64_Sym *)(elf_image_bytes(fixture.image, &size) +
			       elf_image_symtab(fixture.image)->sh_offset);
	symbol[1].st_name = UINT32_MAX;
	CHECK_STR(name_at(&fixture, TEXT), "");
	symbol[1].st_name = 10; /* one behind the last NUL */
	CHECK_STR(name_at(&fixture, TEXT), "");
}

TEST(a_very_long_name_is_cut)
{
	AUTO_STRING text = calloc(1, 1 << 20);
	char name[SYMBOL_NAME_MAX + 1];
	struct symbol_list list = { .strings = { .offset = 1, .size = (1 << 20) - 1 } };
	struct symbol symbol = { .key = TEXT * SYMBOL_RANKS, .size = 8, .name = 1 };
	AUTO(symbol_table) table = NULL;
	AUTO_FD fd = -1;
	uint32_t names;

	CHECK(text);
	memset(text, 'x', 1 << 20);
	fd = open_bytes(text, 1 << 20);
	list.items = &symbol;
	list.count = 1;
	CHECK(!symbol_table_new(&table, &list));
	CHECK(symbol_table_find(table, TEXT, &names));
	CHECK(symbol_table_name(table, fd, names, name));
	CHECK_EQ(strlen(name), SYMBOL_NAME_MAX);
}

TEST(symbol_tables_above_the_limit_are_not_read)
{
	struct symbolizer_options options = { .max_symbol_bytes = 2 * sizeof(Elf64_Sym) };
	AUTO(symbolizer) exact = NULL;
	AUTO(symbolizer) small = NULL;
	AUTO(symbol_answer) named = NULL;
	AUTO(symbol_answer) nameless = NULL;
	const uint64_t place = TEXT;
	AUTO_FD fd = -1;
	FIXTURE(fixture);

	add_function(&fixture, "function", TEXT, 0x10);
	elf_image_build(fixture.image);
	fd = elf_image_open(fixture.image);
	CHECK(!symbolizer_new(&exact, &options));
	options.max_symbol_bytes--;
	CHECK(!symbolizer_new(&small, &options));
	CHECK(!symbolizer_resolve_file(exact, &named, &SYMBOL_FILES(fd), &place, 1));
	CHECK(!symbolizer_resolve_file(small, &nameless, &SYMBOL_FILES(fd), &place, 1));
	CHECK_EQ(named->places[0].line_count, 1);
	CHECK_EQ(nameless->places[0].line_count, 0);
}

/* Thousands of equal functions folded into one, and as many nested ones: time stays linear. */
TEST(many_aliases_and_deep_nesting_are_bounded)
{
	enum {
		COUNT = 100000
	};
	struct symbol_list list = { .strings = { .offset = 0, .size = 4 } };
	AUTO(symbol_table) table = NULL;
	AUTO_FD fd = open_bytes("\0ab", 4);
	char name[SYMBOL_NAME_MAX + 1];
	uint32_t names;

	list.items = calloc(2 * COUNT, sizeof(*list.items));
	CHECK(list.items);
	for (uint32_t i = 0; i < COUNT; i++) {
		list.items[list.count++] = (struct symbol){ .key = (uint64_t)TEXT * SYMBOL_RANKS,
							    .size = 4 * COUNT,
							    .name = 1 };
		list.items[list.count++] = (struct symbol){
			.key = (uint64_t)(TEXT + 1 + i) * SYMBOL_RANKS,
			.size = 2 * (COUNT - i),
			.name = 2,
		};
	}
	CHECK(!symbol_table_new(&table, &list));
	free(list.items);
	CHECK(symbol_table_find(table, TEXT, &names));
	CHECK(symbol_table_name(table, fd, names, name));
	CHECK_STR(name, "ab");
	CHECK(symbol_table_find(table, TEXT + 2 * COUNT + 1, &names));
	CHECK(symbol_table_find(table, TEXT + 2 * COUNT, &names));
	CHECK(symbol_table_name(table, fd, names, name));
	CHECK_STR(name, "b");
	CHECK(!symbol_table_find(table, TEXT + 4 * COUNT, &names));
	CHECK(symbol_table_bytes(table) < 6 * 1024 * 1024);
}
