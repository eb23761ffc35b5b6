// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "symbolizer/unwind_table.h"
#include "tests/harness/test.h"
#include "tests/unit/cfi_fixture.h"

enum {
	SDATA4 = DW_EH_PE_pcrel | DW_EH_PE_sdata4
};

static const struct unwind_options defaults;

/* Whether a table keeps what its header promises. */
static bool is_sound(const struct unwind_table *table)
{
	for (size_t i = 0; i < table->row_count; i++) {
		if (table->rows[i].rule >= table->rule_count)
			return false;
		if (i && (table->rows[i].offset <= table->rows[i - 1].offset ||
			  table->rows[i].rule == table->rows[i - 1].rule))
			return false;
	}
	return true;
}

/* A bit of everything: two CIEs, five functions, expressions, remembered states. */
static void put_rich(struct cfi_bytes *frames)
{
	size_t cie, plain;

	frames->size = 0;
	cie = put_cie(frames, "zR", SDATA4, USUAL_CIE);
	put_fde(frames, cie, FIXTURE_CODE, 0x40,
		BYTES(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16, DW_CFA_offset | 6, 2,
		      DW_CFA_advance_loc | 3, DW_CFA_def_cfa_register, 6, DW_CFA_remember_state,
		      DW_CFA_advance_loc1, 0x20, DW_CFA_def_cfa, 7, 8, DW_CFA_advance_loc | 1,
		      DW_CFA_restore_state));
	put_fde(frames, cie, FIXTURE_CODE + 0x80, 0x40,
		BYTES(DW_CFA_def_cfa_expression, 3, DW_OP_breg6, 0x78, DW_OP_deref,
		      DW_CFA_expression, 6, 2, DW_OP_breg6, 0, DW_CFA_advance_loc2, 5, 0,
		      DW_CFA_undefined, 16));
	plain = put_cie(frames, "zRS", SDATA4, BYTES(DW_CFA_def_cfa, 7, 16));
	put_fde(frames, plain, FIXTURE_CODE + 0x40, 0x60,
		BYTES(DW_CFA_advance_loc4, 4, 0, 0, 0, DW_CFA_val_offset, 7, 2,
		      DW_CFA_advance_loc | 1, DW_CFA_register, 16, 1));
	put_fde(frames, plain, FIXTURE_CODE + 0x200, 0x60, BYTES(DW_CFA_offset | 3, 4));
	put_u32(frames, 0);
}

TEST(cut_anywhere_the_functions_before_are_there)
{
	static struct cfi_bytes frames;
	size_t whole;

	put_rich(&frames);
	whole = frames.size;
	for (size_t size = 0; size <= whole; size++) {
		AUTO(unwind_table) table = NULL;

		frames.size = size;
		table = table_of(&frames);
		CHECK(table);
		CHECK(is_sound(table));
		CHECK(table->entry_count <= 4);
		CHECK_EQ(table->entry_count == 4, size >= whole - 4);
	}
}

TEST(bytes_changed_anywhere_give_a_table_or_none)
{
	static struct cfi_bytes good, frames;
	uint32_t random = 12345;

	put_rich(&good);
	for (int round = 0; round < 4000; round++) {
		AUTO(unwind_table) table = NULL;

		frames = good;
		for (int i = 0; i < 1 + round % 4; i++) {
			random = random * 1664525 + 1013904223;
			frames.bytes[(random >> 8) % good.size] = (uint8_t)(random >> 24);
		}
		table = table_of(&frames);
		CHECK(table);
		CHECK(is_sound(table));
	}
}

TEST(headers_changed_anywhere_give_a_table_or_an_error)
{
	static struct cfi_bytes frames;
	struct cfi_file file = { .eh_frame = &frames };
	uint32_t random = 54321;

	put_rich(&frames);
	for (int round = 0; round < 3000; round++) {
		AUTO(unwind_table) table = NULL;
		AUTO_FD fd = -1;
		int err;

		file.has_no_sections = round & 1;
		fd = cfi_file_open(&file);
		for (int i = 0; i < 1 + round % 3; i++) {
			uint8_t byte = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
			off_t at = (random >> 4) % (0x600 + sizeof(Elf64_Shdr) * 5);

			CHECK(at < 4 || pwrite(fd, &byte, 1, at) == 1);
		}
		err = unwind_table_compile(&table, fd, &defaults);
		CHECK(!err || err == -ENOEXEC);
		CHECK(err || is_sound(table));
	}
}

TEST(states_remembered_too_deep_or_never_are_a_broken_program)
{
	uint8_t deep[40];

	memset(deep, DW_CFA_remember_state, sizeof(deep));
	deep[0] = DW_CFA_advance_loc | 1;
	CHECK_STR(text_of_program((struct cfi_block){ deep, sizeof(deep) }), "0 rsp+8; 1 none");
	CHECK_STR(text_of_program((struct cfi_block){ deep, 17 }), "0 rsp+8; 100 none");
	CHECK_STR(text_of_program(BYTES(DW_CFA_advance_loc | 1, DW_CFA_restore_state)),
		  "0 rsp+8; 1 none");
}

TEST(unknown_and_unfinished_instructions_are_a_broken_program)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_advance_loc | 1, 0x3f)), "0 rsp+8; 1 none");
	CHECK_STR(text_of_program(BYTES(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_expression, 99)),
		  "0 rsp+8; 1 none");
	CHECK_STR(text_of_program(BYTES(DW_CFA_MIPS_advance_loc8, 255, 255, 255, 255, 255, 255, 255,
					255, DW_CFA_def_cfa_offset, 16)),
		  "0 none");
}

TEST(functions_outside_of_code_are_left_out)
{
	static const uint64_t addresses[] = { 0, 1, FIXTURE_CODE - 1, FIXTURE_FRAMES,
					      FIXTURE_CODE + FIXTURE_CODE_BYTES };
	static struct cfi_bytes frames;
	AUTO(unwind_table) table = NULL;
	size_t cie;

	frames.size = 0;
	cie = put_cie(&frames, "zR", SDATA4, USUAL_CIE);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		put_fde(&frames, cie, addresses[i], 0x10, BYTES(DW_CFA_nop));
	table = table_of(&frames);
	CHECK_STR(text_of(table), "");
	CHECK_EQ(table->lost[UNWIND_LOST_OUTSIDE], 5);
}

TEST(functions_end_with_the_code)
{
	static struct cfi_bytes frames;
	AUTO(unwind_table) table = NULL;

	frames.size = 0;
	put_usual(&frames, UINT32_MAX, BYTES(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16));
	table = table_of(&frames);
	CHECK_STR(text_of(table), "0 rsp+8; 1 rsp+16; 10000 none");
}

TEST(a_cie_is_no_function_nor_a_function_a_cie)
{
	static struct cfi_bytes frames;
	AUTO(unwind_table) table = NULL;
	size_t cie, fde;

	frames.size = 0;
	cie = put_cie(&frames, "zR", SDATA4, USUAL_CIE);
	fde = put_fde(&frames, cie, FIXTURE_CODE, 0x10, BYTES(DW_CFA_nop));
	put_fde(&frames, fde, FIXTURE_CODE + 0x10, 0x10, BYTES(DW_CFA_nop));
	put_fde(&frames, frames.size, FIXTURE_CODE + 0x20, 0x10, BYTES(DW_CFA_nop));
	put_fde(&frames, frames.size + 1000, FIXTURE_CODE + 0x20, 0x10, BYTES(DW_CFA_nop));
	put_fde(&frames, cie + 4, FIXTURE_CODE + 0x20, 0x10, BYTES(DW_CFA_nop));
	table = table_of(&frames);
	CHECK_STR(text_of(table), "0 rsp+8; 10 none");
	CHECK_EQ(table->lost[UNWIND_LOST_CIE], 4);
}

TEST(entries_longer_than_any_function_are_left_out)
{
	static struct cfi_bytes frames;
	static uint8_t nops[70000];
	AUTO(unwind_table) table = NULL;
	size_t cie;

	frames.size = 0;
	cie = put_cie(&frames, "zR", SDATA4, USUAL_CIE);
	put_fde(&frames, cie, FIXTURE_CODE, 0x10, (struct cfi_block){ nops, sizeof(nops) });
	put_fde(&frames, cie, FIXTURE_CODE + 0x10, 0x10, BYTES(DW_CFA_nop));
	table = table_of(&frames);
	CHECK_STR(text_of(table), "10 rsp+8; 20 none");
	CHECK_EQ(table->lost[UNWIND_LOST_LENGTH], 1);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Functions of a byte within one that is long in words: running it anew for each would be 2^27. */
TEST(work_that_multiplies_is_given_up)
{
	static struct cfi_bytes frames;
	static uint8_t nops[60000];
	AUTO(unwind_table) table = NULL;
	double start = seconds();
	size_t cie;

	frames.size = 0;
	cie = put_cie(&frames, "zR", SDATA4, USUAL_CIE);
	put_fde(&frames, cie, FIXTURE_CODE, 0x10000, (struct cfi_block){ nops, sizeof(nops) });
	for (uint32_t i = 0; i < 2000; i++)
		put_fde(&frames, cie, FIXTURE_CODE + 2 * i, 1,
			BYTES(DW_CFA_def_cfa_offset, (uint8_t)(i & 63)));
	table = table_of(&frames);
	CHECK(table);
	CHECK(is_sound(table));
	CHECK(table->lost[UNWIND_LOST_EFFORT]);
	CHECK(seconds() - start < 5);
}

static bool begins_like(const struct unwind_table *part, const struct unwind_table *whole)
{
	for (size_t i = 0; i + 1 < part->row_count; i++) {
		if (part->rows[i].offset != whole->rows[i].offset ||
		    memcmp(&part->rules[part->rows[i].rule], &whole->rules[whole->rows[i].rule],
			   sizeof(*part->rules)) != 0)
			return false;
	}
	return part->rules[part->rows[part->row_count - 1].rule].cfa == UNWIND_RULE_NONE;
}

TEST(rows_and_bytes_beyond_the_limits_are_lost_and_counted)
{
	static struct cfi_bytes frames;
	static uint8_t program[60000];
	struct cfi_file file = { .eh_frame = &frames };
	struct unwind_options options = {};
	AUTO(unwind_table) whole = NULL;
	AUTO(unwind_table) hundred = NULL;
	AUTO(unwind_table) small = NULL;
	AUTO(unwind_table) none = NULL;
	AUTO_FD fd = -1;

	for (size_t i = 0; i + 3 <= sizeof(program); i += 3) {
		program[i] = DW_CFA_advance_loc | 1;
		program[i + 1] = DW_CFA_def_cfa_offset;
		program[i + 2] = (uint8_t)(i / 3 & 0x7f);
	}
	frames.size = 0;
	put_usual(&frames, 0x10000, (struct cfi_block){ program, sizeof(program) });
	fd = cfi_file_open(&file);
	CHECK_EQ(unwind_table_compile(&whole, fd, &options), 0);
	CHECK_EQ(whole->row_count, 20002);
	CHECK_EQ(whole->lost[UNWIND_LOST_SIZE], 0);
	CHECK_EQ(whole->covered_bytes, 0x10000);
	CHECK_EQ(whole->code_bytes, FIXTURE_CODE_BYTES);

	options.max_rows = 100;
	CHECK_EQ(unwind_table_compile(&hundred, fd, &options), 0);
	CHECK_EQ(hundred->row_count, 100);
	CHECK_EQ(hundred->lost[UNWIND_LOST_SIZE], 1);
	CHECK_EQ(hundred->covered_bytes, 99);
	CHECK(begins_like(hundred, whole));

	options = (struct unwind_options){ .max_bytes = 700 * 1024 };
	CHECK_EQ(unwind_table_compile(&small, fd, &options), 0);
	CHECK(small->row_count > 1000 && small->row_count < whole->row_count);
	CHECK_EQ(small->lost[UNWIND_LOST_SIZE], 1);
	CHECK(small->peak_bytes <= options.max_bytes);
	CHECK(begins_like(small, whole));

	options.max_bytes = 100 * 1024;
	CHECK_EQ(unwind_table_compile(&none, fd, &options), -E2BIG);
}

TEST(a_table_that_is_cut_knows_nothing_from_there_on)
{
	static struct cfi_bytes frames;
	AUTO(unwind_table) table = NULL;

	frames.size = 0;
	put_usual(&frames, 0x100,
		  BYTES(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16, DW_CFA_advance_loc | 1,
			DW_CFA_def_cfa_offset, 24));
	table = table_of(&frames);
	CHECK_STR(text_of(table), "0 rsp+8; 1 rsp+16; 2 rsp+24; 100 none");
	unwind_table_cut(table, 4);
	CHECK_EQ(table->lost[UNWIND_LOST_SIZE], 0);
	unwind_table_cut(table, 3);
	CHECK_STR(text_of(table), "0 rsp+8; 1 rsp+16; 2 none");
	CHECK_EQ(table->lost[UNWIND_LOST_SIZE], 1);
}

TEST(more_rules_than_a_table_may_have_become_none)
{
	static struct cfi_bytes frames;
	static uint8_t program[60000];
	AUTO(unwind_table) table = NULL;
	size_t cie;

	frames.size = 0;
	cie = put_cie(&frames, "zR", SDATA4, USUAL_CIE);
	for (uint32_t fde = 0; fde < 2; fde++) {
		for (size_t i = 0; i + 4 <= sizeof(program); i += 3) {
			size_t number = fde * 20000 + i / 3 + 128;

			program[i] = DW_CFA_advance_loc | 1;
			program[i + 1] = DW_CFA_def_cfa_offset;
			program[i + 2] = (uint8_t)((number & 0x7f) | 0x80);
			program[i + 3] = (uint8_t)(number >> 7 & 0x7f);
			i++;
		}
		put_fde(&frames, cie, FIXTURE_CODE + 0x8000 * fde, 0x8000,
			(struct cfi_block){ program, sizeof(program) });
	}
	table = table_of(&frames);
	CHECK(table);
	CHECK(is_sound(table));
	CHECK(table->rule_count <= 32 * 1024);
}

TEST(what_is_no_program_for_this_machine_is_refused)
{
	static struct cfi_bytes frames;
	struct cfi_file file = { .eh_frame = &frames };
	static const struct {
		off_t at;
		uint8_t byte;
	} changes[] = {
		{ 0, 0 }, { EI_CLASS, ELFCLASS32 }, { EI_DATA, ELFDATA2MSB }, { 18, EM_386 }
	};

	put_rich(&frames);
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		AUTO(unwind_table) table = NULL;
		AUTO_FD fd = cfi_file_open(&file);

		CHECK_EQ(pwrite(fd, &changes[i].byte, 1, changes[i].at), 1);
		CHECK_EQ(unwind_table_compile(&table, fd, &defaults), -ENOEXEC);
		CHECK_EQ(ftruncate(fd, 30), 0);
		CHECK_EQ(unwind_table_compile(&table, fd, &defaults), -ENOEXEC);
	}
}

/* A terabyte that takes no room on the disk, and says that all of it is its .eh_frame. */
TEST(a_sparse_file_is_read_to_a_limit)
{
	static struct cfi_bytes frames;
	struct cfi_file file = { .eh_frame = &frames };
	AUTO(unwind_table) table = NULL;
	AUTO_FD fd = -1;
	const uint64_t size = 1ULL << 39;
	double start = seconds();

	put_rich(&frames);
	fd = cfi_file_open(&file);
	CHECK_EQ(ftruncate(fd, (off_t)(2 * size)), 0);
	CHECK_EQ(pwrite(fd, &size, 8,
			0x600 + 2 * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size)),
		 8);
	CHECK_EQ(unwind_table_compile(&table, fd, &defaults), 0);
	CHECK_EQ(table->entry_count, 4);
	CHECK(seconds() - start < 20);
}

TEST(what_is_no_file_is_refused)
{
	AUTO(unwind_table) table = NULL;
	AUTO_FD fd = -1;
	int ends[2];

	CHECK(!pipe(ends));
	fd = ends[0];
	close(ends[1]);
	CHECK_EQ(unwind_table_compile(&table, fd, &defaults), -EIO);
	CHECK_EQ(unwind_table_compile(&table, -1, &defaults), -EIO);
}
