// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "agent/command.h"

static int command_help(int argc, char **argv);

static const char help_help[] = "usage: wick help [VERB]\n";

static const struct command commands[] = {
	{ "record", "one profile of this machine, a process, a cgroup or a command", record_help,
	  command_record },
	{ "version", "print the version", version_help, command_version },
	{ "help", "what a verb does, and its flags", help_help, command_help },
};

static const struct command *find_command(const char *verb)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (!strcmp(verb, commands[i].verb))
			return &commands[i];
	}
	return NULL;
}

static void print_overview(FILE *out)
{
	fprintf(out, "wick: where the CPU time of a Linux machine goes, with eBPF\n\n"
		     "usage: wick VERB [FLAGS]\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(out, "  %-9s %s\n", commands[i].verb, commands[i].summary);
	fprintf(out, "\nstart with: sudo wick record -d 10s -o wick.html\n");
}

static int command_help(int argc, char **argv)
{
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;

	if (argc > 1 && !command) {
		fprintf(stderr, "wick: there is no verb \"%s\"; see `wick help`\n", argv[1]);
		return EXIT_USAGE;
	}
	if (command)
		fputs(command->help, stdout);
	else
		print_overview(stdout);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return command_help(1, argv);
	if (!strcmp(argv[1], "--version"))
		return command_version(1, argv);
	command = find_command(argv[1]);
	if (!command) {
		fprintf(stderr, "wick: there is no verb \"%s\"; see `wick help`\n", argv[1]);
		return EXIT_USAGE;
	}
	return command->run(argc - 1, argv + 1);
}
