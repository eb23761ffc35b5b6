// SPDX-License-Identifier: Apache-2.0
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "symbolizer/symbolizer.h"
#include "tests/harness/test.h"
#include "tests/unit/elf_image.h"

static const struct symbolizer_options defaults;

/* An image with one of everything that is read. */
static struct elf_image *rich_image(bool is_32)
{
	static const unsigned char note[] = { 4,   0,   0,   0,  20, 0,  0,  0,  3,  0,  0,  0,
					      'G', 'N', 'U', 0,  1,  2,  3,  4,  5,  6,  7,  8,
					      9,   10,  11,  12, 13, 14, 15, 16, 17, 18, 19, 20 };
	static const char *names[] = { "malloc", "__libc_malloc", "_ZN3foo3barEv", "_start", "$x" };
	static const uint64_t addresses[] = { 0x1000, 0x1000, 0x1040, 0x1080, 0x1090 };
	struct elf_image *image = elf_image_new(ET_DYN);
	uint16_t text;

	if (is_32)
		elf_image_use_32_bits(image);
	elf_image_add_load(image, PF_R | PF_X, 0, 0x1000, 0x1000);
	elf_image_add_load(image, PF_R | PF_W, 0x1000, 0x3000, 0x1000);
	elf_image_add_note(image, note, sizeof(note), false);
	text = elf_image_add_section(image, SHF_ALLOC | SHF_EXECINSTR, 0x1000, 0x1000);
	elf_image_add_note(image, note, sizeof(note), true);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		elf_image_add_symbol(image, (struct elf_image_symbol){
						    .name = names[i],
						    .address = addresses[i],
						    .size = i < 3 ? 0x40 : 0,
						    .bind = i ? STB_LOCAL : STB_WEAK,
						    .type = i < 3 ? STT_FUNC : STT_NOTYPE,
						    .section = text,
					    });
	elf_image_build(image);
	return image;
}

/* Asks for some places; every name that comes back is read to its end. */
static int ask(int fd, size_t *ret_named)
{
	static const uint64_t offsets[] = { 0, 0x10, 0x40, 0x80, 0x81, 0xfff, 0x1000, UINT64_MAX };
	enum {
		COUNT = sizeof(offsets) / sizeof(*offsets)
	};
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;
	size_t length = 0;
	int err = symbolizer_new(&symbolizer, &defaults);

	*ret_named = 0;
	if (!err)
		err = symbolizer_resolve_file(symbolizer, &answer, &SYMBOL_FILES(fd), offsets,
					      COUNT);
	if (err)
		return err;
	for (size_t i = 0; i < COUNT; i++) {
		const struct symbol_place *place = &answer->places[i];

		if (!place->line_count)
			continue;
		length += strlen(answer->lines[place->first_line].name);
		length += strlen(answer->lines[place->first_line].system_name);
		++*ret_named;
	}
	return answer->build_id_size > BUILD_ID_MAX || length > 1000 ? -EINVAL : 0;
}

TEST(the_image_that_is_broken_below_is_good)
{
	for (int is_32 = 0; is_32 < 2; is_32++) {
		AUTO(elf_image) image = rich_image(is_32);
		AUTO_FD fd = elf_image_open(image);
		size_t named;

		CHECK_EQ(ask(fd, &named), 0);
		CHECK_EQ(named, 6);
	}
}

TEST(an_image_cut_at_any_length_gets_an_answer)
{
	for (int is_32 = 0; is_32 < 2; is_32++) {
		AUTO(elf_image) image = rich_image(is_32);
		AUTO_FD fd = elf_image_open(image);
		size_t size, named;

		elf_image_bytes(image, &size);
		for (size_t left = size; left-- > 0;) {
			CHECK(!ftruncate(fd, (off_t)left));
			CHECK_EQ(ask(fd, &named), 0);
			CHECK_EQ(named, 0); /* the section headers are last */
		}
	}
}

/* A fixed seed: a failure can be repeated. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void damage(unsigned char *bytes, size_t size, uint32_t *state)
{
	static const unsigned char extremes[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (uint32_t flips = 1 + next_random(state) % 6; flips; flips--) {
		unsigned char *byte = &bytes[next_random(state) % size];

		if (next_random(state) % 2)
			*byte ^= 1u << next_random(state) % 8;
		else
			*byte = extremes[next_random(state) % sizeof(extremes)];
	}
}

TEST(damaged_images_get_an_answer)
{
	uint32_t state = 20240607;
	size_t answered = 0, named;

	for (int i = 0; i < 6000; i++) {
		AUTO(elf_image) image = rich_image(i % 4 == 0);
		AUTO_FD fd = -1;
		size_t size;
		unsigned char *bytes = elf_image_bytes(image, &size);

		damage(bytes, size, &state);
		fd = open_bytes(bytes, size);
		CHECK_EQ(ask(fd, &named), 0);
		answered += named > 0;
	}
	CHECK(answered > 1000);
}

TEST(every_field_of_the_headers_may_hold_anything)
{
	static const uint64_t values[] = { 0, 1, 0x7fffffffffffffff, 0xfffffffffffffff0,
					   UINT64_MAX };
	AUTO(elf_image) image = rich_image(false);
	size_t size, named;
	unsigned char *bytes = elf_image_bytes(image, &size);

	for (size_t at = EI_NIDENT; at + 8 <= size; at += 4) {
		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
			unsigned char before[8];
			AUTO_FD fd = -1;

			memcpy(before, bytes + at, 8);
			memcpy(bytes + at, &values[i], 8);
			fd = open_bytes(bytes, size);
			CHECK_EQ(ask(fd, &named), 0);
			memcpy(bytes + at, before, 8);
		}
	}
}

TEST(a_file_cut_between_two_questions_loses_its_names_only)
{
	AUTO(elf_image) image = rich_image(false);
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) before = NULL;
	AUTO(symbol_answer) after = NULL;
	AUTO_FD fd = elf_image_open(image);
	const uint64_t place = 0x10;

	CHECK(!symbolizer_new(&symbolizer, &defaults));
	CHECK(!symbolizer_resolve_file(symbolizer, &before, &SYMBOL_FILES(fd), &place, 1));
	CHECK(!ftruncate(fd, 64));
	CHECK(!symbolizer_resolve_file(symbolizer, &after, &SYMBOL_FILES(fd), &place, 1));
	CHECK_EQ(before->places[0].line_count, 1);
	CHECK_EQ(after->places[0].line_count, 0);
	CHECK_EQ(after->kind, ELF_SHARED);
}
