/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"

/*
 * quality - how far a profile can be trusted, in numbers that it carries with it.
 *
 * A plain value. taken = exported + the sum of drops, always.
 */
struct quality {
	uint64_t taken;
	uint64_t exported;
	uint64_t drops[ABI_DROP_KINDS];
	uint64_t busy_ticks;      /* timer interrupts that found a CPU at work, for whomever */
	uint64_t busy_ns;         /* CPU time that the machine used meanwhile; 0: not known */
	uint32_t frequency_hz;    /* asked for */
	bool frame_pointers_only; /* no other way to unwind was to be had */
	uint64_t frames;       /* in all exported samples, marks such as [truncated] not counted */
	uint64_t frames_named; /* of them, with the name of a function */
	uint64_t verdicts[ABI_VERDICT_KINDS]; /* exported samples by how their stack ended */
};

/* quality_drops() - samples lost, for whatever reason. */
uint64_t quality_drops(const struct quality *quality);

/*
 * quality_achieved_hz() - samples there were for each second of CPU time used, of which
 * frequency_hz were due. 0 if too little was used to tell.
 */
double quality_achieved_hz(const struct quality *quality);

/* quality_line() - all of it in one line of text, owned by the caller; NULL without memory. */
char *quality_line(const struct quality *quality);
