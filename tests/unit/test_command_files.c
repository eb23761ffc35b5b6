// SPDX-License-Identifier: Apache-2.0
#include "agent/command_files.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/process_list.h"
#include "symbolizer/elf_needs.h"
#include "tests/harness/test.h"

static struct intern *paths_of(char *const *command)
{
	struct intern *paths = NULL;

	return intern_new(&paths, 1 << 20) || command_files_find(paths, command) ? NULL : paths;
}

/* Whether a path that ends like this is among them. */
static bool has(const struct intern *paths, const char *end)
{
	for (uint32_t i = 0; paths && i < intern_count(paths); i++) {
		size_t length;
		const char *path = intern_get(paths, i, &length);

		if (length >= strlen(end) && !strcmp(path + length - strlen(end), end))
			return true;
	}
	return false;
}

/* What the loader itself says that it will load, all of it. */
TEST(the_files_of_a_program_are_those_that_its_loader_loads)
{
	static const char *const programs[] = { "/bin/bash", "/usr/bin/gcc", "/usr/bin/git",
						"/usr/bin/perl", "/usr/bin/make" };

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		char *const command[] = { (char *)programs[i], NULL };
		char line[512], path[512], found[512];
		AUTO(intern) paths = NULL;
		FILE *loader;

		if (access(programs[i], X_OK))
			continue;
		paths = paths_of(command);
		CHECK(paths);
		CHECK_STR(intern_get(paths, 0, NULL), programs[i]);
		snprintf(line, sizeof(line), "ldd %s", programs[i]);
		loader = popen(line, "r");
		while (fgets(line, sizeof(line), loader)) {
			uint32_t number;
			bool is_path = sscanf(line, "%511s => %511s", found, path) == 2 ||
				       sscanf(line, " %511s", path) == 1;

			if (is_path && path[0] == '/')
				CHECK_EQ(intern_find(paths, path, strlen(path), &number), 0);
		}
		pclose(loader);
	}
}

TEST(a_script_is_its_interpreter)
{
	char path[] = "/tmp/wick-script-XXXXXX";
	int fd = mkstemp(path);
	char *const command[] = { path, NULL };
	AUTO(intern) paths = NULL;
	AUTO(intern) env_paths = NULL;

	CHECK(write(fd, "#! /bin/sh -e\nexit\n", 19) == 19);
	CHECK_EQ(fchmod(fd, 0700), 0);
	paths = paths_of(command);
	CHECK_STR(intern_get(paths, 0, NULL), "/bin/sh");
	CHECK(has(paths, "/libc.so.6") || has(paths, "musl-x86_64.so.1"));

	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK(pwrite(fd, "#!/usr/bin/env sh\nexit\n", 23, 0) == 23);
	env_paths = paths_of(command);
	CHECK(has(env_paths, "/sh"));
	close(fd);
	unlink(path);
}

TEST(scripts_that_interpret_each_other_end)
{
	char path[] = "/tmp/wick-script-XXXXXX", text[64];
	int fd = mkstemp(path);
	char *const command[] = { path, NULL };
	AUTO(intern) paths = NULL;
	int length = snprintf(text, sizeof(text), "#!%s\n", path);

	CHECK(write(fd, text, (size_t)length) == length);
	paths = paths_of(command);
	CHECK(paths);
	CHECK_EQ(intern_count(paths), 1);
	close(fd);
	unlink(path);
}

TEST(a_command_that_is_not_there_has_no_files)
{
	char *const absent[] = { (char *)"/nonexistent/program", NULL };
	char *const unknown[] = { (char *)"no-such-command-anywhere", NULL };
	char *const directory[] = { (char *)"/tmp", NULL };
	AUTO(intern) a = paths_of(absent);
	AUTO(intern) b = paths_of(unknown);
	AUTO(intern) c = paths_of(directory);

	CHECK(a && b && c);
	CHECK_EQ(intern_count(a) + intern_count(b) + intern_count(c), 0);
}

/* Every byte of the first KiB and of the dynamic section wrong in turn, under the sanitizers. */
TEST(broken_headers_need_nothing_or_something_but_do_no_harm)
{
	static uint8_t bytes[1 << 21];
	AUTO_FD from = open("/bin/sh", O_RDONLY | O_CLOEXEC);
	ssize_t size = pread(from, bytes, sizeof(bytes), 0);

	CHECK(size > 4096);
	for (size_t at = 0; at < 1024; at++) {
		AUTO_FD fd = memfd_create("broken", MFD_CLOEXEC);
		AUTO(elf_needs) needs = NULL;
		uint8_t was = bytes[at];

		bytes[at] = (uint8_t)~was;
		CHECK(write(fd, bytes, (size_t)size) == size);
		bytes[at] = was;
		elf_needs_new(&needs, fd);
		CHECK(!needs || needs->library_count <= ELF_MAX_NEEDS);
	}
}

TEST(this_process_is_among_all_and_kernel_threads_are_not)
{
	AUTO(process_list) list = NULL;
	bool has_us = false, has_kernel = false;

	CHECK_EQ(process_list_new(&list), 0);
	CHECK_EQ(process_list_add_all(list), 0);
	for (size_t i = 0; i < process_list_count(list); i++) {
		has_us |= process_list_get(list, i) == getpid();
		has_kernel |= process_list_get(list, i) == 2;
	}
	CHECK(has_us);
	/* Number 2 is the parent of kernel threads, outside of containers. */
	CHECK(!has_kernel || !access("/.dockerenv", F_OK));
}
