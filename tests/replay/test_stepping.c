// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/test.h"
#include "tests/replay/stepping.h"

/*
 * Whole programs, from the first instruction of the dynamic loader to the exit, a stack at each. The
 * programs are built beside this one.
 */
static const char *const outcome_names[STEPPING_OUTCOMES] = {
	"equal", "switching stacks", "as the file's CFI", "no CFI", "WRONG",
};

static bool path_of(const char *name, char *ret, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", ret, size - 1);
	char *slash;

	if (length < 0)
		return false;
	ret[length] = '\0';
	slash = strrchr(ret, '/');
	snprintf(slash + 1, size - (size_t)(slash + 1 - ret), "%s", name);
	return true;
}

/* An argument has shapes.c be interrupted, when there are to be signals. */
static bool run(const char *name, const struct stepping_options *options,
		struct stepping_counts *counts)
{
	char path[512], more[] = "x";
	char *argv[] = { path, options->signal_period ? more : NULL, NULL };

	if (!path_of(name, path, sizeof(path)) || stepping_run(argv, options, counts))
		return false;
	printf("# %s: %zu instructions, %zu frames", name, counts->steps, counts->frames);
	for (size_t i = 0; i < STEPPING_OUTCOMES; i++) {
		if (counts->outcomes[i])
			printf(", %zu %s", counts->outcomes[i], outcome_names[i]);
	}
	if (counts->signals)
		printf(", %zu signals", counts->signals);
	printf("; libdw %zu of %zu equal\n", counts->referee_equal, counts->referee_asked);
	return true;
}

/* Nothing is wrong but what is not ours, and the files' CFI only where it is known to be. */
static bool is_right(const struct stepping_counts *counts)
{
	return counts->steps > 1000 && !counts->outcomes[STEPPING_WRONG] && !counts->unexplained;
}

/* At most two in a thousand instructions are without CFI: what a linker and the C library add. */
static bool is_covered(const struct stepping_counts *counts)
{
	return counts->outcomes[STEPPING_NO_RULE] * 500 <= counts->steps;
}

static const struct stepping_options plain = { .referee_period = 997 };
static const struct stepping_options interrupted = { .referee_period = 997, .signal_period = 41 };

static bool is_right_and_covered(const char *name, const struct stepping_options *options)
{
	struct stepping_counts counts;

	return run(name, options, &counts) && is_right(&counts) && is_covered(&counts) &&
	       (!options->signal_period || counts.signals > 100);
}

TEST(a_dynamic_program_has_its_stack_from_the_loaders_first_instruction_on)
{
	struct stepping_counts counts;

	CHECK(run("shapes", &plain, &counts));
	CHECK(counts.steps > 50000); /* most are of the dynamic loader */
	CHECK(is_right(&counts));
	CHECK(is_covered(&counts));
}

TEST(a_static_program_has_its_stack_at_every_instruction)
{
	CHECK(is_right_and_covered("shapes-static", &plain));
	CHECK(is_right_and_covered("shapes-static-pie", &plain));
}

TEST(optimized_and_plain_code_of_gcc_and_clang_have_their_stacks_at_every_instruction)
{
	CHECK(is_right_and_covered("shapes-O0", &plain));
	CHECK(is_right_and_covered("shapes-O3", &plain));
	CHECK(is_right_and_covered("shapes-clang", &plain));
}

TEST(an_exception_has_its_stack_at_every_instruction_of_its_way_up)
{
	CHECK(is_right_and_covered("throw", &plain));
}

TEST(a_thread_has_its_stack_from_the_call_that_makes_it_on)
{
	struct stepping_counts counts;

	CHECK(run("thread", &plain, &counts));
	CHECK_EQ(counts.threads, 1);
	CHECK(is_right(&counts));
	CHECK(is_covered(&counts));
}

TEST(a_program_interrupted_anywhere_has_its_stack_below_the_handler)
{
	CHECK(is_right_and_covered("shapes-static", &interrupted));
	CHECK(is_right_and_covered("shapes-clang", &interrupted));
}

/* What has no CFI is the program's own; the C library has it. */
TEST(a_program_with_frame_pointers_and_no_cfi_has_its_stack_at_every_instruction)
{
	CHECK(is_right_and_covered("shapes-frame-pointers", &plain));
}

/* The other way round: the library has neither, so that its code alone tells. */
TEST(a_musl_program_has_its_stack_at_every_instruction)
{
	CHECK(is_right_and_covered("shapes-musl", &plain));
}
