// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_file.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "symbolizer/zlib_stream.h"
#include "tests/harness/test.h"
#include "tests/unit/dwarf_fixture.h"
#include "tests/unit/elf_image.h"

/* What was found, as "function file:line" of each frame, innermost first. */
struct found {
	char text[4096];
	size_t frames;
	size_t calls;
};

static int note(void *context, uint64_t address, const struct dwarf_frame *frames, size_t count)
{
	struct found *found = context;

	(void)address;
	found->calls++;
	found->frames += count;
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(found->text);

		snprintf(found->text + length, sizeof(found->text) - length, "%s%s %s:%u",
			 length ? ", " : "", frames[i].function, frames[i].file, frames[i].line);
	}
	return 0;
}

static int ask_file(int fd, const uint64_t *addresses, size_t count, struct found *ret)
{
	const struct dwarf_sources sources = { .fd = fd, .supplement_fd = -1, .package_fd = -1 };
	const struct dwarf_options options = { .max_effort = 2000000, .max_bytes = 8 << 20 };
	const struct symbol_files files = SYMBOL_FILES(-1);
	const struct dwarf_question question = { &files, addresses, count, note, ret };
	AUTO(dwarf_file) file = NULL;
	int err = dwarf_file_new(&file, &sources, &options);

	memset(ret, 0, sizeof(*ret));
	return err ? err : dwarf_file_ask(file, &question);
}

static int ask(const struct dwarf_fixture *fixture, struct found *ret)
{
	static const uint64_t address = DWARF_FIXTURE_INNIE;
	AUTO_FD fd = dwarf_fixture_open(fixture);

	return ask_file(fd, &address, 1, ret);
}

#define AUTO_FIXTURE __attribute__((cleanup(free_fixture))) struct dwarf_fixture *
static void free_fixture(struct dwarf_fixture **slot)
{
	free(*slot);
}

static void set_u32(struct cfi_bytes *bytes, size_t at, uint32_t value)
{
	memcpy(bytes->bytes + at, &value, sizeof(value));
}

static const char whole[] = "innie /src/t.c:10, middle /src/t.c:15, outer /src/t.c:20";

TEST(inlined_functions_come_innermost_first_each_at_its_line)
{
	AUTO_FIXTURE fixture = dwarf_fixture_new();
	AUTO_FD fd = dwarf_fixture_open(fixture);
	const uint64_t addresses[] = { 0x401000, 0x401012, 0x401020, 0x40103f, 0x401040,
				       0x401090, 0x4010ff, 0x401100, 0x400fff, 0 };
	struct found found;

	CHECK(!ask_file(fd, addresses + 3, 1, &found));
	CHECK_STR(found.text, whole);
	CHECK(!ask_file(fd, addresses + 1, 1, &found));
	CHECK_STR(found.text, "middle /src/t.c:9, outer /src/t.c:20");
	CHECK(!ask_file(fd, addresses + 5, 1, &found));
	CHECK_STR(found.text, "outer /src/t.c:21");
	CHECK(!ask_file(fd, addresses, 10, &found));
	CHECK_EQ(found.calls, 7); /* and nothing beyond the function */
	CHECK_EQ(found.frames, 1 + 2 + 3 + 3 + 2 + 1 + 1);
}

TEST(a_function_that_is_its_own_origin_ends_without_a_loop)
{
	AUTO_FIXTURE fixture = dwarf_fixture_new();
	struct found found;

	/* Its name is read before the reference: empty, so that the reference is followed. */
	set_u32(&fixture->info, fixture->innie_at + 7, (uint32_t)fixture->innie_at);
	CHECK(!ask(fixture, &found));
	CHECK_STR(found.text, whole);
	fixture->info.bytes[fixture->innie_at + 1] = '\0';
	CHECK(!ask(fixture, &found));
	CHECK(found.frames <= 3);
}

TEST(references_that_lead_nowhere_cost_the_name_only)
{
	static const uint32_t nowhere[] = { 0, 1, 0x7fffffff, 0xffffffff };
	struct found found;

	for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		AUTO_FIXTURE fixture = dwarf_fixture_new();

		set_u32(&fixture->info, fixture->innie_call_at, nowhere[i]);
		CHECK(!ask(fixture, &found));
		CHECK_STR(found.text, " /src/t.c:10, middle /src/t.c:15, outer /src/t.c:20");
	}
}

TEST(entries_nested_a_thousand_times_end)
{
	AUTO_FIXTURE fixture = dwarf_fixture_new();
	struct cfi_bytes *info = &fixture->info;
	struct found found;

	info->size -= 4;
	for (size_t i = 0; i < 5000; i++)
		put_inlined(info, (uint32_t)fixture->innie_at, DWARF_FIXTURE_OUTER + 0x20, 0x20, 1);
	set_u32(info, 0, (uint32_t)info->size - 4);
	CHECK(!ask(fixture, &found));
	CHECK_EQ(found.calls, 1);
	CHECK(found.frames <= 256);
}

TEST(absurd_lengths_and_counts_end)
{
	static const size_t places[] = { 0, 8, 4, 33, 44 };
	struct found found;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		AUTO_FIXTURE fixture = dwarf_fixture_new();

		set_u32(&fixture->line, places[i], 0xfffffff0 - (uint32_t)i);
		CHECK(!ask(fixture, &found));
		CHECK(found.frames <= 3);
		set_u32(&fixture->info, 0, 0xffffffff);
		CHECK(!ask(fixture, &found));
		CHECK_EQ(found.frames, 0);
	}
}

/* Any one byte wrong, and any part missing: an answer, with at most what was there. */
TEST(every_byte_may_be_wrong)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	AUTO_FIXTURE fixture = dwarf_fixture_new();
	struct cfi_bytes *parts[] = { &fixture->info, &fixture->abbrev, &fixture->line };
	struct found found;

	for (size_t i = 0; i < 3; i++) {
		for (size_t at = 0; at < parts[i]->size; at++) {
			uint8_t good = parts[i]->bytes[at];

			for (size_t j = 0; j < sizeof(values); j++) {
				parts[i]->bytes[at] = values[j];
				CHECK(!ask(fixture, &found));
				CHECK(found.frames <= 256);
			}
			parts[i]->bytes[at] = good;
		}
	}
	CHECK(!ask(fixture, &found));
	CHECK_STR(found.text, whole);
}

TEST(every_part_may_be_cut)
{
	AUTO_FIXTURE fixture = dwarf_fixture_new();
	struct cfi_bytes *parts[] = { &fixture->info, &fixture->abbrev, &fixture->line };
	struct found found;

	for (size_t i = 0; i < 3; i++) {
		size_t good = parts[i]->size;

		for (parts[i]->size = 1; parts[i]->size < good; parts[i]->size++) {
			CHECK(!ask(fixture, &found));
			CHECK(found.frames <= 3);
		}
	}
}

TEST(a_question_has_an_end_however_long_the_line_program_is)
{
	AUTO_FIXTURE fixture = dwarf_fixture_new();
	struct found found;

	/* A row for each byte, without an end of the sequence. */
	fixture->line.size -= 3;
	while (fixture->line.size < FIXTURE_MAX_BYTES)
		put_u8(&fixture->line, 0xff);
	set_u32(&fixture->line, 0, (uint32_t)fixture->line.size - 4);
	CHECK(!ask(fixture, &found));
	CHECK_STR(found.text, "innie :0, middle /src/t.c:15, outer /src/t.c:20");
}

/* ---- compressed sections ------------------------------------------------------------------------ */

/* Puts the section in the compressed form of the gABI; @claimed is the size that it says. */
static void compress_info(struct dwarf_fixture *fixture, uint64_t claimed)
{
	Elf64_Chdr header = { .ch_type = ELFCOMPRESS_ZLIB, .ch_size = claimed, .ch_addralign = 1 };
	uLongf size = FIXTURE_MAX_BYTES - sizeof(header);
	struct cfi_bytes *packed = calloc(1, sizeof(*packed));

	put(packed, &header, sizeof(header));
	if (compress2(packed->bytes + sizeof(header), &size, fixture->info.bytes,
		      fixture->info.size, 9))
		abort();
	packed->size += size;
	fixture->info = *packed;
	fixture->info_flags = SHF_COMPRESSED;
	free(packed);
}

TEST(a_compressed_section_reads_like_another)
{
	AUTO_FIXTURE fixture = dwarf_fixture_new();
	struct found found;

	compress_info(fixture, fixture->info.size);
	CHECK(!ask(fixture, &found));
	CHECK_STR(found.text, whole);
}

TEST(a_compressed_section_may_lie_about_its_size)
{
	static const uint64_t claims[] = { 0, 1, 100, 100000, 1ULL << 32, UINT64_MAX };
	struct found found;

	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
		AUTO_FIXTURE fixture = dwarf_fixture_new();

		compress_info(fixture, claims[i]);
		CHECK(!ask(fixture, &found));
		CHECK(found.frames <= 3);
	}
}

TEST(a_compressed_stream_can_be_read_from_anywhere)
{
	const size_t total = 6 << 20;
	uint8_t *plain = malloc(total), *packed = malloc(compressBound(total)), part[5000];
	uLongf size = compressBound(total);
	AUTO(zlib_stream) stream = NULL;
	uint64_t random = 1, work, most = 0;
	AUTO_FD fd = -1;

	/* Hard to compress in part, so that there are many blocks. */
	for (size_t i = 0; i < total; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		plain[i] = (uint8_t)(random >> 60) * (uint8_t)(i >> 12);
	}
	CHECK(!compress2(packed, &size, plain, total, 1));
	fd = open_bytes(packed, size);
	CHECK(!zlib_stream_new(&stream, &(struct zlib_place){ fd, 0, size, total }));
	CHECK_EQ(zlib_stream_read(stream, total - 10, part, sizeof(part), &work), 10);
	CHECK_EQ(work, total);
	for (size_t i = 0; i < 50; i++) {
		uint64_t position;

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		position = (random >> 20) % (total - sizeof(part));
		CHECK_EQ(zlib_stream_read(stream, position, part, sizeof(part), &work),
			 sizeof(part));
		CHECK(!memcmp(part, plain + position, sizeof(part)));
		most = work > most ? work : most;
	}
	CHECK(most < total / 2);
	free(plain);
	free(packed);
}
