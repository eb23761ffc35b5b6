// SPDX-License-Identifier: Apache-2.0
#include "agent/self_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "agent/file_identity.h"
#include "agent/maps_line.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

#define USER_ADDRESS_END (1ULL << 47) /* what is listed above is no mapping of the process */

enum {
	ANONYMOUS_PAGES = 1792,
	FILE_PAGES = 256,
	TEXT_BYTES = 512 << 10, /* of /proc/self/maps; what is beyond is not tested */
};
static const uint32_t FLAGS_COMPARED = MAPS_READ | MAPS_WRITE | MAPS_EXECUTABLE | MAPS_SHARED;

/* What is mapped while the test runs. */
struct test_areas {
	size_t page_size;
	char *anonymous;
	char *in_file;
	struct abi_file file; /* of the latter; but for its generation, which nobody tells */
	char *text;           /* of /proc/self/maps */
	size_t text_size;
};

/* What the answer to each question of a batch should be. */
struct batch {
	struct abi_lookup expected[ABI_LOOKUPS];
	uint32_t count;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- mappings -------------------------------------------------------------------------------- */

/* Every other page differs in protection from its neighbours, so that each is a mapping. */
static char *map_pages(size_t page_size, size_t pages, int flags, int fd)
{
	char *area = mmap(NULL, pages * page_size, PROT_NONE, flags, fd, 0);

	if (area == MAP_FAILED)
		return NULL;
	/* Where the system allows fewer mappings, the test is of fewer. */
	for (size_t i = 1; i < pages; i += 2) {
		if (mprotect(area + i * page_size, page_size, PROT_READ))
			break;
	}
	return area;
}

/* A file in memory: of it the system tells the same numbers as the kernel has, which overlayfs does not. */
static int open_file(struct abi_file *ret, size_t size)
{
	AUTO_FD fd = memfd_create("self-test", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	int err;

	if (fd < 0)
		fd = memfd_create("self-test", MFD_CLOEXEC); /* before 6.3 */
	if (fd < 0 || ftruncate(fd, (off_t)size))
		return -errno;
	err = file_identity_of_fd(ret, fd);
	if (err)
		return err;
	return take_fd(&fd);
}

/* Whatever cannot be had is not tested; the mappings that the process has anyway are. */
static void map_areas(struct test_areas *areas)
{
	AUTO_FD fd = open_file(&areas->file, FILE_PAGES * areas->page_size);

	areas->anonymous = map_pages(areas->page_size, ANONYMOUS_PAGES,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	if (fd >= 0)
		areas->in_file = map_pages(areas->page_size, FILE_PAGES, MAP_PRIVATE, fd);
}

static void unmap_areas(const struct test_areas *areas)
{
	if (areas->anonymous)
		munmap(areas->anonymous, ANONYMOUS_PAGES * areas->page_size);
	if (areas->in_file)
		munmap(areas->in_file, FILE_PAGES * areas->page_size);
	munmap(areas->text, TEXT_BYTES);
}

static int read_text(struct test_areas *areas)
{
	AUTO_FD fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	ssize_t size = 1;

	if (fd < 0)
		return -errno;
	while (size > 0 && areas->text_size < TEXT_BYTES) {
		size = read(fd, areas->text + areas->text_size, TEXT_BYTES - areas->text_size);
		if (size < 0)
			return -errno;
		areas->text_size += (size_t)size;
	}
	return 0;
}

/* ---- questions and answers ------------------------------------------------------------------- */

static bool same_mapping(const struct abi_lookup *a, const struct abi_lookup *b)
{
	return a->start == b->start && a->end == b->end &&
	       !((a->flags ^ b->flags) & FLAGS_COMPARED) && a->file_offset == b->file_offset &&
	       !a->file.inode == !b->file.inode;
}

static bool same_file(const struct abi_file *a, const struct abi_file *b)
{
	return a->inode == b->inode && a->ctime_ns == b->ctime_ns && a->size == b->size &&
	       a->device == b->device;
}

static void print_mapping(char *text, size_t size, const struct abi_lookup *lookup)
{
	if (!lookup->end)
		snprintf(text, size, "nothing");
	else
		snprintf(text, size, "%llx-%llx %llx %llx %llx", lookup->start, lookup->end,
			 lookup->flags & FLAGS_COMPARED, lookup->file_offset, lookup->file.inode);
}

static void compare(struct self_test *test, const struct abi_lookup *expected,
		    const struct abi_lookup *found)
{
	char right[64], wrong[64];

	test->asked++;
	/* Only the test's own file has numbers to compare with. */
	if (same_mapping(expected, found) &&
	    (!expected->file.size || same_file(&expected->file, &found->file)))
		return;
	if (test->wrong++)
		return;
	print_mapping(right, sizeof(right), expected);
	print_mapping(wrong, sizeof(wrong), found);
	if (same_mapping(expected, found))
		snprintf(wrong, sizeof(wrong), "another file");
	snprintf(test->reason, sizeof(test->reason), "%llx is in %s, found: %s", expected->addr,
		 right, wrong);
}

static int ask_batch(struct self_test *test, struct batch *batch, const struct self_test_door *door)
{
	int err;

	for (uint32_t i = 0; i < batch->count; i++)
		door->lookups[i] = (struct abi_lookup){ .addr = batch->expected[i].addr };
	err = batch->count ? door->look_up(door->context, batch->count) : 0;
	for (uint32_t i = 0; !err && i < batch->count; i++)
		compare(test, &batch->expected[i], &door->lookups[i]);
	batch->count = 0;
	return err;
}

static int ask(struct self_test *test, struct batch *batch, const struct abi_lookup *expected,
	       const struct self_test_door *door)
{
	batch->expected[batch->count++] = *expected;
	return batch->count == ABI_LOOKUPS ? ask_batch(test, batch, door) : 0;
}

static struct abi_lookup expected_of(const struct test_areas *areas, const struct maps_line *line)
{
	uint64_t area = (uint64_t)(uintptr_t)areas->in_file;
	struct abi_lookup expected = {
		.start = line->start,
		.end = line->end,
		.flags = line->flags,
		.file_offset = line->inode ? line->file_offset : 0,
		.file.inode = line->inode,
	};

	if (area && line->start >= area && line->end <= area + FILE_PAGES * areas->page_size)
		expected.file = areas->file;
	return expected;
}

/* Each mapping by its first byte or its last one, and what lies behind it, if nothing does. */
static int ask_all(struct self_test *test, const struct test_areas *areas,
		   const struct self_test_door *door)
{
	const char *end = areas->text + areas->text_size;
	const char *next = areas->text;
	struct batch batch = {};
	struct abi_lookup gap = {};
	struct maps_line line;
	int err = 0;

	while (!err && next < end) {
		struct abi_lookup expected;

		if (!maps_line_parse(&line, next, (size_t)(end - next), &next) ||
		    line.end > USER_ADDRESS_END)
			continue;
		if (gap.addr && gap.addr != line.start)
			err = ask(test, &batch, &gap, door);
		gap.addr = line.end;
		expected = expected_of(areas, &line);
		expected.addr = test->mappings++ % 2 ? line.start : line.end - 1;
		if (!err)
			err = ask(test, &batch, &expected, door);
	}
	return err ? err : ask_batch(test, &batch, door);
}

int self_test_run(struct self_test *ret, const struct self_test_door *door)
{
	struct test_areas areas = { .page_size = (size_t)sysconf(_SC_PAGESIZE) };
	struct self_test test = {};
	uint64_t start = now_ns();
	int err;

	areas.text =
		mmap(NULL, TEXT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (areas.text == MAP_FAILED)
		return -errno;
	map_areas(&areas);
	/* From here on nothing is allocated; of the stack, the kernel maps 128 KiB before they are used. */
	err = read_text(&areas);
	if (!err)
		err = ask_all(&test, &areas, door);
	unmap_areas(&areas);
	test.took_ns = now_ns() - start;
	if (!err)
		*ret = test;
	return err;
}
