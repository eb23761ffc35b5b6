/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbolizer/unwind_table.h"

/*
 * cfi_oracle - one step up a stack on an imagined machine, by our rules and by libdw.
 *
 * Registers and memory hold numbers made from a seed, so two descriptions of a step that lead to
 * the same numbers on two machines mean the same. All of them are addresses that can be a stack, of which
 * the stack pointer is the lowest.
 */
struct cfi_machine {
	uint64_t seed;
	uint64_t registers[17]; /* by DWARF number; 16 is the place itself */
};

struct cfi_machine cfi_machine_at(uint64_t seed, uint64_t address);

/* What a step says of a register of the caller. */
struct cfi_value {
	bool is_known;
	uint64_t value;
};

struct cfi_caller {
	bool is_found;      /* no: there is no rule */
	bool is_root;       /* there is no caller */
	bool has_no_return; /* libdw only: the return address is said to stay where it is */
	bool bx_is_same;    /* rbx still has its value */
	struct cfi_value sp, ra, fp, bx;
};

struct cfi_caller cfi_caller_by_rule(const struct cfi_machine *machine,
				     const struct unwind_rule *rule);

/*
 * cfi_caller_by_kernel() - the same by the kernel side's own code, from the packed table.
 * @rule: the one that should be found: a step does not tell whether there was one
 * @address: of the place, in native_sampler's mappings
 */
struct cfi_caller cfi_caller_by_kernel(struct cfi_machine *machine, const struct unwind_rule *rule,
				       uint64_t address);

struct cfi_caller cfi_caller_by_libdw(const struct cfi_machine *machine, Dwarf_Frame *frame);
