// SPDX-License-Identifier: Apache-2.0
/* Compiled tables on disk: the same again, or as if they were not there. */
#include "agent/unwind_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/test.h"

enum {
	ROWS = 40,
	ENOUGH = 1 << 20,
};

/* A directory that goes, with what is in it, at the end of a test. */
struct place {
	char path[64];
};

static void place_free(struct place *place)
{
	DIR *directory = opendir(place->path);
	const struct dirent *found;

	while (directory && (found = readdir(directory)))
		unlinkat(dirfd(directory), found->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(place->path);
}
#define PLACE __attribute__((cleanup(place_free))) struct place

static struct place new_place(void)
{
	struct place place = { "/tmp/wick-cache-XXXXXX" };

	return mkdtemp(place.path) ? place : (struct place){};
}

/* Some file that nobody has changed lately. */
static int open_old(struct abi_file *ret)
{
	int fd = open("/bin/sh", O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -1;
	*ret = (struct abi_file){
		.inode = status.st_ino,
		.device = (uint32_t)status.st_dev,
		.size = (uint64_t)status.st_size,
		.ctime_ns = (uint64_t)status.st_ctim.tv_sec * 1000000000 +
			    (uint64_t)status.st_ctim.tv_nsec,
	};
	return fd;
}

/* The rows of table @number differ from those of any other. */
static struct unwind_table *new_table(unsigned number)
{
	struct unwind_table *table = calloc(1, sizeof(*table));

	table->rows = calloc(ROWS, sizeof(*table->rows));
	table->rules = calloc(3, sizeof(*table->rules));
	table->row_count = ROWS;
	table->rule_count = 3;
	for (unsigned i = 0; i < ROWS; i++)
		table->rows[i] = (struct unwind_row){ .offset = 0x1000 + 16 * i, .rule = i % 3 };
	for (unsigned i = 1; i < 3; i++)
		table->rules[i] =
			(struct unwind_rule){ .cfa = UNWIND_RULE_REGISTER,
					      .cfa_register = 7,
					      .cfa_offset = (int32_t)(8 * i + 64 * number) };
	table->entry_count = 12 + number;
	table->code_bytes = 1000;
	table->covered_bytes = 640;
	table->peak_bytes = 77;
	table->lost[UNWIND_LOST_OUTSIDE] = 5;
	return table;
}

static bool are_equal(const struct unwind_table *a, const struct unwind_table *b)
{
	return a && b && a->row_count == b->row_count && a->rule_count == b->rule_count &&
	       a->entry_count == b->entry_count && a->code_bytes == b->code_bytes &&
	       a->covered_bytes == b->covered_bytes && a->peak_bytes == b->peak_bytes &&
	       !memcmp(a->rows, b->rows, a->row_count * sizeof(*a->rows)) &&
	       !memcmp(a->rules, b->rules, a->rule_count * sizeof(*a->rules)) &&
	       !memcmp(a->lost, b->lost, sizeof(a->lost));
}

/* The path of the one entry in a place; how many there are is returned. */
static int find_entry(const struct place *place, char *ret, size_t size)
{
	DIR *directory = opendir(place->path);
	const struct dirent *found;
	int count = 0;

	while (directory && (found = readdir(directory))) {
		if (found->d_name[0] == '.')
			continue;
		snprintf(ret, size, "%s/%s", place->path, found->d_name);
		count++;
	}
	if (directory)
		closedir(directory);
	return count;
}

/* ---- what it is for ------------------------------------------------------------------------------- */

TEST(a_table_comes_back_from_the_cache_as_it_was)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	AUTO(unwind_cache) next = NULL;
	AUTO(unwind_table) table = new_table(1);
	AUTO(unwind_table) found = NULL;
	AUTO(unwind_table) again = NULL;
	struct abi_file file;
	AUTO_FD fd = open_old(&file);
	struct stat status;
	char entry[512];

	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), 0);
	CHECK_EQ(unwind_cache_load(cache, &file, &found), -ENOENT);
	CHECK_EQ(unwind_cache_store(cache, &file, fd, table), 0);
	CHECK_EQ(unwind_cache_load(cache, &file, &found), 0);
	CHECK(are_equal(found, table));
	/* And in another process, of which another descriptor of the directory is all that counts. */
	CHECK_EQ(unwind_cache_new(&next, place.path, ENOUGH), 0);
	CHECK_EQ(unwind_cache_load(next, &file, &again), 0);
	CHECK(are_equal(again, table));
	CHECK_EQ(find_entry(&place, entry, sizeof(entry)), 1);
	CHECK_EQ(stat(entry, &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0600);
}

TEST(a_table_without_rows_comes_back_too)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	AUTO(unwind_table) table = new_table(1);
	AUTO(unwind_table) found = NULL;
	struct abi_file file;
	AUTO_FD fd = open_old(&file);

	table->row_count = 0;
	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), 0);
	CHECK_EQ(unwind_cache_store(cache, &file, fd, table), 0);
	CHECK_EQ(unwind_cache_load(cache, &file, &found), 0);
	CHECK_EQ(found->row_count, 0);
}

TEST(whatever_makes_it_another_file_misses)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	AUTO(unwind_table) table = new_table(1);
	struct abi_file file, other;
	AUTO_FD fd = open_old(&file);
	struct unwind_table *found;

	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), 0);
	CHECK_EQ(unwind_cache_store(cache, &file, fd, table), 0);
	for (size_t bit = 0; bit < sizeof(file) * 8; bit++) {
		other = file;
		((uint8_t *)&other)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_EQ(unwind_cache_load(cache, &other, &found), -ENOENT);
	}
}

TEST(a_file_that_is_not_the_one_compiled_or_changed_just_now_is_not_kept)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	AUTO(unwind_table) table = new_table(1);
	struct abi_file file, young;
	AUTO_FD old_fd = open_old(&file);
	AUTO_FD young_fd = open(place.path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct stat status;

	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), 0);
	file.ctime_ns++;
	CHECK_EQ(unwind_cache_store(cache, &file, old_fd, table), -EAGAIN);
	file.ctime_ns--;
	file.size++;
	CHECK_EQ(unwind_cache_store(cache, &file, old_fd, table), -EAGAIN);
	CHECK_EQ(fstat(young_fd, &status), 0);
	young = (struct abi_file){ .ctime_ns = (uint64_t)status.st_ctim.tv_sec * 1000000000 +
					       (uint64_t)status.st_ctim.tv_nsec };
	CHECK_EQ(unwind_cache_store(cache, &young, young_fd, table), -EAGAIN);
}

/* ---- what may be wrong ---------------------------------------------------------------------------- */

/* Stores a table and gives the path of its entry and its bytes; the number of them, or 0. */
static size_t store_one(const struct place *place, struct unwind_cache *cache, char *path,
			size_t path_size, uint8_t *bytes, size_t size)
{
	AUTO(unwind_table) table = new_table(1);
	struct abi_file file;
	AUTO_FD fd = open_old(&file);
	AUTO_FD entry = -1;
	ssize_t got;

	if (unwind_cache_store(cache, &file, fd, table) || find_entry(place, path, path_size) != 1)
		return 0;
	entry = open(path, O_RDONLY | O_CLOEXEC);
	got = read(entry, bytes, size);
	return got > 0 && (size_t)got < size ? (size_t)got : 0;
}

/* Puts these bytes in the entry's place, and looks for the table. */
static int load_changed(struct unwind_cache *cache, const char *path, const uint8_t *bytes,
			size_t size)
{
	AUTO(unwind_table) found = NULL;
	struct abi_file file;
	AUTO_FD fd = open_old(&file);
	AUTO_FD entry = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (write(entry, bytes, size) != (ssize_t)size)
		return -EIO;
	return unwind_cache_load(cache, &file, &found);
}

TEST(an_entry_cut_at_any_length_is_none_and_goes)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	static uint8_t bytes[8192];
	char path[512];
	size_t size;

	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), 0);
	size = store_one(&place, cache, path, sizeof(path), bytes, sizeof(bytes));
	CHECK(size > 500);
	for (size_t length = 0; length < size; length++) {
		CHECK_EQ(load_changed(cache, path, bytes, length), -ENOENT);
		CHECK(access(path, F_OK));
	}
	CHECK_EQ(load_changed(cache, path, bytes, size), 0);
	bytes[size] = 0;
	CHECK_EQ(load_changed(cache, path, bytes, size + 1), -ENOENT);
}

TEST(any_bit_that_flipped_makes_an_entry_none)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	static uint8_t bytes[8192];
	char path[512];
	size_t size;

	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), 0);
	size = store_one(&place, cache, path, sizeof(path), bytes, sizeof(bytes));
	CHECK(size > 500);
	for (size_t bit = 0; bit < size * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_EQ(load_changed(cache, path, bytes, size), -ENOENT);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	CHECK_EQ(load_changed(cache, path, bytes, size), 0);
}

TEST(an_entry_of_others_or_that_others_may_write_is_none)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	static uint8_t bytes[8192];
	char path[512], elsewhere[600];
	size_t size;

	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), 0);
	size = store_one(&place, cache, path, sizeof(path), bytes, sizeof(bytes));
	CHECK(size);
	CHECK_EQ(chmod(path, 0620), 0);
	CHECK_EQ(load_changed(cache, path, bytes, size), -ENOENT);
	/* A link leads to something else than what we wrote. */
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", place.path);
	CHECK_EQ(load_changed(cache, path, bytes, size), 0);
	CHECK_EQ(rename(path, elsewhere), 0);
	CHECK_EQ(symlink(elsewhere, path), 0);
	CHECK_EQ(load_changed(cache, path, bytes, size), -ENOENT);
	unlink(path);
	if (geteuid())
		SKIP("a foreign owner needs root");
	CHECK_EQ(load_changed(cache, path, bytes, size), 0);
	CHECK_EQ(chown(path, 1, 1), 0);
	CHECK_EQ(load_changed(cache, path, bytes, size), -ENOENT);
}

TEST(a_directory_that_is_not_ours_alone_is_refused)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	char path[128];

	CHECK_EQ(chmod(place.path, 0750), 0);
	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), -EPERM);
	CHECK_EQ(chmod(place.path, 0702), 0);
	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), -EPERM);
	CHECK_EQ(chmod(place.path, 0700), 0);
	snprintf(path, sizeof(path), "%s/link", place.path);
	CHECK_EQ(symlink(".", path), 0);
	CHECK_EQ(unwind_cache_new(&cache, path, ENOUGH), -ENOTDIR);
	CHECK_EQ(unwind_cache_new(&cache, "/nonexistent/cache", ENOUGH), -ENOENT);
	CHECK_EQ(unwind_cache_new(&cache, "/dev/null", ENOUGH), -ENOTDIR);
	if (geteuid())
		SKIP("a foreign owner needs root");
	CHECK_EQ(chown(place.path, 1, 1), 0);
	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), -EPERM);
}

TEST(a_directory_is_made_for_its_owner_only)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	struct stat status;
	char path[128];

	snprintf(path, sizeof(path), "%s/new", place.path);
	CHECK_EQ(unwind_cache_new(&cache, path, ENOUGH), 0);
	CHECK_EQ(stat(path, &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0700);
	rmdir(path);
}

TEST(a_disk_that_is_full_leaves_nothing_behind)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	AUTO(unwind_table) table = new_table(1);
	AUTO(unwind_table) found = NULL;
	struct rlimit old, small = { 300, 300 };
	struct abi_file file;
	AUTO_FD fd = open_old(&file);
	char entry[512];
	int err;

	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), 0);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
	err = unwind_cache_store(cache, &file, fd, table);
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_DFL);
	CHECK_EQ(err, -EFBIG);
	CHECK_EQ(find_entry(&place, entry, sizeof(entry)), 0);
	CHECK_EQ(unwind_cache_load(cache, &file, &found), -ENOENT);
}

TEST(what_a_killed_process_left_unfinished_goes)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	const struct timeval old[2] = { { 1000, 0 }, { 1000, 0 } };
	char path[128], entry[512];

	snprintf(path, sizeof(path), "%s/1-1.tmp", place.path);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	CHECK_EQ(utimes(path, old), 0);
	snprintf(path, sizeof(path), "%s/1-2.tmp", place.path);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), 0);
	/* A young one may be somebody's who is writing it now. */
	CHECK_EQ(find_entry(&place, entry, sizeof(entry)), 1);
	CHECK_STR(entry, path);
}

/* ---- bounds and others ----------------------------------------------------------------------------- */

TEST(what_was_not_used_for_longest_makes_room)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	AUTO(unwind_table) table = new_table(1);
	AUTO(unwind_table) found = NULL;
	struct abi_file file, first;
	AUTO_FD fd = open_old(&file);
	char entry[512];
	struct stat status;
	uint64_t one;

	CHECK_EQ(unwind_cache_new(&cache, place.path, ENOUGH), 0);
	CHECK_EQ(unwind_cache_store(cache, &file, fd, table), 0);
	CHECK_EQ(find_entry(&place, entry, sizeof(entry)), 1);
	CHECK_EQ(stat(entry, &status), 0);
	one = (uint64_t)status.st_size;
	unlink(entry);
	unwind_cache_free(take(cache));

	/* Eight of them; all are old but that which is used. */
	CHECK_EQ(unwind_cache_new(&cache, place.path, 8 * one), 0);
	first = file;
	for (uint32_t i = 0; i < 8; i++) {
		const struct timeval age[2] = { { 1000 + i, 0 }, { 1000 + i, 0 } };
		char path[512];

		file.generation = i;
		CHECK_EQ(unwind_cache_store(cache, &file, fd, table), 0);
		/* The newest is the one whose time is not set yet. */
		DIR *directory = opendir(place.path);
		const struct dirent *other;

		while ((other = readdir(directory))) {
			snprintf(path, sizeof(path), "%s/%s", place.path, other->d_name);
			if (other->d_name[0] != '.' && !stat(path, &status) &&
			    status.st_mtim.tv_sec > 100000)
				CHECK_EQ(utimes(path, age), 0);
		}
		closedir(directory);
	}
	CHECK_EQ(find_entry(&place, entry, sizeof(entry)), 8);
	CHECK_EQ(unwind_cache_load(cache, &first, &found), 0);
	unwind_table_free(take(found));
	file.generation = 8;
	CHECK_EQ(unwind_cache_store(cache, &file, fd, table), 0);
	CHECK_EQ(find_entry(&place, entry, sizeof(entry)), 6);
	CHECK_EQ(unwind_cache_load(cache, &first, &found), 0);
	unwind_table_free(take(found));
	CHECK_EQ(unwind_cache_load(cache, &file, &found), 0);
	unwind_table_free(take(found));
	for (uint32_t i = 1; i < 8; i++) {
		file.generation = i;
		CHECK_EQ(unwind_cache_load(cache, &file, &found), i < 4 ? -ENOENT : 0);
		unwind_table_free(take(found));
	}
}

TEST(a_table_too_large_for_the_cache_is_not_kept)
{
	PLACE place = new_place();
	AUTO(unwind_cache) cache = NULL;
	AUTO(unwind_table) table = new_table(1);
	struct abi_file file;
	AUTO_FD fd = open_old(&file);

	CHECK_EQ(unwind_cache_new(&cache, place.path, 600), 0);
	CHECK_EQ(unwind_cache_store(cache, &file, fd, table), -E2BIG);
}

/* Stores and loads eight tables in turn; what comes must be right. The exit status of a process. */
static int use_for_a_while(const char *path)
{
	AUTO(unwind_cache) cache = NULL;
	struct abi_file file;
	AUTO_FD fd = open_old(&file);

	/* Room for some of them only. */
	if (unwind_cache_new(&cache, path, 4000))
		return 1;
	for (unsigned turn = 0; turn < 400; turn++) {
		AUTO(unwind_table) table = new_table(turn % 8);
		AUTO(unwind_table) found = NULL;
		int err;

		file.generation = turn % 8;
		unwind_cache_store(cache, &file, fd, table);
		err = unwind_cache_load(cache, &file, &found);
		if (err && err != -ENOENT)
			return 2;
		if (!err && !are_equal(found, table))
			return 3;
	}
	return 0;
}

TEST(processes_that_share_a_directory_see_whole_tables_only)
{
	PLACE place = new_place();
	pid_t children[4];

	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (!children[i])
			_exit(use_for_a_while(place.path));
	}
	for (size_t i = 0; i < 4; i++) {
		int status = -1;

		CHECK_EQ(waitpid(children[i], &status, 0), children[i]);
		CHECK_EQ(status, 0);
	}
}
