// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "agent/command.h"

const char version_help[] = "usage: wick version\n";

int command_version(int argc, char **argv)
{
	if (argc > 1) {
		fprintf(stderr, "wick version: unexpected \"%s\"\n", argv[1]);
		return EXIT_USAGE;
	}
	printf("wick %s\n", WICK_VERSION);
	return EXIT_DONE;
}
