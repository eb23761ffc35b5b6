/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"

/*
 * unwind_table - how to get from any instruction of a file to the frame that called it.
 *
 * Compiled from .eh_frame, .debug_frame or Go's .gopclntab, or from the code itself where none of them
 * describes it: for each place where the answer changes a row, and each distinct answer once, as a rule. Rows are by file offset, since that is
 * what a sample has; row i is valid from its offset up to that of row i + 1. Where nothing is
 * known the rule is UNWIND_RULE_NONE, which means "follow the frame pointer", not "the end".
 *
 * Source: DWARF 5 section 6.4, the Linux Standard Base's .eh_frame, the System V ABI for x86-64.
 */

/* How the canonical frame address (the stack pointer before the call) is found. */
enum unwind_cfa {
	UNWIND_RULE_NONE,     /* not known: follow the frame pointer */
	UNWIND_RULE_END,      /* outermost frame: the return address is undefined */
	UNWIND_RULE_REGISTER, /* cfa = cfa_register + cfa_offset */
	UNWIND_RULE_DEREF,    /* cfa = *(cfa_register + cfa_offset) + cfa_addend */
	/* cfa = *(cfa_register + cfa_index * cfa_scale + cfa_offset) + cfa_addend */
	UNWIND_RULE_INDEXED,
	UNWIND_RULE_PLT,    /* cfa = rsp + 8 + ((rip & 15) >= cfa_offset ? 8 : 0) */
	UNWIND_RULE_SIGNAL, /* rsp points to the kernel's struct ucontext: everything is in there */
	UNWIND_RULE_GO,     /* a step of Go's runtime; see enum unwind_go */
};

/*
 * Steps of Go's runtime, in bx_saved: mostly between stacks, that may lie anywhere in memory. The
 * goroutine "curg" is found from the thread's pointer: g at cfa_addend from there, m in word cfa_index
 * of g, curg in word cfa_scale of m.
 */
enum unwind_go {
	UNWIND_GO_REGISTER,  /* cfa = cfa_register + cfa_offset, on any stack */
	UNWIND_GO_INTERRUPT, /* the same; the caller's pc is the instruction that comes next */
	/* cfa = *(curg + bx_offset) + cfa_offset; where that fails, cfa_register + 16 if it is rbp */
	UNWIND_GO_SAVED,
	/* goes on at rsp = *(curg + bx_offset), pc = *(curg + bx_offset + 8), rbp = *(curg + fp_offset) */
	UNWIND_GO_RESUME,
	/*
	 * g = *(rsp + bx_offset), depth = *(rsp + cfa_addend): cfa = *(g + 8) - depth + cfa_offset, or
	 * without a g depth + cfa_offset.
	 */
	UNWIND_GO_CALL,
};

/* How a register of the caller is found. */
enum unwind_saved {
	UNWIND_SAVED_SAME,        /* it still has its value */
	UNWIND_SAVED_AT_CFA,      /* in memory, at cfa + offset */
	UNWIND_SAVED_REGISTER,    /* in another register, whose DWARF number is the offset */
	UNWIND_SAVED_UNDEFINED,   /* lost */
	UNWIND_SAVED_AT_REGISTER, /* in memory, at saved_base + offset, as it is before the step */
};

/*
 * Registers by DWARF number: 0 rax, 1 rdx, 2 rcx, 3 rbx, 4 rsi, 5 rdi, 6 rbp, 7 rsp, 8-15 r8-r15,
 * 16 rip. The caller's stack pointer is the cfa, always: code that keeps it elsewhere (longjmp,
 * setcontext) has rules whose cfa is found there. What a rule does not use is 0.
 */
struct unwind_rule {
	uint8_t cfa; /* enum unwind_cfa */
	uint8_t cfa_register;
	uint8_t fp_saved;   /* enum unwind_saved, of rbp */
	uint8_t ra_saved;   /* enum unwind_saved, of the return address */
	uint8_t bx_saved;   /* enum unwind_saved, of rbx: some code keeps the cfa in it */
	uint8_t saved_base; /* register that UNWIND_SAVED_AT_REGISTER counts from; else 0 */
	uint8_t cfa_index;  /* register, UNWIND_RULE_INDEXED only; else 0 */
	uint8_t cfa_scale;  /* bytes, UNWIND_RULE_INDEXED only; else 0 */
	int32_t cfa_offset;
	int32_t cfa_addend;
	int32_t fp_offset;
	int32_t ra_offset;
	int32_t bx_offset;
	uint32_t is_guess; /* found by looking at the code, where nothing describes it */
};
_Static_assert(sizeof(struct unwind_rule) == 32, "compared bytewise: no hidden padding");

struct unwind_row {
	uint64_t offset : 40; /* into the file */
	uint64_t rule : 24;   /* number in rules */
};
_Static_assert(sizeof(struct unwind_row) == 8, "there are millions of them");

/* What a file says and its table does not, by reason: whole functions, then rows, then registers. */
#define UNWIND_LOSSES(X)                                          \
	X(ENTRY, "broken_entry")                                  \
	X(CIE, "broken_or_unknown_cie")                           \
	X(ENCODING, "unknown_pointer_encoding")                   \
	X(OUTSIDE, "outside_of_code")                             \
	X(LENGTH, "entry_too_long")                               \
	X(PROGRAM, "broken_program")                              \
	X(EFFORT, "too_much_effort")                              \
	X(SIZE, "beyond_the_size_limit")                          \
	X(CFA, "row_cfa_not_representable")                       \
	X(RETURN_ADDRESS, "row_return_address_not_representable") \
	X(RULES, "row_too_many_rules")                            \
	X(FRAME_POINTER, "row_rbp_not_representable")             \
	X(RBX, "row_rbx_not_representable")

enum unwind_loss {
#define UNWIND_LOSS_NUMBER(name, text) UNWIND_LOST_##name,
	UNWIND_LOSSES(UNWIND_LOSS_NUMBER)
#undef UNWIND_LOSS_NUMBER
	UNWIND_LOSS_COUNT,
};

struct unwind_table {
	struct unwind_row *rows; /* ascending, no two of one offset, neighbours differ in rule */
	size_t row_count;
	struct unwind_rule *rules; /* distinct */
	size_t rule_count;
	size_t entry_count;  /* functions (FDEs) that rows were made of */
	size_t peak_bytes;   /* working memory while it was compiled, the table included */
	uint64_t code_bytes; /* of .text, or of executable segments */
	uint64_t
		covered_bytes; /* of all code, that the file itself describes: more, if all of .text is */
	uint32_t lost[UNWIND_LOSS_COUNT];
};

struct unwind_options {
	size_t max_rows;     /* what is beyond is lost, the end of the file first; 0: 16 Mi */
	size_t max_bytes;    /* working memory, table included, likewise; 0: 64 MiB */
	const int *debug_fd; /* borrowed: its separate debug file, for .debug_frame; NULL: none */
	bool follow_code;    /* where nothing describes the code, find out by its instructions */
};

/*
 * unwind_table_compile() - the table of the ELF file @fd.
 * @fd: borrowed, read with pread, never mapped
 *
 * Broken parts of a file lose their own rows only, as far as that can be told.
 *
 * Return: 0, with an empty table if the file has nothing to unwind by; -ENOEXEC if it is no
 * 64-bit x86 ELF file; -E2BIG if the limits are too tight for any table; -EIO; or -ENOMEM.
 */
int unwind_table_compile(struct unwind_table **out, int fd, const struct unwind_options *options);

/*
 * unwind_table_cut() - keep the first @row_count rows, at least one, and count the loss; the last
 * of them then says that nothing is known.
 */
void unwind_table_cut(struct unwind_table *table, size_t row_count);

/* unwind_table_find() - the rule at @offset, borrowed; NULL before the first row. */
const struct unwind_rule *unwind_table_find(const struct unwind_table *table, uint64_t offset);

void unwind_table_free(struct unwind_table *table);
DEFINE_AUTO(unwind_table);
