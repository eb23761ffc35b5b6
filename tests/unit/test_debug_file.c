// SPDX-License-Identifier: Apache-2.0
/* Debug files in a root directory of our own, as a container's. */
#include "symbolizer/debug_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "symbolizer/checksum.h"
#include "tests/harness/test.h"

static char root[] = "/tmp/wick-debug-XXXXXX";

static void remove_root(void)
{
	char line[128];
	FILE *shell;

	snprintf(line, sizeof(line), "rm -rf --one-file-system %s", root);
	shell = popen(line, "r");
	if (shell)
		pclose(shell);
}

/* Runs a command in a new root, in which app/program is stripped and debug is its debug file. */
static bool prepare(const char *command)
{
	char line[2048];
	FILE *shell;

	if (strstr(root, "XXXXXX")) {
		if (!mkdtemp(root))
			return false;
		atexit(remove_root);
	}
	snprintf(
		line, sizeof(line),
		"cd %s && rm -rf ./* && mkdir -p app usr/lib/debug && echo 'int main(void) { return 0; }' |"
		" cc -g -x c -Wl,--build-id=0xabcdef0123 -o whole - &&"
		" objcopy --only-keep-debug whole debug && cp debug program.debug &&"
		" strip -o app/program whole && { %s; } 2>/dev/null",
		root, command);
	shell = popen(line, "w");
	return shell && !pclose(shell);
}

static int open_in_root(const char *path)
{
	char full[128];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	return open(full, O_RDONLY | O_CLOEXEC);
}

/* Whether what is found for app/program is the file @expected in the root; NULL: nothing is. */
static bool finds(const char *expected)
{
	AUTO_FD program = open_in_root("app/program");
	AUTO_FD directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD found = -1;
	struct stat is, should_be;
	char full[128];
	int err = debug_file_find(&found, program, directory, "/app/program");

	if (!expected)
		return err == -ENOENT && found < 0;
	snprintf(full, sizeof(full), "%s/%s", root, expected);
	return !err && !fstat(found, &is) && !stat(full, &should_be) &&
	       is.st_ino == should_be.st_ino && is.st_dev == should_be.st_dev;
}

#define BY_ID "usr/lib/debug/.build-id/ab/cdef0123.debug"

TEST(a_debug_file_is_found_by_build_id)
{
	CHECK(prepare("true"));
	CHECK(finds(NULL));
	CHECK(prepare("mkdir -p usr/lib/debug/.build-id/ab && cp debug " BY_ID));
	CHECK(finds(BY_ID));
}

TEST(a_file_of_another_build_id_is_no_debug_file)
{
	CHECK(prepare("mkdir -p usr/lib/debug/.build-id/ab && cp /bin/sh " BY_ID));
	CHECK(finds(NULL));
	CHECK(prepare("mkdir -p usr/lib/debug/.build-id/ab && echo hello >" BY_ID));
	CHECK(finds(NULL));
}

TEST(a_debug_file_is_found_by_name_where_its_checksum_is_right)
{
	const char *add = "objcopy --add-gnu-debuglink=program.debug app/program";
	char command[512];

	snprintf(command, sizeof(command), "%s && cp debug app/program.debug", add);
	CHECK(prepare(command));
	CHECK(finds("app/program.debug"));
	snprintf(command, sizeof(command),
		 "%s && mkdir app/.debug && cp debug app/.debug/program.debug", add);
	CHECK(prepare(command));
	CHECK(finds("app/.debug/program.debug"));
	snprintf(command, sizeof(command),
		 "%s && mkdir usr/lib/debug/app && cp debug usr/lib/debug/app/program.debug", add);
	CHECK(prepare(command));
	CHECK(finds("usr/lib/debug/app/program.debug"));
	snprintf(command, sizeof(command), "%s && { cat debug; echo; } >app/program.debug", add);
	CHECK(prepare(command));
	CHECK(finds(NULL));
}

TEST(links_lead_to_places_in_the_root_and_not_out_of_it)
{
	CHECK(prepare("mkdir -p usr/lib/debug/.build-id/ab store && cp debug store/file &&"
		      " ln -s /store/file " BY_ID));
	CHECK(finds("store/file"));
	/* The same file by its path on the host, which is another one or none in the root. */
	CHECK(prepare("mkdir -p usr/lib/debug/.build-id/ab && ln -s $PWD/debug " BY_ID));
	CHECK(finds(NULL));
	CHECK(prepare(
		"mkdir -p usr/lib/debug/.build-id/ab && ln -s ../../../../../../../../../..$PWD/debug " BY_ID));
	CHECK(finds(NULL));
	CHECK(prepare("mkdir -p usr/lib/debug/.build-id/ab && exec 9<debug &&"
		      " ln -s /proc/self/fd/9 " BY_ID));
	CHECK(finds(NULL));
}

TEST(what_is_no_regular_file_is_not_opened)
{
	/* Opening the pipe would wait for a writer, for ever. */
	CHECK(prepare("mkdir -p usr/lib/debug/.build-id/ab && mkfifo " BY_ID));
	CHECK(finds(NULL));
	CHECK(prepare("mkdir -p " BY_ID));
	CHECK(finds(NULL));
}

TEST(without_a_root_only_the_hosts_is_looked_in)
{
	AUTO_FD program = -1;
	AUTO_FD found = -1;

	CHECK(prepare("mkdir -p usr/lib/debug/.build-id/ab && cp debug " BY_ID));
	program = open_in_root("app/program");
	CHECK_EQ(debug_file_find(&found, program, -1, "/app/program"), -ENOENT);
	CHECK_EQ(debug_file_find(&found, program, -1, NULL), -ENOENT);
}

TEST(the_checksum_of_debug_links)
{
	/* The check value that every description of this CRC gives. */
	CHECK_EQ(checksum_add(0, "123456789", 9), 0xcbf43926);
	CHECK_EQ(checksum_add(0, "", 0), 0);
	for (size_t part = 0; part <= 9; part++)
		CHECK_EQ(checksum_add(checksum_add(0, "123456789", part), "123456789" + part,
				      9 - part),
			 0xcbf43926);
	CHECK_EQ(checksum_add(0, "12345678901234567890123456789012345678901234567890", 50),
		 checksum_add(checksum_add(0, "1234567890123456789012345678901", 31),
			      "2345678901234567890", 19));
}
