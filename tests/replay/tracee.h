/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "agent/base/cleanup.h"

/*
 * tracee - a child that runs one instruction at a time, and what it has in its registers and memory.
 *
 * Starts at the first instruction of its first program, which is that of the dynamic loader if it
 * has one. Keeps native_sampler's mappings those of the child. Uses nothing but ptrace on a child of
 * its own, so needs no privilege.
 */
struct tracee;

enum tracee_event {
	TRACEE_STEPPED,
	TRACEE_CLONED, /* a thread was made: from now on that is followed, and the other one rests */
	TRACEE_SIGNALED, /* a signal is delivered: at the first instruction of its handler */
	TRACEE_EXITED,
	TRACEE_FAILED,
};

/* What an instruction does to the stack, as far as it matters. */
enum tracee_instruction {
	TRACEE_OTHER,
	TRACEE_CALL,
	TRACEE_RETURN,
	TRACEE_SYSCALL,
};

/* tracee_start() - run @argv, address space not randomized. 0 or a negative error number. */
int tracee_start(struct tracee **out, char *const argv[]);

/* tracee_step() - run one instruction, or enter a handler. */
enum tracee_event tracee_step(struct tracee *tracee);

/* tracee_interrupt() - have signal @number delivered with the next step. */
void tracee_interrupt(struct tracee *tracee, int number);

/* tracee_instruction() - the one to be run next. */
enum tracee_instruction tracee_instruction(struct tracee *tracee);

/* tracee_registers() - as they are now, borrowed until the next step. */
const struct user_regs_struct *tracee_registers(const struct tracee *tracee);

/* tracee_interrupted() - the registers that the last signal found. */
const struct user_regs_struct *tracee_interrupted(const struct tracee *tracee);

/* tracee_read() - a native_reader; @tracee is the context. */
long tracee_read(void *tracee, void *to, uint32_t size, uint64_t addr);

/* tracee_word() - the eight bytes at @addr; 0 if they cannot be read. */
uint64_t tracee_word(struct tracee *tracee, uint64_t addr);

/* tracee_file_of() - last part of the name of the file mapped at @addr, or "". */
const char *tracee_file_of(const struct tracee *tracee, uint64_t addr, uint64_t *ret_offset);

/* tracee_mappings_changed() - whether they did since this was asked last. */
bool tracee_mappings_changed(struct tracee *tracee);

pid_t tracee_pid(const struct tracee *tracee);

void tracee_free(struct tracee *tracee);
DEFINE_AUTO(tracee);
