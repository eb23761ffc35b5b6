// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/unwind_table.h"
#include "tests/harness/test.h"
#include "tests/unit/cfi_fixture.h"

/* Expressions, with their size before them as in the instructions. */
#define PLUS_8          DW_OP_plus_uconst, 8
#define SLEB(low, high) ((low) | 0x80), (high) /* of two bytes */

TEST(a_function_that_pushes_and_pops_rbp)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16,
					DW_CFA_offset | 6, 2, DW_CFA_advance_loc | 3,
					DW_CFA_def_cfa_register, 6, DW_CFA_advance_loc1, 0x50,
					DW_CFA_def_cfa, 7, 8)),
		  "0 rsp+8; 1 rsp+16 rbp@cfa-16; 4 rbp+16 rbp@cfa-16; 54 rsp+8 rbp@cfa-16; "
		  "100 none");
}

TEST(rows_that_change_nothing_are_one)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_advance_loc | 1, DW_CFA_offset | 12, 2,
					DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 8,
					DW_CFA_advance_loc | 1, DW_CFA_GNU_args_size, 16)),
		  "0 rsp+8; 100 none");
}

TEST(remembered_states_come_back_with_their_cfa)
{
	CHECK_STR(text_of_program(BYTES(
			  DW_CFA_advance_loc | 2, DW_CFA_def_cfa_offset, 32, DW_CFA_offset | 3, 3,
			  DW_CFA_remember_state, DW_CFA_advance_loc | 2, DW_CFA_restore | 3,
			  DW_CFA_def_cfa_offset, 8, DW_CFA_advance_loc | 1, DW_CFA_restore_state)),
		  "0 rsp+8; 2 rsp+32 rbx@cfa-24; 4 rsp+8; 5 rsp+32 rbx@cfa-24; 100 none");
}

TEST(the_longer_forms_of_instructions_are_the_same)
{
	CHECK_STR(
		text_of_program(BYTES(DW_CFA_advance_loc2, 2, 0, DW_CFA_def_cfa_sf, 6, 0x7e,
				      DW_CFA_offset_extended, 6, 2, DW_CFA_advance_loc4, 2, 0, 0, 0,
				      DW_CFA_def_cfa_offset_sf, 0x7d, DW_CFA_offset_extended_sf, 3,
				      0x7f, DW_CFA_advance_loc1, 2, DW_CFA_restore_extended, 6,
				      DW_CFA_GNU_negative_offset_extended, 3, 4,
				      DW_CFA_advance_loc | 1, DW_CFA_MIPS_advance_loc8, 8, 0, 0, 0,
				      0, 0, 0, 0, DW_CFA_same_value, 3, DW_CFA_GNU_window_save)),
		"0 rsp+8; 2 rbp+16 rbp@cfa-16; 4 rbp+24 rbp@cfa-16 rbx@cfa+8; "
		"6 rbp+24 rbx@cfa+32; f rbp+24; 100 none");
}

TEST(an_undefined_return_address_is_the_end)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_undefined, 16)), "0 end; 100 none");
}

TEST(registers_may_be_in_registers_or_lost)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_register, 16, 5, DW_CFA_register, 6, 11,
					DW_CFA_undefined, 3, DW_CFA_advance_loc | 1,
					DW_CFA_register, 3, 3, DW_CFA_undefined, 6)),
		  "0 rsp+8 ra=rdi rbp=r11 rbx lost; 1 rsp+8 ra=rdi rbp lost; 100 none");
}

TEST(a_cfa_in_any_register_keeps_its_number)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_def_cfa_register, 0, DW_CFA_advance_loc | 1,
					DW_CFA_def_cfa, 10, 0, DW_CFA_advance_loc | 1,
					DW_CFA_def_cfa, 15, 16)),
		  "0 rax+8; 1 r10+0; 2 r15+16; 100 none");
}

TEST(a_realigned_stack_of_gcc)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_advance_loc | 5, DW_CFA_def_cfa, 10, 0,
					DW_CFA_advance_loc | 9, DW_CFA_expression, 6, 2,
					DW_OP_breg6, 0, DW_CFA_advance_loc | 4,
					DW_CFA_def_cfa_expression, 3, DW_OP_breg6, 0x78,
					DW_OP_deref, DW_CFA_expression, 3, 2, DW_OP_breg6, 0x70,
					DW_CFA_advance_loc | 8, DW_CFA_def_cfa, 10, 0)),
		  "0 rsp+8; 5 r10+0; e r10+0 rbp@rbp+0; "
		  "12 *(rbp-8)+0 rbp@rbp+0 rbx@rbp-16; 1a r10+0 rbp@rbp+0 rbx@rbp-16; 100 none");
}

TEST(the_saved_stack_pointers_of_assembler)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_def_cfa_expression, 6, DW_OP_breg7, SLEB(0x18, 1),
					DW_OP_deref, PLUS_8)),
		  "0 *(rsp+152)+8; 100 none");
	CHECK_STR(text_of_program(BYTES(DW_CFA_def_cfa_expression, 10, DW_OP_breg7, 8, DW_OP_breg9,
					0, DW_OP_lit8, DW_OP_mul, DW_OP_plus, DW_OP_deref, PLUS_8)),
		  "0 *(rsp+8+r9*8)+8; 100 none");
	CHECK_STR(text_of_program(BYTES(DW_CFA_def_cfa_expression, 9, DW_OP_breg9, 1, DW_OP_lit3,
					DW_OP_shl, DW_OP_bregx, 7, 4, DW_OP_plus, DW_OP_deref)),
		  "0 *(rsp+12+r9*8)+0; 100 none");
	CHECK_STR(text_of_program(BYTES(DW_CFA_def_cfa_expression, 6, DW_OP_breg7, 0, DW_OP_deref,
					DW_OP_const1u, 16, DW_OP_minus)),
		  "0 *(rsp+0)-16; 100 none");
}

TEST(the_linkers_rule_for_procedure_linkage_tables)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_def_cfa_expression, 11, DW_OP_breg7, 8, DW_OP_breg16,
					0, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
					DW_OP_lit3, DW_OP_shl, DW_OP_plus)),
		  "0 plt 11; 100 none");
	CHECK_STR(text_of_program(BYTES(DW_CFA_def_cfa_expression, 11, DW_OP_breg7, 8, DW_OP_breg16,
					0, DW_OP_lit15, DW_OP_and, DW_OP_lit9, DW_OP_ge, DW_OP_lit3,
					DW_OP_shl, DW_OP_plus)),
		  "0 plt 9; 100 none");
}

TEST(longjmp_has_the_callers_stack_pointer_in_a_register)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_def_cfa, 5, 0, DW_CFA_register, 7, 8,
					DW_CFA_register, 6, 9, DW_CFA_register, 16, 1,
					DW_CFA_offset_extended_sf, 3, 0x7e)),
		  "0 r8+0 ra=rdx rbp=r9 rbx@rdi+16; 100 none");
}

TEST(setcontext_has_it_in_memory)
{
	CHECK_STR(
		text_of_program(BYTES(DW_CFA_def_cfa, 5, 0, DW_CFA_offset_extended_sf, 7, 0x6c,
				      DW_CFA_offset_extended_sf, 6, 0x71, DW_CFA_offset_extended_sf,
				      16, 0x6b, DW_CFA_offset_extended_sf, 3, 0x70)),
		"0 *(rdi+160)+0 ra@rdi+168 rbp@rdi+120 rbx@rdi+128; 100 none");
}

TEST(a_stack_pointer_beside_the_cfa_is_the_cfa)
{
	CHECK_STR(text_of_program(BYTES(DW_CFA_val_offset_sf, 7, 0x7e)),
		  "0 rsp+24 ra@cfa-24; 100 none");
	CHECK_STR(text_of_program(BYTES(DW_CFA_val_expression, 7, 2, DW_OP_breg7, 0x20)),
		  "0 rsp+32 ra@rsp+0; 100 none");
}

TEST(a_signal_frame_is_all_in_the_ucontext)
{
	static struct cfi_bytes frames;
	AUTO(unwind_table) table = NULL;
	size_t cie;

	frames.size = 0;
	cie = put_cie(&frames, "zRS", DW_EH_PE_pcrel | DW_EH_PE_sdata4, BYTES(DW_CFA_nop));
	put_fde(&frames, cie, FIXTURE_CODE, 0x10,
		BYTES(DW_CFA_def_cfa_expression, 4, DW_OP_breg7, SLEB(0x20, 1), DW_OP_deref,
		      DW_CFA_expression, 7, 3, DW_OP_breg7, SLEB(0x20, 1), DW_CFA_expression, 6, 3,
		      DW_OP_breg7, SLEB(0x78, 0), DW_CFA_expression, 3, 3, DW_OP_breg7, SLEB(0, 1),
		      DW_CFA_expression, 16, 3, DW_OP_breg7, SLEB(0x28, 1)));
	table = table_of(&frames);
	CHECK_STR(text_of(table), "0 signal; 10 none");
}

TEST(intels_expressions_lose_rbx_alone)
{
	static struct cfi_bytes frames;
	AUTO(unwind_table) table = NULL;

	frames.size = 0;
	put_usual(&frames, 0x10,
		  BYTES(DW_CFA_expression, 3, 8, DW_OP_lit8, DW_OP_minus, DW_OP_const1s, 0xe0,
			DW_OP_and, DW_OP_const1s, 0xf8, DW_OP_plus));
	table = table_of(&frames);
	CHECK_STR(text_of(table), "0 rsp+8 rbx lost; 10 none");
	CHECK_EQ(table->lost[UNWIND_LOST_RBX], 1);
}

TEST(what_has_no_rule_is_counted_and_has_none)
{
	static struct cfi_bytes frames;
	AUTO(unwind_table) table = NULL;

	frames.size = 0;
	put_usual(&frames, 0x10,
		  BYTES(DW_CFA_def_cfa_expression, 3, DW_OP_breg7, 0, DW_OP_not,
			DW_CFA_advance_loc | 1, DW_CFA_def_cfa, 33, 0, DW_CFA_advance_loc | 1,
			DW_CFA_def_cfa, 7, 8, DW_CFA_advance_loc | 1, DW_CFA_same_value, 16,
			DW_CFA_advance_loc | 1, DW_CFA_restore_extended, 16, DW_CFA_def_cfa_offset,
			0x80, 0x80, 0x80, 0x80, 0x8));
	table = table_of(&frames);
	CHECK_STR(text_of(table), "0 none; 2 rsp+8; 3 none");
	CHECK_EQ(table->lost[UNWIND_LOST_CFA], 3);
	CHECK_EQ(table->lost[UNWIND_LOST_RETURN_ADDRESS], 1);
}

TEST(the_rule_at_an_offset_is_that_of_the_row_before)
{
	static struct cfi_bytes frames;
	AUTO(unwind_table) table = NULL;

	frames.size = 0;
	put_usual(&frames, 0x10, BYTES(DW_CFA_advance_loc | 4, DW_CFA_def_cfa_offset, 16));
	table = table_of(&frames);
	CHECK(table);
	CHECK(!unwind_table_find(table, FIXTURE_CODE_OFFSET - 1));
	CHECK_EQ(unwind_table_find(table, FIXTURE_CODE_OFFSET)->cfa_offset, 8);
	CHECK_EQ(unwind_table_find(table, FIXTURE_CODE_OFFSET + 3)->cfa_offset, 8);
	CHECK_EQ(unwind_table_find(table, FIXTURE_CODE_OFFSET + 4)->cfa_offset, 16);
	CHECK_EQ(unwind_table_find(table, UINT64_MAX)->cfa, UNWIND_RULE_NONE);
}
