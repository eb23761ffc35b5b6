// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "symbolizer/unwind_table.h"
#include "tests/harness/test.h"
#include "tests/unit/cfi_fixture.h"

static const char *const one_function = "0 rsp+8; 10 none";

/* The table of a CIE with @encoding and an FDE with these bytes for address and size. */
static const char *text_with_pointers(uint8_t encoding, struct cfi_block pointers)
{
	static struct cfi_bytes frames, body;
	AUTO(unwind_table) table = NULL;
	size_t cie;

	frames.size = 0;
	body.size = 0;
	cie = put_cie(&frames, "zR", encoding, USUAL_CIE);
	put_u32(&body, (uint32_t)(frames.size + 4 - cie));
	put(&body, pointers.bytes, pointers.size);
	put_u8(&body, 0);
	put_entry(&frames, (struct cfi_block){ body.bytes, body.size });
	table = table_of(&frames);
	return text_of(table);
}

TEST(absolute_pointers_of_every_size)
{
	CHECK_STR(text_with_pointers(DW_EH_PE_absptr, BYTES(0, 0x10, 0x40, 0, 0, 0, 0, 0, 0x10, 0,
							    0, 0, 0, 0, 0, 0)),
		  one_function);
	CHECK_STR(text_with_pointers(DW_EH_PE_udata8, BYTES(0, 0x10, 0x40, 0, 0, 0, 0, 0, 0x10, 0,
							    0, 0, 0, 0, 0, 0)),
		  one_function);
	CHECK_STR(text_with_pointers(DW_EH_PE_sdata8, BYTES(0, 0x10, 0x40, 0, 0, 0, 0, 0, 0x10, 0,
							    0, 0, 0, 0, 0, 0)),
		  one_function);
	CHECK_STR(text_with_pointers(DW_EH_PE_udata4, BYTES(0, 0x10, 0x40, 0, 0x10, 0, 0, 0)),
		  one_function);
	CHECK_STR(text_with_pointers(DW_EH_PE_sdata4, BYTES(0, 0x10, 0x40, 0, 0x10, 0, 0, 0)),
		  one_function);
	CHECK_STR(text_with_pointers(DW_EH_PE_uleb128, BYTES(0x80, 0xa0, 0x80, 0x02, 0x10)),
		  one_function);
	CHECK_STR(text_with_pointers(DW_EH_PE_sleb128, BYTES(0x80, 0xa0, 0x80, 0x02, 0x10)),
		  one_function);
}

TEST(pointers_relative_to_the_text_section)
{
	CHECK_STR(text_with_pointers(DW_EH_PE_textrel | DW_EH_PE_udata2, BYTES(0, 0, 0x10, 0)),
		  one_function);
	CHECK_STR(text_with_pointers(DW_EH_PE_textrel | DW_EH_PE_sdata2, BYTES(0, 0, 0x10, 0)),
		  one_function);
}

/* The CIE before has 24 bytes, so the pointer follows at 32, which is aligned. */
TEST(pointers_that_are_aligned)
{
	CHECK_STR(text_with_pointers(DW_EH_PE_aligned, BYTES(0, 0x10, 0x40, 0, 0, 0, 0, 0, 0x10, 0,
							     0, 0, 0, 0, 0, 0)),
		  one_function);
}

TEST(pointers_that_a_file_cannot_answer_lose_their_function)
{
	static const uint8_t encodings[] = { DW_EH_PE_indirect | DW_EH_PE_udata4,
					     DW_EH_PE_datarel | DW_EH_PE_udata4,
					     DW_EH_PE_funcrel,
					     DW_EH_PE_omit,
					     0x05,
					     0x0f,
					     0x70 };

	for (size_t i = 0; i < sizeof(encodings); i++)
		CHECK_STR(text_with_pointers(encodings[i], BYTES(0, 0x10, 0x40, 0, 0x10, 0, 0, 0)),
			  "");
}

static const char *text_with_letters(const char *letters, struct cfi_block data)
{
	static struct cfi_bytes frames, body;
	AUTO(unwind_table) table = NULL;
	struct cfi_block program = USUAL_CIE;

	frames.size = 0;
	body.size = 0;
	put(&body, "\0\0\0\0\1", 5);
	put(&body, letters, strlen(letters) + 1);
	if (!strcmp(letters, "eh"))
		put_u64(&body, 0x12345678);
	put(&body, "\x01\x78\x10", 3);
	put(&body, data.bytes, data.size);
	put(&body, program.bytes, program.size);
	put_entry(&frames, (struct cfi_block){ body.bytes, body.size });

	body.size = 0;
	put_u32(&body, (uint32_t)frames.size + 4);
	put_u64(&body, FIXTURE_CODE);
	put_u64(&body, 0x10);
	if (*letters == 'z')
		put_u8(&body, 0);
	put_entry(&frames, (struct cfi_block){ body.bytes, body.size });
	table = table_of(&frames);
	return text_of(table);
}

TEST(augmentations_that_are_known_or_have_their_size)
{
	CHECK_STR(text_with_letters("z", BYTES(0)), one_function);
	CHECK_STR(text_with_letters("eh", (struct cfi_block){ 0 }), one_function);
	CHECK_STR(text_with_letters("zPLR", BYTES(7, 0x9b, 1, 2, 3, 4, 0x1b, DW_EH_PE_absptr)),
		  one_function);
	CHECK_STR(text_with_letters("zPR", BYTES(2, DW_EH_PE_omit, DW_EH_PE_absptr)), one_function);
	CHECK_STR(text_with_letters("zRB", BYTES(1, DW_EH_PE_absptr)), one_function);
	CHECK_STR(text_with_letters("zR?", BYTES(3, DW_EH_PE_absptr, 1, 2)), one_function);
}

TEST(augmentations_that_are_not_known_lose_their_functions)
{
	CHECK_STR(text_with_letters("?", (struct cfi_block){ 0 }), "");
	CHECK_STR(text_with_letters("R", (struct cfi_block){ 0 }), "");
	CHECK_STR(text_with_letters("zR", BYTES(99, DW_EH_PE_absptr)), "");
}

/* A function in .eh_frame or .debug_frame, with lengths of 32 or 64 bits. */
struct form {
	bool is_debug;
	bool is_long;
	uint8_t version;
};

static void put_length(struct cfi_bytes *to, const struct form *form, size_t size)
{
	if (form->is_long)
		put_u32(to, UINT32_MAX);
	if (form->is_long)
		put_u64(to, size + 8);
	else
		put_u32(to, (uint32_t)size + 4);
}

static void put_kind(struct cfi_bytes *to, const struct form *form, uint64_t kind)
{
	if (form->is_long)
		put_u64(to, kind);
	else
		put_u32(to, (uint32_t)kind);
}

static const char *text_with_form(const struct form *form)
{
	static struct cfi_bytes frames, body;
	struct cfi_block program = USUAL_CIE;
	struct cfi_file file = { .eh_frame = form->is_debug ? NULL : &frames,
				 .debug_frame = form->is_debug ? &frames : NULL };
	struct unwind_options defaults = { 0 };
	AUTO(unwind_table) table = NULL;
	AUTO_FD fd = -1;

	frames.size = 0;
	body.size = 0;
	put_u8(&body, form->version);
	put_u8(&body, 0);
	if (form->version == 4)
		put(&body, "\x08", 2);
	put(&body, "\x01\x78\x10", 3);
	put(&body, program.bytes, program.size);
	put_length(&frames, form, body.size);
	put_kind(&frames, form, form->is_debug ? UINT64_MAX : 0);
	put(&frames, body.bytes, body.size);

	put_length(&frames, form, 16);
	put_kind(&frames, form, form->is_debug ? 0 : frames.size);
	put_u64(&frames, FIXTURE_CODE);
	put_u64(&frames, 0x10);
	fd = cfi_file_open(&file);
	return unwind_table_compile(&table, fd, &defaults) ? "error" : text_of(table);
}

TEST(entries_of_every_form)
{
	for (uint8_t version = 1; version <= 4; version++) {
		for (int i = 0; i < 4; i++) {
			struct form form = { i & 1, i & 2, version };

			CHECK_STR(text_with_form(&form), version == 2 ? "" : one_function);
		}
	}
}

TEST(a_terminator_in_the_middle_ends_nothing)
{
	static struct cfi_bytes frames;
	AUTO(unwind_table) table = NULL;
	size_t cie;

	frames.size = 0;
	cie = put_cie(&frames, "zR", DW_EH_PE_pcrel | DW_EH_PE_sdata4, USUAL_CIE);
	put_fde(&frames, cie, FIXTURE_CODE, 0x10, BYTES(DW_CFA_nop));
	put_u32(&frames, 0);
	put_u32(&frames, 0);
	put_fde(&frames, cie, FIXTURE_CODE + 0x20, 0x10, BYTES(DW_CFA_nop));
	put_u32(&frames, 0);
	table = table_of(&frames);
	CHECK_STR(text_of(table), "0 rsp+8; 10 none; 20 rsp+8; 30 none");
	CHECK_EQ(table->lost[UNWIND_LOST_ENTRY], 0);
}

TEST(without_section_headers_the_terminator_is_the_end)
{
	static struct cfi_bytes frames;
	struct cfi_file file = { .eh_frame = &frames, .has_no_sections = true };
	struct unwind_options defaults = { 0 };
	AUTO(unwind_table) table = NULL;
	AUTO_FD fd = -1;
	size_t cie;

	frames.size = 0;
	cie = put_cie(&frames, "zR", DW_EH_PE_pcrel | DW_EH_PE_sdata4, USUAL_CIE);
	put_fde(&frames, cie, FIXTURE_CODE, 0x10, BYTES(DW_CFA_nop));
	put_u32(&frames, 0);
	put_fde(&frames, cie, FIXTURE_CODE + 0x20, 0x10, BYTES(DW_CFA_nop));
	fd = cfi_file_open(&file);
	CHECK_EQ(unwind_table_compile(&table, fd, &defaults), 0);
	CHECK_STR(text_of(table), one_function);
}

/* The last instruction goes back, which makes no sense. */
TEST(instructions_may_set_the_location_to_one_ahead)
{
	static struct cfi_bytes frames;
	AUTO(unwind_table) table = NULL;

	frames.size = 0;
	put_cie(&frames, "zR", DW_EH_PE_udata4, USUAL_CIE);
	put_entry(&frames,
		  BYTES(28, 0, 0, 0, 0, 0x10, 0x40, 0, 0x10, 0, 0, 0, 0, DW_CFA_set_loc, 4, 0x10,
			0x40, 0, DW_CFA_def_cfa_offset, 16, DW_CFA_set_loc, 8, 0x10, 0x40, 0,
			DW_CFA_def_cfa_offset, 24, DW_CFA_set_loc, 7, 0x10, 0x40, 0));
	table = table_of(&frames);
	CHECK_STR(text_of(table), "0 rsp+8; 4 rsp+16; 8 none");
	CHECK_EQ(table->lost[UNWIND_LOST_PROGRAM], 1);
}

/* A debug file has the same addresses and no code; functions of .eh_frame are not its business. */
TEST(a_debug_file_fills_what_is_missing)
{
	static struct cfi_bytes frames, debug;
	struct cfi_file file = { .eh_frame = &frames };
	struct cfi_file debug_file = { .debug_frame = &debug, .is_debug_file = true };
	struct unwind_options options = { 0 };
	AUTO(unwind_table) table = NULL;
	AUTO_FD fd = -1;
	AUTO_FD debug_fd = -1;

	frames.size = 0;
	debug.size = 0;
	put_usual(&frames, 0x20, BYTES(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16));
	put(&debug, "\x10\0\0\0\xff\xff\xff\xff\3\0\1\x78\x10\x0c\7\x28\x90\1\0\0", 20);
	for (uint64_t i = 0; i < 3; i++) {
		put_u32(&debug, 20);
		put_u32(&debug, 0);
		put_u64(&debug, FIXTURE_CODE + 0x18 * i);
		put_u64(&debug, 0x18);
	}
	fd = cfi_file_open(&file);
	debug_fd = cfi_file_open(&debug_file);
	options.debug_fd = &debug_fd;
	CHECK_EQ(unwind_table_compile(&table, fd, &options), 0);
	CHECK_STR(text_of(table), "0 rsp+8; 1 rsp+16; 20 rsp+40; 48 none");
	CHECK_EQ(table->entry_count, 4);
}
