/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the programs of this folder share besides bursts.h. */
#include <stdlib.h>

#include "bursts.h"

/* library.c: a shared library, where there can be one. */
uint64_t library_tiny(uint64_t x);
void library_call(void (*function)(long), long units);

/* assembler.S: each calls @function, or computes, @units long. */
void asm_cfi_call(void (*function)(long), long units);
void asm_fp_call(void (*function)(long), long units);
void asm_spin(long units);
/* An instruction that traps is its very first. */
void asm_trap_first(void);
/* Goes on where *@to stopped, and leaves in *@from where to go on here. */
void asm_switch(void **from, void **to);
