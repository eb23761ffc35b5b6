// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "pprof/utf8.h"

static const char *clean(const char *text)
{
	static char out[UTF8_MAX_BYTES + 1];
	size_t length = utf8_clean(out, text);

	return strlen(out) == length ? out : NULL;
}

#define BAD "\xef\xbf\xbd"

TEST(valid_text_stays_as_it_is)
{
	CHECK_STR(clean(""), "");
	CHECK_STR(clean("operator<(int, char const*)"), "operator<(int, char const*)");
	CHECK_STR(clean("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x94\xa5 \xf4\x8f\xbf\xbf"),
		  "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x94\xa5 \xf4\x8f\xbf\xbf");
	CHECK_STR(clean("\xed\x9f\xbf\xee\x80\x80"), "\xed\x9f\xbf\xee\x80\x80");
}

TEST(invalid_bytes_become_replacement_characters)
{
	CHECK_STR(clean("a\xff"
			"b"),
		  "a" BAD "b");
	CHECK_STR(clean("\x80"), BAD);
	CHECK_STR(clean("\xfe\xff"), BAD BAD);
	CHECK_STR(clean("\xf5\x80\x80\x80"), BAD BAD BAD BAD);
}

TEST(overlong_forms_are_invalid)
{
	CHECK_STR(clean("\xc0\xaf"), BAD BAD);
	CHECK_STR(clean("\xc1\xbf"), BAD BAD);
	CHECK_STR(clean("\xe0\x9f\xbf"), BAD BAD BAD);
	CHECK_STR(clean("\xf0\x8f\xbf\xbf"), BAD BAD BAD BAD);
}

TEST(surrogates_and_what_is_beyond_the_last_plane_are_invalid)
{
	CHECK_STR(clean("\xed\xa0\x80"), BAD BAD BAD);
	CHECK_STR(clean("\xed\xbf\xbf"), BAD BAD BAD);
	CHECK_STR(clean("\xf4\x90\x80\x80"), BAD BAD BAD BAD);
}

TEST(a_character_cut_short_by_the_end_is_invalid)
{
	CHECK_STR(clean("x\xc3"), "x" BAD);
	CHECK_STR(clean("x\xe2\x82"), "x" BAD BAD);
	CHECK_STR(clean("x\xf0\x9f\x94"), "x" BAD BAD BAD);
	CHECK_STR(clean("\xe2\x82z"), BAD BAD "z");
}

TEST(control_characters_become_question_marks)
{
	CHECK_STR(clean("a\nb\tc\rd"), "a?b?c?d");
	CHECK_STR(clean("\x01\x1f\x7f "), "??? ");
	CHECK_STR(clean("\x1b[31m"), "?[31m");
	CHECK_STR(clean("\xc2\x80\xc2\x9f\xc2\xa0"), "??\xc2\xa0");
}

TEST(line_separators_and_marks_of_direction_become_question_marks)
{
	CHECK_STR(clean("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf"),
		  "\xe2\x80\xa7????\xe2\x80\xaf");
	CHECK_STR(clean("\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa"),
		  "\xe2\x81\xa5??\xe2\x81\xaa");
}

TEST(text_of_the_longest_length_is_kept_whole)
{
	char text[UTF8_MAX_BYTES + 1];

	memset(text, 'a', UTF8_MAX_BYTES);
	text[UTF8_MAX_BYTES] = '\0';
	CHECK_STR(clean(text), text);
}

TEST(longer_text_is_cut_and_says_so)
{
	char text[UTF8_MAX_BYTES + 2];
	const char *cut;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cut = clean(text);
	CHECK(cut);
	CHECK_EQ(strlen(cut), UTF8_MAX_BYTES);
	CHECK_STR(cut + UTF8_MAX_BYTES - 4, "a\xe2\x80\xa6");
}

TEST(long_text_is_cut_between_two_characters)
{
	char text[2 * UTF8_MAX_BYTES + 1];
	const char *cut;

	for (size_t i = 0; i < UTF8_MAX_BYTES / 2; i++)
		memcpy(text + 4 * i, "\xf0\x9f\x94\xa5", 4);
	text[2 * UTF8_MAX_BYTES] = '\0';
	cut = clean(text);
	CHECK(cut);
	CHECK_EQ(strlen(cut), UTF8_MAX_BYTES - 1);
	CHECK_STR(cut + UTF8_MAX_BYTES - 8, "\xf0\x9f\x94\xa5\xe2\x80\xa6");
}

TEST(replacements_count_for_the_length_too)
{
	char text[UTF8_MAX_BYTES + 1];
	const char *cut;

	memset(text, '\xff', UTF8_MAX_BYTES);
	text[UTF8_MAX_BYTES] = '\0';
	cut = clean(text);
	CHECK(cut);
	CHECK(strlen(cut) <= UTF8_MAX_BYTES);
	CHECK_STR(cut + strlen(cut) - 6, BAD "\xe2\x80\xa6");
}
