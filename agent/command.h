/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * command - the verbs of the command line.
 *
 * Each takes its own arguments, argv[0] being the verb, and returns the exit status.
 */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,     /* at run time */
	EXIT_USAGE = 2,      /* the command line */
	EXIT_NO_SAMPLES = 3, /* the target used no CPU time, or does not exist */
};

struct command {
	const char *verb;
	const char *summary; /* one line */
	const char *help;    /* all of it */
	int (*run)(int argc, char **argv);
};

int command_record(int argc, char **argv);
int command_version(int argc, char **argv);

extern const char record_help[];
extern const char version_help[];
