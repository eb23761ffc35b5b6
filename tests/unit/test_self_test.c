// SPDX-License-Identifier: Apache-2.0
/* The self-test against kernels that it made up: right ones, and each kind of wrong one. */
#include "agent/self_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/base/cleanup.h"
#include "agent/file_identity.h"
#include "agent/maps_line.h"
#include "tests/harness/test.h"

enum {
	TEXT_BYTES = 1 << 20
};

/* A kernel side that looks into /proc/self/maps itself, and then does something to one answer. */
struct fake {
	struct abi_lookup lookups[ABI_LOOKUPS];
	char *text;
	size_t text_size;
	size_t answered;
	size_t spoiled;
	bool (*spoil)(struct abi_lookup *lookup); /* false: not this one */
	int err;
};

/* Without an allocation, which could change what is being compared. */
static int read_maps(struct fake *fake)
{
	AUTO_FD fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	ssize_t size = 1;

	if (fd < 0)
		return -errno;
	fake->text_size = 0;
	while (size > 0) {
		size = read(fd, fake->text + fake->text_size, TEXT_BYTES - fake->text_size);
		fake->text_size += size > 0 ? (size_t)size : 0;
	}
	return size < 0 ? -errno : 0;
}

static void fill(struct abi_lookup *lookup, const struct maps_line *line)
{
	char link[80];

	lookup->start = line->start;
	lookup->end = line->end;
	lookup->flags = line->flags | 0x70; /* and some that a line does not tell */
	if (!line->inode)
		return;
	lookup->file_offset = line->file_offset;
	snprintf(link, sizeof(link), "/proc/self/map_files/%llx-%llx",
		 (unsigned long long)line->start, (unsigned long long)line->end);
	if (file_identity_of_path(&lookup->file, link))
		lookup->file.inode = line->inode;
}

static void answer(const struct fake *fake, struct abi_lookup *lookup)
{
	const char *end = fake->text + fake->text_size, *next = fake->text;
	struct maps_line line;

	while (next < end) {
		if (maps_line_parse(&line, next, (size_t)(end - next), &next) &&
		    lookup->addr >= line.start && lookup->addr < line.end)
			fill(lookup, &line);
	}
}

static int look_up(void *context, uint32_t count)
{
	struct fake *fake = context;
	int err = fake->err ? fake->err : read_maps(fake);

	for (uint32_t i = 0; !err && i < count; i++) {
		answer(fake, &fake->lookups[i]);
		fake->answered++;
		if (fake->spoil && !fake->spoiled && fake->spoil(&fake->lookups[i]))
			fake->spoiled++;
	}
	return err;
}

static int run(struct self_test *ret, struct fake *fake)
{
	struct self_test_door door = { fake, fake->lookups, look_up };
	int err;

	fake->text = malloc(TEXT_BYTES);
	if (!fake->text)
		return -ENOMEM;
	err = self_test_run(ret, &door);
	free(fake->text);
	return err;
}

TEST(a_kernel_that_answers_right_is_right)
{
	struct self_test test = {};
	struct fake fake = {};

	CHECK_EQ(run(&test, &fake), 0);
	CHECK_EQ(test.wrong, 0);
	CHECK(test.mappings > 2000);
	CHECK(test.asked > test.mappings);
	CHECK_EQ(test.asked, fake.answered);
	CHECK_STR(test.reason, "");
}

/* ---- wrong ones -------------------------------------------------------------------------------- */

static bool find_nothing(struct abi_lookup *lookup)
{
	*lookup = (struct abi_lookup){ .addr = lookup->addr };
	return false;
}

static bool spoil_start(struct abi_lookup *lookup)
{
	lookup->start -= 4096;
	return lookup->end;
}

static bool spoil_end(struct abi_lookup *lookup)
{
	lookup->end += lookup->end ? 4096 : 0;
	return lookup->end;
}

static bool spoil_flags(struct abi_lookup *lookup)
{
	lookup->flags ^= MAPS_EXECUTABLE;
	return lookup->end;
}

static bool spoil_offset(struct abi_lookup *lookup)
{
	lookup->file_offset += lookup->file.inode ? 4096 : 0;
	return lookup->file.inode;
}

static bool lose_file(struct abi_lookup *lookup)
{
	bool had_file = lookup->file.inode;

	lookup->file.inode = 0;
	return had_file;
}

static bool fill_gap(struct abi_lookup *lookup)
{
	if (lookup->end)
		return false;
	lookup->start = lookup->addr;
	lookup->end = lookup->addr + 4096;
	return true;
}

/* The test's own file is the one of which 256 pages are there. */
static bool is_own_file(const struct abi_lookup *lookup)
{
	return lookup->file.size == 256 * 4096ULL && lookup->flags & MAPS_READ;
}

static bool spoil_inode(struct abi_lookup *lookup)
{
	lookup->file.inode += is_own_file(lookup);
	return is_own_file(lookup);
}

static bool spoil_device(struct abi_lookup *lookup)
{
	lookup->file.device += is_own_file(lookup);
	return is_own_file(lookup);
}

static bool spoil_ctime(struct abi_lookup *lookup)
{
	lookup->file.ctime_ns += is_own_file(lookup);
	return is_own_file(lookup);
}

static bool spoil_size(struct abi_lookup *lookup)
{
	bool is_own = is_own_file(lookup);

	lookup->file.size -= is_own;
	return is_own;
}

TEST(a_kernel_that_finds_nothing_is_wrong_for_every_mapping)
{
	struct self_test test = {};
	struct fake fake = { .spoil = find_nothing };

	CHECK_EQ(run(&test, &fake), 0);
	CHECK_EQ(test.wrong, test.mappings);
	CHECK(strstr(test.reason, "found: nothing"));
}

TEST(one_wrong_answer_of_thousands_is_noticed)
{
	static bool (*const spoils[])(struct abi_lookup *) = {
		spoil_start, spoil_end, spoil_flags, spoil_offset, lose_file, fill_gap,
	};

	for (size_t i = 0; i < sizeof(spoils) / sizeof(*spoils); i++) {
		struct self_test test = {};
		struct fake fake = { .spoil = spoils[i] };

		CHECK_EQ(run(&test, &fake), 0);
		CHECK_EQ(fake.spoiled, 1);
		CHECK_EQ(test.wrong, 1);
		CHECK(*test.reason);
	}
}

TEST(a_file_with_a_wrong_identity_is_noticed)
{
	static bool (*const spoils[])(struct abi_lookup *) = {
		spoil_inode,
		spoil_device,
		spoil_ctime,
		spoil_size,
	};

	if (access("/proc/self/map_files", X_OK))
		SKIP("the made-up kernel needs CAP_CHECKPOINT_RESTORE to know a file's identity");
	for (size_t i = 0; i < sizeof(spoils) / sizeof(*spoils); i++) {
		struct self_test test = {};
		struct fake fake = { .spoil = spoils[i] };

		CHECK_EQ(run(&test, &fake), 0);
		CHECK_EQ(fake.spoiled, 1);
		CHECK_EQ(test.wrong, 1);
		CHECK(strstr(test.reason, "another file"));
	}
}

TEST(a_kernel_that_does_not_answer_is_an_error)
{
	struct self_test test = {};
	struct fake fake = { .err = -EOPNOTSUPP };

	CHECK_EQ(run(&test, &fake), -EOPNOTSUPP);
}

TEST(nothing_stays_mapped)
{
	struct self_test test = {};
	struct fake fake = {};
	size_t before = 0, after = 0;
	AUTO_FILE file = NULL;

	CHECK_EQ(run(&test, &fake), 0);
	before = test.mappings;
	CHECK_EQ(run(&test, &fake), 0);
	after = test.mappings;
	CHECK(after <= before + 8);
	file = fopen("/proc/self/maps", "re");
	for (int c; (c = fgetc(file)) != EOF;)
		after -= c == '\n';
	CHECK(after > 2000); /* so many were the test's */
}
