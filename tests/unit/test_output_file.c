// SPDX-License-Identifier: Apache-2.0
#include "agent/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/harness/test.h"

/* A directory of its own for each test; the path of @name in it. */
static char directory[64];
static char path[128];

static const char *path_of(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int make_directory(void)
{
	snprintf(directory, sizeof(directory), "/tmp/wick-test.XXXXXX");
	return mkdtemp(directory) ? 0 : -errno;
}

static int put(const char *file_path, const char *text)
{
	FILE *file = fopen(file_path, "w");

	return file && fputs(text, file) >= 0 && !fclose(file) ? 0 : -1;
}

static const char *text_of(const char *file_path)
{
	static char text[64];
	FILE *file = fopen(file_path, "r");
	size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[size] = '\0';
	if (file)
		fclose(file);
	return text;
}

static size_t entries(void)
{
	AUTO_DIR listing = opendir(directory);
	size_t count = 0;

	while (listing && readdir(listing))
		count++;
	return count - 2; /* . and .. */
}

static void remove_directory(void)
{
	char command[128];

	snprintf(command, sizeof(command), "%s/x", directory);
	unlink(command);
	snprintf(command, sizeof(command), "%s/y", directory);
	unlink(command);
	rmdir(directory);
}

TEST(a_committed_file_has_what_was_written_and_only_its_owner_reads_it)
{
	AUTO(output_file) file = NULL;
	struct stat status;

	CHECK_EQ(make_directory(), 0);
	CHECK_EQ(output_file_open(&file, path_of("x")), 0);
	fputs("new", output_file_stream(file));
	CHECK_EQ(output_file_commit(file), 0);
	CHECK_STR(text_of(path_of("x")), "new");
	CHECK_EQ(stat(path_of("x"), &status), 0);
	CHECK_EQ(status.st_mode & 0777, 0600);
	CHECK_EQ(entries(), 1);
	remove_directory();
}

TEST(without_a_commit_the_old_file_stays_and_nothing_is_left)
{
	struct output_file *file = NULL;

	CHECK_EQ(make_directory(), 0);
	CHECK_EQ(put(path_of("x"), "old"), 0);
	CHECK_EQ(output_file_open(&file, path_of("x")), 0);
	fputs("new", output_file_stream(file));
	output_file_free(file);
	CHECK_STR(text_of(path_of("x")), "old");
	CHECK_EQ(entries(), 1);
	remove_directory();
}

TEST(a_symbolic_link_is_replaced_and_its_target_untouched)
{
	AUTO(output_file) file = NULL;
	struct stat status;
	char target[128];

	CHECK_EQ(make_directory(), 0);
	snprintf(target, sizeof(target), "%s", path_of("y"));
	CHECK_EQ(put(target, "target"), 0);
	CHECK_EQ(symlink(target, path_of("x")), 0);
	CHECK_EQ(output_file_open(&file, path_of("x")), 0);
	fputs("new", output_file_stream(file));
	CHECK_EQ(output_file_commit(file), 0);
	CHECK_STR(text_of(target), "target");
	CHECK_EQ(lstat(path_of("x"), &status), 0);
	CHECK(S_ISREG(status.st_mode));
	remove_directory();
}

TEST(places_that_cannot_be_written_are_refused_at_once)
{
	AUTO(output_file) file = NULL;

	CHECK_EQ(make_directory(), 0);
	CHECK_EQ(output_file_open(&file, directory), -EISDIR);
	CHECK_EQ(output_file_open(&file, path_of("missing/x")), -ENOENT);
	CHECK_EQ(mkfifo(path_of("x"), 0600), 0);
	CHECK_EQ(output_file_open(&file, path_of("x")), -ENXIO); /* nobody reads: no waiting */
	CHECK(!file);
	remove_directory();
}

TEST(a_device_stays_a_device_and_a_full_one_is_an_error)
{
	AUTO(output_file) null = NULL;
	AUTO(output_file) full = NULL;
	struct stat status;

	CHECK_EQ(output_file_open(&null, "/dev/null"), 0);
	fputs("new", output_file_stream(null));
	CHECK_EQ(output_file_commit(null), 0);
	CHECK_EQ(stat("/dev/null", &status), 0);
	CHECK(S_ISCHR(status.st_mode));
	CHECK_EQ(output_file_open(&full, "/dev/full"), 0);
	fputs("new", output_file_stream(full));
	CHECK_EQ(output_file_commit(full), -ENOSPC);
}

TEST(the_reason_of_an_early_failure_is_remembered)
{
	AUTO(output_file) full = NULL;

	CHECK_EQ(output_file_open(&full, "/dev/full"), 0);
	for (int i = 0; i < 100000; i++)
		fputs("new", output_file_stream(full));
	errno = 0;
	CHECK_EQ(output_file_error(full), -ENOSPC);
	CHECK_EQ(output_file_commit(full), -ENOSPC);
}
