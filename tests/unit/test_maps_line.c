// SPDX-License-Identifier: Apache-2.0
#include "agent/maps_line.h"

#include "tests/harness/test.h"

static bool parse(struct maps_line *ret, const char *text)
{
	const char *next;

	return maps_line_parse(ret, text, strlen(text), &next) && next == text + strlen(text);
}

TEST(a_mapping_of_a_file_has_every_part)
{
	struct maps_line line;

	CHECK(parse(&line, "7f12a000-7f12c000 r-xp 0002b000 08:11 396421                     "
			   "/usr/lib/lib of mine.so (deleted)\n"));
	CHECK_EQ(line.start, 0x7f12a000);
	CHECK_EQ(line.end, 0x7f12c000);
	CHECK_EQ(line.flags, MAPS_READ | MAPS_EXECUTABLE);
	CHECK_EQ(line.file_offset, 0x2b000);
	CHECK_EQ(line.device, 8 << 20 | 0x11);
	CHECK_EQ(line.inode, 396421);
	CHECK_EQ(line.path_length, strlen("/usr/lib/lib of mine.so (deleted)"));
	CHECK(!memcmp(line.path, "/usr/lib/lib of mine.so (deleted)", line.path_length));
}

TEST(a_mapping_without_a_file_has_no_inode_and_may_have_no_name)
{
	struct maps_line line;

	CHECK(parse(&line, "7fff6000-7fff8000 rw-s 00000000 00:00 0 \n"));
	CHECK_EQ(line.flags, MAPS_READ | MAPS_WRITE | MAPS_SHARED);
	CHECK_EQ(line.inode, 0);
	CHECK_EQ(line.path_length, 0);
	CHECK(parse(&line, "7fff6000-7fff8000 ---p 00000000 00:00 0\n"));
	CHECK_EQ(line.flags, 0);
	CHECK(parse(&line,
		    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]\n"));
	CHECK_EQ(line.start, 0xffffffffff600000);
	CHECK(!memcmp(line.path, "[vsyscall]", line.path_length));
}

TEST(lines_come_one_after_the_other)
{
	static const char text[] = "1000-2000 r-xp 00000000 00:00 0 \n"
				   "no line\n"
				   "3000-4000 r--p 00000000 00:00 0 \n"
				   "5000-60";
	const char *end = text + strlen(text), *next = text;
	struct maps_line line;

	CHECK(maps_line_parse(&line, next, (size_t)(end - next), &next));
	CHECK_EQ(line.start, 0x1000);
	CHECK(!maps_line_parse(&line, next, (size_t)(end - next), &next));
	CHECK(maps_line_parse(&line, next, (size_t)(end - next), &next));
	CHECK_EQ(line.start, 0x3000);
	CHECK(!maps_line_parse(&line, next, (size_t)(end - next), &next));
	CHECK(next == end);
}

TEST(what_is_no_line_is_refused)
{
	static const char *const bad[] = {
		"",
		"\n",
		"1000-2000 r-xp 00000000 00:00 0", /* cut off */
		"1000-2000 r-xp 00000000 00:00 \n",
		"1000-2000 r-xp 00000000 0000 0 \n",
		"1000-2000 r-x 00000000 00:00 0 \n",
		"1000-2000\n",
		"2000-1000 r-xp 00000000 00:00 0 \n",
		"1000-1000 r-xp 00000000 00:00 0 \n",
		"11111111111111111-2000 r-xp 00000000 00:00 0 \n",
		"1000 2000 r-xp 00000000 00:00 0 \n",
	};
	struct maps_line line;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(!parse(&line, bad[i]));
}
