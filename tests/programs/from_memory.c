// SPDX-License-Identifier: Apache-2.0
/* from_memory PROGRAM [ARG...] - run a copy of PROGRAM that only exists in memory. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	int from = open(argv[1], O_RDONLY | O_CLOEXEC);
	int to = memfd_create("program", MFD_CLOEXEC);
	struct stat status;

	if (argc < 2 || from < 0 || to < 0 || fstat(from, &status) ||
	    sendfile(to, from, NULL, (size_t)status.st_size) != status.st_size)
		return 1;
	fexecve(to, argv + 1, environ);
	return 1;
}
