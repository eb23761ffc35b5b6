/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * go_code - what the machine code of Go's runtime tells, where its tables are silent.
 *
 * A few assembler functions of the runtime go from one stack to another. Where in them that
 * happens, and where they keep what leads back, differs from version to version; the few
 * instructions that do it do not. Values; they own nothing.
 *
 * Source: runtime/asm_amd64.s, runtime/sys_linux_amd64.s and runtime/cgo of Go 1.16 to 1.26.
 */

/* A kind of function. All but the first are known by their names. */
enum go_kind {
	GO_KIND_FRAME,     /* writes to the stack pointer: its frame is found by rbp */
	GO_KIND_ROOT,      /* the first of a stack */
	GO_KIND_LEAVE,     /* mcall: drops the goroutine's stack for good */
	GO_KIND_BORROW,    /* systemstack: goes to the thread's stack and comes back */
	GO_KIND_GROW,      /* morestack: the same, for a function that has not begun yet */
	GO_KIND_CALL_C,    /* asmcgocall */
	GO_KIND_CALLED,    /* crosscall2: called by C, whose registers it saves */
	GO_KIND_RESUME,    /* gogo: goes to a goroutine's stack */
	GO_KIND_INTERRUPT, /* called between two instructions of its caller */
	GO_KIND_SIGNAL,    /* the return from a signal handler */
	GO_KIND_VFORK,     /* keeps its return address in r12 for a while */
};

/* How the caller of an instruction is found. */
enum go_state {
	GO_STATE_PLAIN,     /* by the stack size */
	GO_STATE_ROOT,      /* there is none */
	GO_STATE_FRAME,     /* rbp points to the frame, where there is one */
	GO_STATE_NO_FRAME,  /* rbp is the caller's, and all that there is */
	GO_STATE_RDX,       /* the old stack pointer is in rdx */
	GO_STATE_CALL_C,    /* by what asmcgocall keeps on its new stack */
	GO_STATE_SAVED,     /* by the goroutine's saved stack pointer */
	GO_STATE_GROW,      /* by all of its saved registers */
	GO_STATE_RBX,       /* rbx points to the stack pointer and the pc to go to */
	GO_STATE_RBX_IS_PC, /* rbx is that pc */
	GO_STATE_INTERRUPT, /* by the stack size, and the pc is exact */
	GO_STATE_SIGNAL,    /* by the kernel's frame */
};

enum {
	GO_MAX_CHANGES = 16
};

/* From byte @at of a function on, its callers are found by @state. */
struct go_change {
	uint32_t at;
	enum go_state state;
};

struct go_changes {
	size_t count; /* one at least: that of byte 0 */
	struct go_change items[GO_MAX_CHANGES];
};

/* go_code_read_changes() - look through the code of a function. */
void go_code_read_changes(struct go_changes *out, enum go_kind kind, const uint8_t *code,
			  size_t size);

/* Where a runtime keeps what. */
struct go_offsets {
	int32_t g;            /* from the thread pointer to the running goroutine; 0: not known */
	uint8_t m_word;       /* g.m, counted in words of 8 bytes */
	uint8_t curg_word;    /* m.curg, counted in words */
	int32_t saved_sp;     /* in g; the saved pc follows it */
	int32_t saved_fp;     /* in g */
	int32_t called_g;     /* from rsp, while asmcgocall calls C: the goroutine */
	int32_t called_depth; /* and how deep it was in its stack */
};

/* go_code_read_offsets() - what is to be learned from the code of a function of @kind. */
void go_code_read_offsets(struct go_offsets *offsets, enum go_kind kind, const uint8_t *code,
			  size_t size);
