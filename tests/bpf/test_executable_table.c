// SPDX-License-Identifier: Apache-2.0
/* Files opened through mappings, with this process in the part of the sampled one. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/executable_table.h"
#include "tests/harness/test.h"

static void ignore_sample(void *context, const struct abi_sample *sample)
{
	(void)context;
	(void)sample;
}

static void ignore_event(void *context, const struct abi_executable_event *event)
{
	(void)context;
	(void)event;
}

static struct sampler *open_small_sampler(uint32_t unwind_bytes)
{
	struct sampler_options options = {
		.frequency_hz = 1,
		.max_user_frames = 1,
		.unwind_bytes = unwind_bytes,
	};
	struct sampler_sink sink = { NULL, ignore_sample, ignore_event };
	struct sampler *sampler = NULL;

	return sampler_open(&sampler, &options, &sink) ? NULL : sampler;
}

static struct sampler *open_sampler(void)
{
	return open_small_sampler(1 << 20);
}

/* A file with one page, mapped; what the kernel side would say of it. */
struct mapped {
	char path[64];
	int fd;
	void *page;
	struct abi_executable_event event;
};

static int map_file(struct mapped *ret, struct sampler *sampler, char fill)
{
	char page[4096];

	memset(page, fill, sizeof(page));
	*ret = (struct mapped){ .path = "/tmp/wick-mapped.XXXXXX" };
	ret->fd = mkstemp(ret->path);
	if (ret->fd < 0 || write(ret->fd, page, sizeof(page)) != sizeof(page))
		return -1;
	ret->page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, ret->fd, 0);
	ret->event = (struct abi_executable_event){
		.type = ABI_RECORD_EXECUTABLE,
		.id = sampler_identify(sampler, ret->page),
		.tid = (uint32_t)syscall(SYS_gettid),
		.start = (uint64_t)(uintptr_t)ret->page,
		.end = (uint64_t)(uintptr_t)ret->page + 4096,
		.file = { .size = sizeof(page) },
		.name = "short-name",
	};
	return ret->page == MAP_FAILED || !ret->event.id ? -1 : 0;
}

static void unmap_file(struct mapped *mapped)
{
	munmap(mapped->page, 4096);
	close(mapped->fd);
	unlink(mapped->path);
}

static char first_byte(int fd)
{
	char byte = 0;

	return pread(fd, &byte, 1, 0) == 1 ? byte : 0;
}

TEST(a_mapped_file_is_opened_and_keeps_its_path)
{
	AUTO(sampler) sampler = open_sampler();
	AUTO(executable_table) table = NULL;
	const struct executable *found;
	struct mapped file;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_file(&file, sampler, 'a'), 0);
	CHECK_EQ(executable_table_add(table, &file.event), 0);
	found = executable_table_find(table, file.event.id);
	CHECK(found);
	CHECK_EQ(found->state, EXECUTABLE_OPEN);
	CHECK_STR(found->path, file.path);
	CHECK_EQ(first_byte(found->fd), 'a');
	CHECK(executable_is_unchanged(found));
	CHECK(!executable_table_find(table, file.event.id + 1000));
	unmap_file(&file);
}

TEST(a_deleted_file_is_opened_and_another_at_its_path_is_not)
{
	AUTO(sampler) sampler = open_sampler();
	AUTO(executable_table) table = NULL;
	const struct executable *found;
	struct mapped file;
	int replacement;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_file(&file, sampler, 'a'), 0);
	unlink(file.path);
	replacement = open(file.path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	CHECK_EQ(write(replacement, "zzzz", 4), 4);
	close(replacement);
	/* The change time is part of what a file is: being unlinked makes it another one. */
	file.event.id = sampler_identify(sampler, file.page);
	CHECK_EQ(executable_table_add(table, &file.event), 0);
	found = executable_table_find(table, file.event.id);
	CHECK_EQ(found->state, EXECUTABLE_OPEN);
	CHECK_EQ(first_byte(found->fd), 'a');
	CHECK_STR(found->path, file.path);
	unmap_file(&file);
}

TEST(a_file_that_changed_since_it_was_sampled_is_not_read)
{
	AUTO(sampler) sampler = open_sampler();
	AUTO(executable_table) table = NULL;
	const struct executable *found;
	struct mapped file;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_file(&file, sampler, 'a'), 0);
	usleep(20000);
	CHECK_EQ(pwrite(file.fd, "b", 1, 0), 1);
	CHECK_EQ(executable_table_add(table, &file.event), 0);
	found = executable_table_find(table, file.event.id);
	CHECK_EQ(found->state, EXECUTABLE_CHANGED);
	CHECK_EQ(found->fd, -1);
	CHECK_STR(found->path, "short-name");
	unmap_file(&file);
}

TEST(a_file_that_changes_after_it_was_opened_is_noticed)
{
	AUTO(sampler) sampler = open_sampler();
	AUTO(executable_table) table = NULL;
	struct mapped file;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_file(&file, sampler, 'a'), 0);
	CHECK_EQ(executable_table_add(table, &file.event), 0);
	usleep(20000);
	CHECK_EQ(pwrite(file.fd, "b", 1, 0), 1);
	CHECK(!executable_is_unchanged(executable_table_find(table, file.event.id)));
	unmap_file(&file);
}

TEST(a_file_that_is_unlinked_after_it_was_opened_keeps_its_names)
{
	AUTO(sampler) sampler = open_sampler();
	AUTO(executable_table) table = NULL;
	struct mapped file;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_file(&file, sampler, 'a'), 0);
	CHECK_EQ(executable_table_add(table, &file.event), 0);
	usleep(20000);
	unlink(file.path);
	CHECK(executable_is_unchanged(executable_table_find(table, file.event.id)));
	unmap_file(&file);
}

TEST(a_mapping_that_is_gone_is_asked_for_again_and_opened_then)
{
	AUTO(sampler) sampler = open_sampler();
	AUTO(executable_table) table = NULL;
	struct abi_executable_event gone;
	struct mapped file;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_file(&file, sampler, 'a'), 0);
	gone = file.event;
	gone.start = 4096; /* nothing is mapped there, and our program is another file */
	gone.end = 8192;
	CHECK_EQ(executable_table_add(table, &gone), 0);
	CHECK_EQ(executable_table_find(table, gone.id)->state, EXECUTABLE_GONE);
	CHECK_STR(executable_table_find(table, gone.id)->path, "short-name");
	CHECK_EQ(executable_table_add(table, &file.event), 0);
	CHECK_EQ(executable_table_find(table, gone.id)->state, EXECUTABLE_OPEN);
	unmap_file(&file);
}

TEST(a_full_table_lets_go_of_what_was_not_seen_for_longest)
{
	AUTO(sampler) sampler = open_sampler();
	AUTO(executable_table) table = NULL;
	struct mapped files[4];

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 3, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		CHECK_EQ(map_file(&files[i], sampler, 'a'), 0);
		CHECK_EQ(executable_table_add(table, &files[i].event), 0);
		executable_table_touch(table, files[0].event.id);
	}
	CHECK(executable_table_find(table, files[0].event.id));
	CHECK(!executable_table_find(table, files[1].event.id));
	CHECK(executable_table_find(table, files[2].event.id));
	CHECK(executable_table_find(table, files[3].event.id));
	CHECK_EQ(executable_table_evicted(table), 1);
	for (size_t i = 0; i < 4; i++)
		unmap_file(&files[i]);
}

/* ---- unwind tables ----------------------------------------------------------------------------- */

/* A copy of the C library, mapped. */
static int map_copy_of_libc(struct mapped *ret, struct sampler *sampler)
{
	char bytes[65536];
	AUTO_FD libc = -1;
	Dl_info info;
	ssize_t size;

	if (!dladdr((void *)(uintptr_t)getppid, &info))
		return -1;
	libc = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	if (libc < 0 || map_file(ret, sampler, 0) || ftruncate(ret->fd, 0) ||
	    lseek(ret->fd, 0, SEEK_SET))
		return -1;
	while ((size = read(libc, bytes, sizeof(bytes))) > 0) {
		if (write(ret->fd, bytes, (size_t)size) != size)
			return -1;
	}
	/* It has another size now, and so is another file. */
	ret->event.id = sampler_identify(sampler, ret->page);
	return ret->event.id ? size != 0 : -1;
}

static const uint64_t LONG_NS = 20000000000;

static bool turn_and_settle(struct executable_table *table, int turns)
{
	for (int turn = 0; turn < turns; turn++) {
		executable_table_turn(table);
		if (!executable_table_settle(table, LONG_NS))
			return false;
	}
	return true;
}

static enum table_state state_of(const struct executable_table *table, const struct mapped *file)
{
	return executable_table_find(table, file->event.id)->table_state;
}

TEST(a_table_that_finds_no_room_gets_that_of_the_file_not_seen_for_longest)
{
	AUTO(sampler) sampler = open_small_sampler(1 << 20);
	AUTO(executable_table) table = NULL;
	struct mapped old, recent;
	size_t one;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_copy_of_libc(&old, sampler), 0);
	CHECK_EQ(executable_table_add(table, &old.event), 0);
	CHECK_EQ(state_of(table, &old), TABLE_LOADING);
	CHECK(executable_table_settle(table, LONG_NS));
	CHECK_EQ(state_of(table, &old), TABLE_LOADED);
	one = executable_table_find(table, old.event.id)->table.word_count * sizeof(uint64_t);
	executable_table_free(take(table));
	sampler_free(take(sampler));
	unmap_file(&old);

	sampler = open_small_sampler((uint32_t)(one + one / 2));
	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_copy_of_libc(&old, sampler), 0);
	CHECK_EQ(map_copy_of_libc(&recent, sampler), 0);
	CHECK_EQ(executable_table_add(table, &old.event), 0);
	CHECK(executable_table_settle(table, LONG_NS));
	CHECK_EQ(executable_table_add(table, &recent.event), 0);
	CHECK(executable_table_settle(table, LONG_NS));
	CHECK_EQ(state_of(table, &old), TABLE_EVICTED);
	CHECK_EQ(state_of(table, &recent), TABLE_WAITING);
	CHECK(turn_and_settle(table, 2));
	CHECK_EQ(state_of(table, &recent), TABLE_LOADED);
	/* The other one is wanted again when it is seen again. */
	executable_table_touch(table, old.event.id);
	CHECK_EQ(state_of(table, &old), TABLE_WAITING);
	CHECK(turn_and_settle(table, 8));
	CHECK_EQ(state_of(table, &old), TABLE_LOADED);
	CHECK_EQ(state_of(table, &recent), TABLE_EVICTED);
	CHECK_EQ(executable_table_counts(table)->evicted, 2);
	CHECK_EQ(executable_table_counts(table)->loaded[TABLE_COMPILED], 3);
	unmap_file(&old);
	unmap_file(&recent);
}

/* ---- files that are expected ---------------------------------------------------------------------- */

static int expect(struct executable_table *table, struct sampler *sampler, const char *path)
{
	struct mapped_file file = MAPPED_FILE_NONE;
	int err = mapped_file_open_path(&file, sampler, path);

	return err ? err : executable_table_expect(table, &file, 0);
}

TEST(an_expected_file_has_its_table_before_it_is_asked_for)
{
	AUTO(sampler) sampler = open_sampler();
	AUTO(executable_table) table = NULL;
	const struct executable *found;
	struct mapped file;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_copy_of_libc(&file, sampler), 0);
	CHECK_EQ(expect(table, sampler, file.path), 0);
	CHECK(executable_table_settle(table, LONG_NS));
	found = executable_table_find(table, file.event.id);
	CHECK(found);
	CHECK_EQ(found->state, EXECUTABLE_OPEN);
	CHECK_EQ(found->table_state, TABLE_LOADED);
	CHECK_STR(found->path, file.path);
	CHECK_EQ(found->last_seen, 0);
	CHECK_EQ(executable_table_counts(table)->expected, 1);
	/* Another look at it changes nothing. */
	CHECK_EQ(expect(table, sampler, file.path), 0);
	CHECK_EQ(executable_table_loading(table), 0);
	executable_table_touch(table, file.event.id);
	CHECK(executable_table_find(table, file.event.id)->last_seen > 0);
	unmap_file(&file);
}

TEST(what_is_no_elf_file_is_not_expected_and_gets_no_id)
{
	AUTO(sampler) sampler = open_sampler();
	AUTO(executable_table) table = NULL;
	struct mapped file;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_file(&file, sampler, 'x'), 0);
	CHECK_EQ(expect(table, sampler, file.path), -ENOEXEC);
	CHECK_EQ(expect(table, sampler, "/dev/null"), -ENODEV);
	CHECK_EQ(expect(table, sampler, "/nonexistent/file"), -ENOENT);
	unmap_file(&file);
}

TEST(an_expected_file_pushes_nothing_out_and_goes_first)
{
	AUTO(sampler) sampler = open_small_sampler(1 << 20);
	AUTO(executable_table) table = NULL;
	struct mapped sampled, expected, another;
	size_t one;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_copy_of_libc(&sampled, sampler), 0);
	CHECK_EQ(executable_table_add(table, &sampled.event), 0);
	CHECK(executable_table_settle(table, LONG_NS));
	one = executable_table_find(table, sampled.event.id)->table.word_count * sizeof(uint64_t);
	executable_table_free(take(table));
	sampler_free(take(sampler));
	unmap_file(&sampled);

	/* Room for two. */
	sampler = open_small_sampler((uint32_t)(2 * one + one / 2));
	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 8, NULL), 0);
	CHECK_EQ(map_copy_of_libc(&sampled, sampler), 0);
	CHECK_EQ(map_copy_of_libc(&expected, sampler), 0);
	CHECK_EQ(map_copy_of_libc(&another, sampler), 0);
	CHECK_EQ(executable_table_add(table, &sampled.event), 0);
	CHECK_EQ(expect(table, sampler, expected.path), 0);
	CHECK(executable_table_settle(table, LONG_NS));
	CHECK_EQ(state_of(table, &sampled), TABLE_LOADED);
	CHECK_EQ(state_of(table, &expected), TABLE_LOADED);
	/* A third that is only expected finds no room, and makes none. */
	CHECK_EQ(expect(table, sampler, another.path), 0);
	CHECK(executable_table_settle(table, LONG_NS));
	CHECK(turn_and_settle(table, 4));
	CHECK_EQ(state_of(table, &sampled), TABLE_LOADED);
	CHECK_EQ(state_of(table, &expected), TABLE_LOADED);
	CHECK_EQ(state_of(table, &another), TABLE_EVICTED);
	/* Once a sample is in it, what was never sampled goes, though it is not the oldest. */
	executable_table_touch(table, another.event.id);
	CHECK(turn_and_settle(table, 8));
	CHECK_EQ(state_of(table, &sampled), TABLE_LOADED);
	CHECK_EQ(state_of(table, &expected), TABLE_EVICTED);
	CHECK_EQ(state_of(table, &another), TABLE_LOADED);
	unmap_file(&sampled);
	unmap_file(&expected);
	unmap_file(&another);
}

TEST(a_full_table_expects_nothing_more)
{
	AUTO(sampler) sampler = open_sampler();
	AUTO(executable_table) table = NULL;
	struct mapped sampled, expected;

	CHECK(sampler);
	CHECK_EQ(executable_table_new(&table, sampler, 1, NULL), 0);
	CHECK_EQ(map_file(&sampled, sampler, 'a'), 0);
	CHECK_EQ(map_copy_of_libc(&expected, sampler), 0);
	CHECK_EQ(executable_table_add(table, &sampled.event), 0);
	CHECK_EQ(expect(table, sampler, expected.path), -ENOSPC);
	CHECK(executable_table_find(table, sampled.event.id));
	CHECK(!executable_table_find(table, expected.event.id));
	CHECK_EQ(executable_table_evicted(table), 0);
	unmap_file(&sampled);
	unmap_file(&expected);
}
