// SPDX-License-Identifier: Apache-2.0
#include "agent/table_loader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/test.h"

enum {
	LARGE = 64 << 20,
};

static struct table_request request_of(uint32_t id, const char *path, bool is_urgent)
{
	struct table_request request = TABLE_REQUEST_NONE;

	request.id = id;
	request.is_urgent = is_urgent;
	request.fd = open(path, O_RDONLY | O_CLOEXEC);
	return request;
}

/* Waits for the next result. */
static bool next(struct table_loader *loader, struct table_result *ret)
{
	struct pollfd wait = { .fd = table_loader_fd(loader), .events = POLLIN };

	for (int i = 0; i < 1000 && !table_loader_take(loader, ret); i++) {
		if (i == 999)
			return false;
		poll(&wait, 1, 20);
	}
	return true;
}

static size_t open_files(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

TEST(each_request_has_one_result_and_its_descriptors_are_closed)
{
	const struct table_loader_options options = {};
	AUTO(table_loader) loader = NULL;
	size_t files = open_files();
	bool came[8] = {};

	CHECK_EQ(table_loader_new(&loader, &options), 0);
	for (uint32_t i = 0; i < 8; i++) {
		struct table_request request =
			request_of(i, i % 2 ? "/proc/self/exe" : "/etc/passwd", i < 4);

		request.root_fd = open("/", O_PATH | O_CLOEXEC);
		request.path = strdup("/some/path");
		CHECK_EQ(table_loader_add(loader, &request), 0);
		CHECK_EQ(request.fd, -1);
		CHECK(!request.path);
	}
	for (int i = 0; i < 8; i++) {
		struct table_result result;

		CHECK(next(loader, &result));
		CHECK(result.id < 8 && !came[result.id]);
		came[result.id] = true;
		CHECK_EQ(result.err, result.id % 2 ? 0 : -ENOEXEC);
		CHECK_EQ(result.table != NULL, result.id % 2);
		CHECK_EQ(result.source, TABLE_COMPILED);
		if (result.table)
			CHECK(result.table->row_count > 1000);
		unwind_table_free(result.table);
	}
	CHECK_EQ(table_loader_pending(loader), 0);
	table_loader_free(take(loader));
	CHECK_EQ(open_files(), files);
}

TEST(what_is_left_when_it_ends_is_released)
{
	const struct table_loader_options options = {};
	AUTO(table_loader) loader = NULL;
	size_t files = open_files();

	CHECK_EQ(table_loader_new(&loader, &options), 0);
	for (uint32_t i = 0; i < 32; i++) {
		struct table_request request = request_of(i, "/proc/self/exe", true);

		CHECK_EQ(table_loader_add(loader, &request), 0);
	}
	table_loader_free(take(loader));
	CHECK_EQ(open_files(), files);
}

TEST(too_many_expected_files_leave_room_for_sampled_ones)
{
	const struct table_loader_options options = {};
	AUTO(table_loader) loader = NULL;
	size_t refused = 0;

	CHECK_EQ(table_loader_new(&loader, &options), 0);
	for (uint32_t i = 0; i < 60; i++) {
		struct table_request request = request_of(i, "/proc/self/exe", false);
		int err = table_loader_add(loader, &request);

		CHECK(!err || err == -EAGAIN);
		CHECK_EQ(request.fd, -1);
		refused += err == -EAGAIN;
	}
	/* 16 wait, and at the most one for each turn came out meanwhile. */
	CHECK(refused > 0);
	for (uint32_t i = 0; i < 16; i++) {
		struct table_request request = request_of(100 + i, "/proc/self/exe", true);

		CHECK_EQ(table_loader_add(loader, &request), 0);
	}
}

/* A sparse file that is mostly a hole, with a program at its start: to the order, it is large. */
static int large_file(void)
{
	char bytes[65536];
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = memfd_create("large", MFD_CLOEXEC);
	ssize_t size;

	while ((size = read(from, bytes, sizeof(bytes))) > 0) {
		if (write(to, bytes, (size_t)size) != size)
			return -1;
	}
	close(from);
	return ftruncate(to, LARGE) ? -1 : to;
}

TEST(large_and_small_files_all_get_their_turn)
{
	const struct table_loader_options options = {};
	AUTO(table_loader) loader = NULL;
	bool came[8] = {};

	CHECK_EQ(table_loader_new(&loader, &options), 0);
	for (uint32_t i = 0; i < 8; i++) {
		struct table_request request = TABLE_REQUEST_NONE;

		request.id = i;
		request.is_urgent = i % 2;
		request.fd = i < 6 ? large_file() : open("/bin/true", O_RDONLY | O_CLOEXEC);
		CHECK(request.fd >= 0);
		CHECK_EQ(table_loader_add(loader, &request), 0);
	}
	for (size_t i = 0; i < 8; i++) {
		struct table_result result;

		CHECK(next(loader, &result));
		CHECK_EQ(result.err, 0);
		CHECK(result.id < 8 && !came[result.id]);
		came[result.id] = true;
		unwind_table_free(result.table);
	}
}

TEST(a_table_is_cut_to_the_rows_that_there_is_room_for)
{
	const struct table_loader_options options = { .max_rows = 500 };
	AUTO(table_loader) loader = NULL;
	struct table_request request = request_of(1, "/proc/self/exe", true);
	struct table_result result;

	CHECK_EQ(table_loader_new(&loader, &options), 0);
	CHECK_EQ(table_loader_add(loader, &request), 0);
	CHECK(next(loader, &result));
	CHECK_EQ(result.err, 0);
	CHECK_EQ(result.table->row_count, 500);
	CHECK_EQ(result.table->lost[UNWIND_LOST_SIZE], 1);
	unwind_table_free(result.table);
}

TEST(the_second_time_a_table_comes_from_the_cache)
{
	char path[] = "/tmp/wick-cache-XXXXXX", line[64];
	AUTO(unwind_cache) cache = NULL;
	struct table_result first, second;
	AUTO(table_loader) loader = NULL;
	FILE *shell;

	CHECK(mkdtemp(path));
	CHECK_EQ(unwind_cache_new(&cache, path, 1 << 24), 0);
	CHECK_EQ(table_loader_new(&loader, &(struct table_loader_options){ .cache = cache }), 0);
	for (int i = 0; i < 2; i++) {
		struct table_request request = request_of(1, "/bin/sh", true);
		struct stat status;

		CHECK_EQ(fstat(request.fd, &status), 0);
		request.file = (struct abi_file){
			.size = (uint64_t)status.st_size,
			.ctime_ns = (uint64_t)status.st_ctim.tv_sec * 1000000000 +
				    (uint64_t)status.st_ctim.tv_nsec,
		};
		CHECK_EQ(table_loader_add(loader, &request), 0);
		CHECK(next(loader, i ? &second : &first));
	}
	CHECK_EQ(first.source, TABLE_COMPILED);
	CHECK_EQ(second.source, TABLE_CACHED);
	CHECK_EQ(first.table->row_count, second.table->row_count);
	CHECK(!memcmp(first.table->rows, second.table->rows,
		      first.table->row_count * sizeof(*first.table->rows)));
	unwind_table_free(first.table);
	unwind_table_free(second.table);
	table_loader_free(take(loader));
	snprintf(line, sizeof(line), "rm -rf %s", path);
	shell = popen(line, "r");
	CHECK(shell);
	pclose(shell);
}
