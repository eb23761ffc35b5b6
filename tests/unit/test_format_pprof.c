// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdlib.h>
#include <zlib.h>

#include "profile.pb-c.h"
#include "tests/unit/test_profile_fixture.h"

typedef Perftools__Profiles__Profile Message;

static void message_freep(Message **slot)
{
	perftools__profiles__profile__free_unpacked(*slot, NULL);
}
#define AUTO_MESSAGE __attribute__((cleanup(message_freep))) Message *

static uint8_t *gunzip(const char *bytes, size_t length, size_t *ret_length)
{
	const size_t room = 1 << 20;
	uint8_t *out = malloc(room);
	z_stream zlib = { .next_in = (unsigned char *)bytes, .avail_in = (unsigned int)length };
	bool good;

	zlib.next_out = out;
	zlib.avail_out = (unsigned int)room;
	good = inflateInit2(&zlib, 15 + 16) == Z_OK && inflate(&zlib, Z_FINISH) == Z_STREAM_END &&
	       !zlib.avail_in;
	*ret_length = zlib.total_out;
	inflateEnd(&zlib);
	if (good)
		return out;
	free(out);
	return NULL;
}

/* What an independent reader of the message sees. */
static Message *read_back(const struct profile *profile)
{
	size_t length = 0, raw_length = 0;
	AUTO_STRING bytes = fixture_written(profile, FORMAT_PPROF, &length);
	uint8_t *raw = bytes ? gunzip(bytes, length, &raw_length) : NULL;
	Message *message = raw ? perftools__profiles__profile__unpack(NULL, raw_length, raw) : NULL;

	free(raw);
	return message;
}

static const char *text(const Message *message, int64_t index)
{
	return index >= 0 && (size_t)index < message->n_string_table ? message->string_table[index]
								     : NULL;
}

TEST(pprof_is_one_gzip_member_without_time_and_name)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING bytes = NULL;
	size_t length;

	CHECK(profile);
	bytes = fixture_written(profile, FORMAT_PPROF, &length);
	CHECK(bytes);
	CHECK(length > 18);
	CHECK(!memcmp(bytes, "\x1f\x8b\x08\0\0\0\0\0", 8));
}

TEST(pprof_states_types_period_and_times)
{
	AUTO(profile) profile = fixture_new();
	AUTO_MESSAGE message = NULL;

	CHECK(profile);
	CHECK_EQ(profile_add_comment(profile, "first"), 0);
	CHECK_EQ(profile_add_comment(profile, "second"), 0);
	message = read_back(profile);
	CHECK(message);
	CHECK_STR(text(message, 0), "");
	CHECK_EQ(message->n_sample_type, 2);
	CHECK_STR(text(message, message->sample_type[0]->type), "samples");
	CHECK_STR(text(message, message->sample_type[0]->unit), "count");
	CHECK_STR(text(message, message->sample_type[1]->type), "cpu");
	CHECK_STR(text(message, message->sample_type[1]->unit), "nanoseconds");
	CHECK_STR(text(message, message->default_sample_type), "cpu");
	CHECK(message->period_type);
	CHECK_STR(text(message, message->period_type->type), "cpu");
	CHECK_STR(text(message, message->period_type->unit), "nanoseconds");
	CHECK_EQ(message->period, 10000000);
	CHECK_EQ(message->time_nanos, 1700000000000000000);
	CHECK_EQ(message->duration_nanos, 10000000000);
	CHECK_EQ(message->n_comment, 2);
	CHECK_STR(text(message, message->comment[0]), "first");
	CHECK_STR(text(message, message->comment[1]), "second");
	CHECK_EQ(message->n_sample, 0);
	CHECK_EQ(message->drop_frames, 0);
	CHECK_EQ(message->keep_frames, 0);
}

TEST(pprof_without_a_period_type_has_none)
{
	const struct profile_options options = { .value_types = fixture_types,
						 .value_type_count = 1 };
	AUTO(profile) profile = NULL;
	AUTO_MESSAGE message = NULL;

	CHECK_EQ(profile_new(&profile, &options), 0);
	message = read_back(profile);
	CHECK(message);
	CHECK(!message->period_type);
	CHECK_EQ(message->n_sample_type, 1);
	CHECK_STR(text(message, message->default_sample_type), "samples");
}

TEST(pprof_has_samples_leaf_first_with_their_labels)
{
	AUTO(profile) profile = fixture_new();
	AUTO_MESSAGE message = NULL;
	const struct profile_label labels[] = { { "comm", "cat", 0 }, { "pid", NULL, -7 } };
	const int64_t values[] = { 3, 30000000 };
	uint64_t stack[2];
	const struct profile_sample sample = { stack, 2, values, labels, 2 };

	CHECK(profile);
	stack[1] = fixture_location(profile, 0, 0x10, "main");
	stack[0] = fixture_location(profile, 0, 0x20, "leaf");
	CHECK_EQ(profile_add_sample(profile, &sample), 0);
	CHECK_EQ(fixture_sample(profile, stack + 1, 1, NULL, 1), 0);
	message = read_back(profile);
	CHECK(message);
	CHECK_EQ(message->n_sample, 2);
	CHECK_EQ(message->sample[0]->n_location_id, 2);
	CHECK_EQ(message->sample[0]->location_id[0], 2);
	CHECK_EQ(message->sample[0]->location_id[1], 1);
	CHECK_EQ(message->sample[0]->n_value, 2);
	CHECK_EQ(message->sample[0]->value[0], 3);
	CHECK_EQ(message->sample[0]->value[1], 30000000);
	CHECK_EQ(message->sample[0]->n_label, 2);
	CHECK_STR(text(message, message->sample[0]->label[0]->key), "comm");
	CHECK_STR(text(message, message->sample[0]->label[0]->str), "cat");
	CHECK_EQ(message->sample[0]->label[0]->num, 0);
	CHECK_STR(text(message, message->sample[0]->label[1]->key), "pid");
	CHECK_EQ(message->sample[0]->label[1]->str, 0);
	CHECK_EQ(message->sample[0]->label[1]->num, -7);
	CHECK_EQ(message->sample[1]->n_label, 0);
	CHECK_EQ(message->sample[1]->value[0], 1);
}

TEST(pprof_has_functions_and_inlined_lines_innermost_first)
{
	AUTO(profile) profile = fixture_new();
	AUTO_MESSAGE message = NULL;
	const struct profile_function inlined = { "a::in()", "_ZN1a2inEv", "a.h", 7 };
	const struct profile_function outer = { "outer", "outer", "o.c", 0 };
	struct profile_line lines[] = { { 0, 9 }, { 0, 44 } };
	struct profile_location location = { 0, 0x1234, lines, 2 };
	uint64_t number;

	CHECK(profile);
	location.mapping = fixture_mapping(profile, "/bin/a");
	CHECK_EQ(profile_add_function(profile, &inlined, &lines[0].function), 0);
	CHECK_EQ(profile_add_function(profile, &outer, &lines[1].function), 0);
	CHECK_EQ(profile_add_location(profile, &location, &number), 0);
	message = read_back(profile);
	CHECK(message);
	CHECK_EQ(message->n_function, 2);
	CHECK_EQ(message->function[0]->id, 1);
	CHECK_STR(text(message, message->function[0]->name), "a::in()");
	CHECK_STR(text(message, message->function[0]->system_name), "_ZN1a2inEv");
	CHECK_STR(text(message, message->function[0]->filename), "a.h");
	CHECK_EQ(message->function[0]->start_line, 7);
	CHECK_EQ(message->function[1]->id, 2);
	CHECK_EQ(message->n_location, 1);
	CHECK_EQ(message->location[0]->id, 1);
	CHECK_EQ(message->location[0]->mapping_id, 1);
	CHECK_EQ(message->location[0]->address, 0x1234);
	CHECK_EQ(message->location[0]->n_line, 2);
	CHECK_EQ(message->location[0]->line[0]->function_id, 1);
	CHECK_EQ(message->location[0]->line[0]->line, 9);
	CHECK_EQ(message->location[0]->line[1]->function_id, 2);
	CHECK_EQ(message->location[0]->line[1]->line, 44);
}

TEST(pprof_mappings_say_that_addresses_are_those_of_the_file)
{
	AUTO(profile) profile = fixture_new();
	AUTO_MESSAGE message = NULL;
	const struct profile_mapping mapping = { "/bin/a", "0123abcd", true, false };
	uint64_t number;

	CHECK(profile);
	CHECK_EQ(profile_add_mapping(profile, &mapping, &number), 0);
	message = read_back(profile);
	CHECK(message);
	CHECK_EQ(message->n_mapping, 1);
	CHECK_EQ(message->mapping[0]->id, 1);
	CHECK_STR(text(message, message->mapping[0]->filename), "/bin/a");
	CHECK_STR(text(message, message->mapping[0]->build_id), "0123abcd");
	CHECK_EQ(message->mapping[0]->memory_start, 0);
	CHECK_EQ(message->mapping[0]->memory_limit, 0);
	CHECK_EQ(message->mapping[0]->file_offset, 0);
	CHECK(!message->mapping[0]->has_functions);
}

static void add_line(struct profile *profile, uint64_t mapping, const char *file, int64_t line)
{
	const struct profile_function function = { "f", "f", file, 0 };
	struct profile_line lines[] = { { 0, line } };
	const struct profile_location location = { mapping, 0x10, lines, 1 };
	uint64_t number;

	if (!profile_add_function(profile, &function, &lines[0].function))
		(void)profile_add_location(profile, &location, &number);
}

TEST(pprof_claims_for_a_mapping_what_all_its_locations_have)
{
	AUTO(profile) profile = fixture_new();
	AUTO_MESSAGE message = NULL;
	const struct profile_mapping claimless = { "/bin/none", "", false, false };
	uint64_t full, some, bare, none;

	CHECK(profile);
	full = fixture_mapping(profile, "/bin/full");
	some = fixture_mapping(profile, "/bin/some");
	bare = fixture_mapping(profile, "/bin/bare");
	CHECK_EQ(profile_add_mapping(profile, &claimless, &none), 0);
	add_line(profile, full, "f.c", 3);
	add_line(profile, some, "f.c", 3);
	add_line(profile, some, "", 0);
	add_line(profile, bare, "f.c", 3);
	CHECK(fixture_location(profile, bare, 0x20, NULL));
	add_line(profile, none, "f.c", 3);
	message = read_back(profile);
	CHECK(message);
	CHECK(message->mapping[0]->has_functions);
	CHECK(message->mapping[0]->has_filenames);
	CHECK(message->mapping[0]->has_line_numbers);
	CHECK(!message->mapping[0]->has_inline_frames);
	CHECK(message->mapping[1]->has_functions);
	CHECK(!message->mapping[1]->has_filenames);
	CHECK(!message->mapping[1]->has_line_numbers);
	CHECK(!message->mapping[2]->has_functions);
	CHECK(!message->mapping[2]->has_filenames);
	CHECK(!message->mapping[2]->has_line_numbers);
	CHECK(!message->mapping[3]->has_functions);
}

TEST(pprof_claims_inlined_frames_where_lines_are_complete)
{
	AUTO(profile) profile = fixture_new();
	AUTO_MESSAGE message = NULL;
	struct profile_line lines[] = { { 0, 1 }, { 0, 2 } };
	struct profile_location location = { 0, 0x10, lines, 2 };
	uint64_t number;

	CHECK(profile);
	location.mapping = fixture_mapping(profile, "/bin/a");
	lines[0].function = fixture_function(profile, "f");
	lines[1].function = fixture_function(profile, "g");
	CHECK_EQ(profile_add_location(profile, &location, &number), 0);
	message = read_back(profile);
	CHECK(message);
	CHECK(message->mapping[0]->has_inline_frames);
}

/* Pieces one behind the other have to be what one message would be. */
TEST(pprof_bytes_are_those_of_the_message_packed_at_once)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING bytes = NULL;
	AUTO_MESSAGE message = NULL;
	size_t length, raw_length = 0;
	uint8_t *raw, *packed;
	bool same;

	CHECK(profile);
	CHECK_EQ(fixture_stack(profile, "cat", 300, "leaf", "middle", "main", NULL), 0);
	CHECK_EQ(fixture_stack(profile, NULL, 1, "middle", "main", NULL), 0);
	bytes = fixture_written(profile, FORMAT_PPROF, &length);
	CHECK(bytes);
	raw = gunzip(bytes, length, &raw_length);
	CHECK(raw);
	message = perftools__profiles__profile__unpack(NULL, raw_length, raw);
	packed = malloc(raw_length);
	same = message && perftools__profiles__profile__get_packed_size(message) == raw_length &&
	       perftools__profiles__profile__pack(message, packed) == raw_length &&
	       !memcmp(raw, packed, raw_length);
	free(raw);
	free(packed);
	CHECK(same);
}
