/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/user.h>

#include "bpf/abi.h"
#include "symbolizer/unwind_table.h"

/*
 * native_sampler - bpf/sampler.bpf.c compiled for user space, ticking in a process that is a description.
 *
 * The source is that of the kernel side, line by line, its maps and helpers are ours; the unwind
 * tables are compiled and packed by the agent's code. As in the kernel there is one of it, so
 * these functions are for one thread.
 */

#define NATIVE_NO_FILE UINT32_MAX /* memory that no file backs */
#define NATIVE_VDSO    (UINT32_MAX - 1)

struct native_mapping {
	uint64_t start;
	uint64_t end;
	uint64_t file_offset; /* bytes into the file at start */
	uint32_t file;        /* number of native_add_file(), or one of the two above */
	bool is_executable;
};

/* Copies from the process; 0, or negative if not all of it can be read. */
typedef long native_reader(void *context, void *to, uint32_t size, uint64_t addr);

/*
 * native_add_file() - compile and load the unwind table of @fd, which is borrowed.
 * Return: 0 or a negative error number.
 */
int native_add_file(int fd, uint32_t *ret_file);

/* native_add_table() - the same for rows made by hand: for inputs that no compiler makes. */
int native_add_table(const struct unwind_table *table, uint32_t *ret_file);

/* native_set_start_stack() - the stack pointer that the process began with. */
void native_set_start_stack(uint64_t sp);

/* native_set_mappings() - how the process looks from now on. @mappings: ascending. 0 or -ENOMEM. */
int native_set_mappings(const struct native_mapping *mappings, uint32_t count);

/* native_tick() - the record that a tick at @registers sends; borrowed until the next. */
const struct abi_sample *native_tick(const struct user_regs_struct *registers, native_reader *read,
				     void *context);

/*
 * native_walk_makes_progress() - whether each step of the walk from @registers brings it nearer to an
 * end, as bpf/unwind.bpf.h says that it does.
 */
bool native_walk_makes_progress(const struct user_regs_struct *registers, native_reader *read,
				void *context);

/* What one step leads to. */
struct native_caller {
	bool is_found; /* there is a caller */
	bool is_root;  /* there is none, says the rule */
	uint64_t pc, sp, fp, bx;
	bool fp_is_known, bx_is_known;
};

/* native_step() - one step: a tick where the caller's pc is no code, so that it ends there. */
struct native_caller native_step(const struct user_regs_struct *registers, native_reader *read,
				 void *context);

/* native_frame_word() - the frame that stands for @addr, by a plain search. */
uint64_t native_frame_word(uint64_t addr);

/* native_rule_of() - what the compiled table says at @addr, borrowed; NULL if it says nothing. */
const struct unwind_rule *native_rule_of(uint64_t addr);

/* native_clear() - forget files and mappings. */
void native_clear(void);
