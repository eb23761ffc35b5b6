/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * stepping - run a program instruction by instruction, and judge our stack at each of them.
 *
 * The judge is a shadow stack, exact from the process's first instruction on. Where ours is not
 * equal to it, libdw's stack tells a wrong step from one that the file itself describes so.
 */

/* What became of an instruction's stack. */
enum stepping_outcome {
	STEPPING_EQUAL,     /* every frame, and the verdict is that it is whole */
	STEPPING_SWITCHING, /* inside of a jump to another stack: the callers are those of its target */
	STEPPING_AS_FILE, /* wrong, and so is libdw, in the same frame: the file's CFI is */
	STEPPING_NO_RULE, /* wrong from a frame on, at or below one that no CFI covers */
	STEPPING_WRONG,   /* never */
	STEPPING_OUTCOMES,
};

struct stepping_counts {
	size_t steps;
	size_t outcomes[STEPPING_OUTCOMES];
	size_t threads;       /* that were made; each is followed in place of the one before */
	size_t signals;       /* that interrupted the program from outside */
	size_t frames;        /* of all stacks that are equal */
	size_t referee_asked; /* libdw's stacks, and how many of them are equal to the shadow stack */
	size_t referee_equal;
	size_t unexplained; /* STEPPING_AS_FILE where the file is not known to be wrong */
};

struct stepping_options {
	size_t signal_period; /* steps between two signals, where the program takes them; 0: none */
	size_t referee_period; /* steps between two questions to libdw; 0: only about differences */
};

/*
 * stepping_run() - run @argv to its end. What is wrong is printed, up to a few.
 *
 * Return: 0, or a negative error number if it could not be started or stepped.
 */
int stepping_run(char *const argv[], const struct stepping_options *options,
		 struct stepping_counts *ret_counts);
