// SPDX-License-Identifier: Apache-2.0
/* Small functions in machine code, and what must be known at each of their instructions. */
#include "symbolizer/code_flow.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/test.h"

static char text[1024];

static const char *name_of(uint8_t number)
{
	static const char *const names[] = {
		"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"
	};

	return names[number & 15];
}

static size_t print_rule(char *out, size_t size, const struct unwind_rule *rule)
{
	size_t used = 0;

	if (rule->cfa == UNWIND_RULE_END)
		return (size_t)snprintf(out, size, "root");
	if (rule->cfa == UNWIND_RULE_SIGNAL)
		return (size_t)snprintf(out, size, "signal");
	if (rule->cfa == UNWIND_RULE_DEREF)
		used = (size_t)snprintf(out, size, "*(%s%+d)%+d", name_of(rule->cfa_register),
					rule->cfa_offset, rule->cfa_addend);
	else
		used = (size_t)snprintf(out, size, "%s%+d", name_of(rule->cfa_register),
					rule->cfa_offset);
	if (rule->fp_saved == UNWIND_SAVED_AT_CFA)
		used += (size_t)snprintf(out + used, size - used, " rbp%+d", rule->fp_offset);
	if (rule->fp_saved == UNWIND_SAVED_AT_REGISTER)
		used += (size_t)snprintf(out + used, size - used, " rbp*(%s%+d)",
					 name_of(rule->saved_base), rule->fp_offset);
	if (rule->fp_saved == UNWIND_SAVED_UNDEFINED)
		used += (size_t)snprintf(out + used, size - used, " rbp lost");
	if (rule->bx_saved == UNWIND_SAVED_AT_CFA)
		used += (size_t)snprintf(out + used, size - used, " rbx%+d", rule->bx_offset);
	return used;
}

/* "0 rsp+8; 1 rsp+16 rbp-16; ..." wherever it changes; "-" where nothing is known. */
static const char *text_of(const struct code_region *region)
{
	struct cfi_budget budget = { .max_bytes = 1 << 20 };
	AUTO(code_flow) flow = NULL;
	char last[128] = "", now[128];
	size_t used = 0;

	text[0] = '\0';
	if (code_flow_new(&flow, region, &budget))
		return "error";
	for (size_t at = 0; at < region->size;) {
		const struct code_state *state = code_flow_find(flow, at);
		struct x86_instruction instruction = { .length = 1 };
		struct unwind_rule rule = { .cfa = UNWIND_RULE_NONE };

		if (state &&
		    x86_instruction_read(&instruction, region->code + at, region->size - at))
			code_state_rule(state, &rule);
		snprintf(now, sizeof(now), "-");
		if (rule.cfa != UNWIND_RULE_NONE)
			print_rule(now, sizeof(now), &rule);
		if (strcmp(now, last) != 0)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%zu %s",
						 used ? "; " : "", at, now);
		memcpy(last, now, sizeof(last));
		at += instruction.length;
	}
	return text;
}

static const char *text_of_bytes(const char *bytes, size_t size)
{
	struct code_region region = { .code = (const uint8_t *)bytes, .size = size, .entry = size };

	return text_of(&region);
}

#define TEXT(bytes) text_of_bytes(bytes, sizeof(bytes) - 1)

TEST(a_function_with_a_frame_pointer)
{
	/* push %rbp; mov %rsp,%rbp; sub $32,%rsp; mov %rbx,-8(%rbp); mov -8(%rbp),%rbx; leave; ret */
	CHECK_STR(TEXT("\x55\x48\x89\xe5\x48\x83\xec\x20\x48\x89\x5d\xf8\x48\x8b\x5d\xf8\xc9\xc3"),
		  "0 rsp+8; 1 rsp+16 rbp-16; 4 rbp+16 rbp-16; 12 rbp+16 rbp-16 rbx-24; "
		  "16 rbp+16 rbp-16; 17 rsp+8");
}

TEST(a_function_without_one)
{
	/* push %rbx; push %rbp; sub $24,%rsp; xor %ebp,%ebp; add $24,%rsp; pop %rbp; pop %rbx; ret */
	CHECK_STR(TEXT("\x53\x55\x48\x83\xec\x18\x31\xed\x48\x83\xc4\x18\x5d\x5b\xc3"),
		  "0 rsp+8; 1 rsp+16 rbx-16; 2 rsp+24 rbp-24 rbx-16; 6 rsp+48 rbp-24 rbx-16; "
		  "12 rsp+24 rbp-24 rbx-16; 13 rsp+16 rbx-16; 14 rsp+8");
}

TEST(assembler_that_saves_by_mov)
{
	/* sub $16,%rsp; mov %rbp,8(%rsp); xor %ebp,%ebp; mov 8(%rsp),%rbp; add $16,%rsp; ret */
	CHECK_STR(
		TEXT("\x48\x83\xec\x10\x48\x89\x6c\x24\x08\x31\xed\x48\x8b\x6c\x24\x08\x48\x83\xc4\x10\xc3"),
		"0 rsp+8; 4 rsp+24; 9 rsp+24 rbp-16; 16 rsp+24; 20 rsp+8");
}

TEST(a_frame_pointer_that_is_used_for_something_else_is_lost)
{
	/* xor %ebp,%ebp; ret */
	CHECK_STR(TEXT("\x31\xed\xc3"), "0 rsp+8; 2 rsp+8 rbp lost");
}

TEST(assembler_that_aligns_its_stack)
{
	/* mov %rsp,%rax; and $-64,%rsp; sub $128,%rsp; mov %rax,96(%rsp); xor %eax,%eax;
	   mov 96(%rsp),%rsp; ret */
	CHECK_STR(
		TEXT("\x48\x89\xe0\x48\x83\xe4\xc0\x48\x81\xec\x80\x00\x00\x00\x48\x89\x44\x24\x60"
		     "\x31\xc0\x48\x8b\x64\x24\x60\xc3"),
		"0 rsp+8; 7 rax+8; 19 *(rsp+96)+8; 26 rsp+8");
}

TEST(a_realigned_frame_as_compilers_make_it)
{
	/* lea 8(%rsp),%r10; and $-64,%rsp; push -8(%r10); push %rbp; mov %rsp,%rbp; push %r10; push %rbx;
	   sub %rdi,%rsp; call out; lea -16(%rbp),%rsp; pop %rbx; pop %r10; pop %rbp; lea -8(%r10),%rsp; ret */
	CHECK_STR(TEXT("\x4c\x8d\x54\x24\x08\x48\x83\xe4\xc0\x41\xff\x72\xf8\x55\x48\x89\xe5"
		       "\x41\x52\x53\x48\x29\xfc\xe8\x00\x01\x00\x00\x48\x8d\x65\xf0\x5b"
		       "\x41\x5a\x5d\x49\x8d\x62\xf8\xc3"),
		  "0 rsp+8; 9 r10+0; 17 r10+0 rbp*(rbp+0); 19 *(rbp-8)+0 rbp*(rbp+0); "
		  "36 r10+0; 40 rsp+8");
}

TEST(both_ways_of_a_branch_and_a_loop)
{
	/* push %rbx; 1: test %edi,%edi; je 2f; dec %edi; jmp 1b; 2: pop %rbx; ret */
	CHECK_STR(TEXT("\x53\x85\xff\x74\x04\xff\xcf\xeb\xf8\x5b\xc3"),
		  "0 rsp+8; 1 rsp+16 rbx-16; 10 rsp+8");
}

TEST(what_a_table_of_jumps_reaches_is_told_by_where_it_goes)
{
	/* push %rbp; sub $16,%rsp; jmp *%rax; mov %edi,%eax; add $16,%rsp; pop %rbp; ret */
	CHECK_STR(TEXT("\x55\x48\x83\xec\x10\xff\xe0\x89\xf8\x48\x83\xc4\x10\x5d\xc3"),
		  "0 rsp+8; 1 rsp+16 rbp-16; 5 rsp+32 rbp-16; 13 rsp+16 rbp-16; 14 rsp+8");
	/* the same by its frame pointer: ... jmp *%rax; mov %edi,%eax; leave; ret */
	CHECK_STR(TEXT("\x55\x48\x89\xe5\xff\xe0\x89\xf8\xc9\xc3"),
		  "0 rsp+8; 1 rsp+16 rbp-16; 4 rbp+16 rbp-16; 9 rsp+8");
}

TEST(the_function_behind_a_call_that_does_not_return_is_another_one)
{
	/* push %rbx; call out; push %rbp; pop %rbp; ret: nobody saves a register in mid-function */
	CHECK_STR(TEXT("\x53\xe8\x00\x01\x00\x00\x55\x5d\xc3"),
		  "0 rsp+8; 1 rsp+16 rbx-16; 6 rsp+8; 7 rsp+16 rbp-16; 8 rsp+8");
	/* push %rbx; call out; xor %eax,%eax; ret: the return tells */
	CHECK_STR(TEXT("\x53\xe8\x00\x01\x00\x00\x31\xc0\xc3"),
		  "0 rsp+8; 1 rsp+16 rbx-16; 6 rsp+8");
	/* sub $8,%rsp; call 1f; nops to 16; 1: ret */
	CHECK_STR(TEXT("\x48\x83\xec\x08\xe8\x07\x00\x00\x00\x0f\x1f\x80\x00\x00\x00\x00\xc3"),
		  "0 rsp+8; 4 rsp+16; 9 -; 16 rsp+8");
}

TEST(a_loop_behind_a_call_is_run_after_it)
{
	/* sub $8,%rsp; call out; nops to 16; 1: dec %edi; jne 1b; add $8,%rsp; ret */
	CHECK_STR(TEXT("\x48\x83\xec\x08\xe8\x00\x01\x00\x00\x0f\x1f\x80\x00\x00\x00\x00"
		       "\xff\xcf\x75\xfc\x48\x83\xc4\x08\xc3"),
		  "0 rsp+8; 4 rsp+16; 24 rsp+8");
}

TEST(what_linkers_put_between_sections_is_no_code)
{
	/* push %rax; pop %rax; ret; 13 zeros; push %rbp; pop %rbp; ret */
	CHECK_STR(TEXT("\x50\x58\xc3\0\0\0\0\0\0\0\0\0\0\0\0\0\x55\x5d\xc3"),
		  "0 rsp+8; 1 rsp+16; 2 rsp+8; 3 -; 16 rsp+8; 17 rsp+16 rbp-16; 18 rsp+8");
}

TEST(a_function_that_is_called_through_a_pointer_only)
{
	/* ret; nops to 16; jmp *%rdx */
	CHECK_STR(TEXT("\xc3\x66\x0f\x1f\x84\0\0\0\0\0\x66\x0f\x1f\x44\0\0\xff\xe2"),
		  "0 rsp+8; 1 -; 16 rsp+8");
	/* ret; nops to 16; 1: syscall; jmp 1b */
	CHECK_STR(TEXT("\xc3\x66\x0f\x1f\x84\0\0\0\0\0\x66\x0f\x1f\x44\0\0\x0f\x05\xeb\xfc"),
		  "0 rsp+8; 1 -; 16 rsp+8");
}

TEST(what_a_signal_handler_returns_to_is_a_frame_of_its_own)
{
	/* ret; mov $15,%rax; syscall; nopl; a function: sub $8,%rsp; add $8,%rsp; ret */
	CHECK_STR(TEXT("\xc3\x48\xc7\xc0\x0f\0\0\0\x0f\x05\x66\x0f\x1f\x44\0\0"
		       "\x48\x83\xec\x08\x48\x83\xc4\x08\xc3"),
		  "0 rsp+8; 1 signal; 10 -; 16 rsp+8; 20 rsp+16; 24 rsp+8");
}

TEST(a_function_that_does_not_fit_together_is_unknown_as_a_whole)
{
	/* push %rbx; push %rbx; pop %rbx; ret */
	CHECK_STR(TEXT("\x53\x53\x5b\xc3"), "0 -");
	/* push %rdi; pop %rcx; pop %rcx; push %rdi; push %rcx; jmp out: its return address is another's */
	CHECK_STR(TEXT("\x57\x59\x59\x57\x51\xe9\x00\x01\x00\x00"), "0 -");
	/* and the next one is not */
	CHECK_STR(TEXT("\x53\x53\x5b\xc3\x53\x5b\xc3"), "0 -; 4 rsp+8; 5 rsp+16 rbx-16; 6 rsp+8");
}

TEST(a_stack_pointer_from_elsewhere_is_not_followed)
{
	/* push %rbx; mov %rdi,%rsp; pop %rbx; ret: a switch of stacks */
	CHECK_STR(TEXT("\x53\x48\x89\xfc\x5b\xc3"), "0 rsp+8; 1 rsp+16 rbx-16; 4 -");
}

TEST(nobody_calls_the_entry_point)
{
	/* mov %rsp,%rdi; call 1f; mov %rax,%r12; jmp *%r12; 1: ret */
	static const uint8_t code[] =
		"\x48\x89\xe7\xe8\x06\x00\x00\x00\x49\x89\xc4\x41\xff\xe4\xc3";
	struct code_region region = { .code = code, .size = sizeof(code) - 1, .entry = 0 };

	CHECK_STR(text_of(&region), "0 root; 14 rsp+8");
}

TEST(what_held_before_goes_on)
{
	/* syscall; test %eax,%eax; the end: of a function whose CFI ends before the call */
	static const uint8_t code[] = "\x0f\x05\x85\xc0";
	struct code_region region = { .code = code, .size = sizeof(code) - 1, .entry = 4 };

	region.has_before = true;
	region.before = code_state_at_call();
	region.before.depth = 24;
	CHECK_STR(text_of(&region), "0 rsp+24");
}

TEST(any_bytes_end_and_stay_inside)
{
	uint32_t seed = 1;

	for (int turn = 0; turn < 60; turn++) {
		size_t size = 1 + (seed >> 8) % 20000;
		uint8_t *code = malloc(size);
		struct code_region region = { .code = code, .size = size, .entry = seed % size };
		struct cfi_budget budget = { .max_bytes = 1 << 20 };
		struct code_flow *flow = NULL;
		int err;

		CHECK(code);
		for (size_t i = 0; i < size; i++) {
			/* calls, jumps, pushes and returns all over the place */
			static const uint8_t often[] = { 0xe8, 0x55, 0x5d, 0xc3,
							 0x74, 0xeb, 0x00, 0xff };

			seed = seed * 1664525 + 1013904223;
			code[i] = seed >> 30 ? often[seed >> 20 & 7] : (uint8_t)(seed >> 12);
		}
		err = code_flow_new(&flow, &region, &budget);
		for (size_t i = 0; !err && i < size; i++)
			code_flow_find(flow, i);
		code_flow_free(flow);
		free(code);
		CHECK_EQ(err, 0);
		CHECK_EQ(budget.bytes, 0);
	}
}
