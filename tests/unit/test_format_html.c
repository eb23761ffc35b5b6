// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "pprof/call_tree.h"
#include "tests/unit/test_profile_fixture.h"

static const char opening[] = "<script type=\"application/json\" id=\"profile\">";

/* The JSON in @page, cut out of it; what was behind it is lost. */
static char *data_of(char *page)
{
	char *data = page ? strstr(page, opening) : NULL;
	char *end;

	if (!data)
		return NULL;
	data += strlen(opening);
	end = strstr(data, "</script>");
	if (!end)
		return NULL;
	*end = '\0';
	return data;
}

static size_t occurrences(const char *text, const char *part)
{
	size_t count = 0;

	while ((text = strstr(text, part))) {
		count++;
		text += strlen(part);
	}
	return count;
}

TEST(a_page_carries_the_tree_of_calls)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING page = NULL;

	CHECK(profile);
	CHECK_EQ(profile_add_comment(profile, "quality: good"), 0);
	CHECK_EQ(fixture_stack(profile, NULL, 2, "write", "main", NULL), 0);
	CHECK_EQ(fixture_stack(profile, NULL, 5, "read", "main", NULL), 0);
	CHECK_EQ(fixture_stack(profile, NULL, 1, "main", NULL), 0);
	page = fixture_written(profile, FORMAT_HTML, NULL);
	CHECK_STR(data_of(page),
		  "{\"time_ns\":1700000000000000000,\"duration_ns\":10000000000"
		  ",\"type\":\"cpu\",\"unit\":\"nanoseconds\",\n\"comments\":[\"quality: good\"],\n"
		  "\"texts\":[\"write\",\n\"\",\n\"main\",\n\"read\"],\n"
		  "\"frames\":[0,1,1,0,0,\n2,1,1,0,0,\n3,1,1,0,0],\n"
		  "\"node_depth\":[0,1,1],\n"
		  "\"node_frame\":[1,2,0],\n"
		  "\"node_self\":[10000000,50000000,20000000],\n"
		  "\"node_samples\":[1,5,2]}");
}

TEST(a_page_is_whole_and_asks_for_nothing_else)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING page = NULL;

	CHECK(profile);
	page = fixture_written(profile, FORMAT_HTML, NULL);
	CHECK(page);
	CHECK(!strncmp(page, "<!doctype html>\n", 16));
	CHECK(strlen(page) > 8);
	CHECK_STR(page + strlen(page) - 8, "</html>\n");
	CHECK(!strstr(page, "@PROFILE@"));
	CHECK(strstr(page, "default-src 'none'"));
	CHECK(!strstr(page, " src="));
	CHECK(!strstr(page, "innerHTML"));
	CHECK_EQ(occurrences(page, "http://"), occurrences(page, "http://www.w3.org/2000/svg"));
	CHECK_EQ(occurrences(page, "https://"), 0);
}

TEST(no_name_can_break_out_of_a_page)
{
	static const char evil[] = "</script><script>alert(1)</script>&quot;<!--";
	const struct profile_function function = { evil, evil, evil, 1 };
	struct profile_line line = { 0, 1 };
	struct profile_location location = { 0, 0x10, &line, 1 };
	AUTO(profile) profile = fixture_new();
	AUTO(profile) plain = fixture_new();
	AUTO_STRING page = NULL;
	AUTO_STRING plain_page = NULL;
	const char *data;
	uint64_t number;

	CHECK(profile && plain);
	location.mapping = fixture_mapping(profile, evil);
	CHECK_EQ(profile_add_function(profile, &function, &line.function), 0);
	CHECK_EQ(profile_add_location(profile, &location, &number), 0);
	CHECK_EQ(fixture_sample(profile, &number, 1, evil, 1), 0);
	CHECK_EQ(profile_add_comment(profile, evil), 0);
	page = fixture_written(profile, FORMAT_HTML, NULL);
	plain_page = fixture_written(plain, FORMAT_HTML, NULL);
	CHECK(page && plain_page);
	CHECK_EQ(occurrences(page, "<script"), occurrences(plain_page, "<script"));
	CHECK_EQ(occurrences(page, "</script"), occurrences(plain_page, "</script"));
	data = data_of(page);
	CHECK(data);
	CHECK(!strpbrk(data, "<>&"));
	CHECK(strstr(data, "\"\\u003c/script\\u003e\\u003cscript\\u003ealert(1)"));
}

TEST(a_name_that_is_the_marker_stays_a_name)
{
	AUTO(profile) profile = fixture_new();
	AUTO_STRING page = NULL;
	const char *data;

	CHECK(profile);
	CHECK_EQ(fixture_stack(profile, NULL, 1, "@PROFILE@", NULL), 0);
	page = fixture_written(profile, FORMAT_HTML, NULL);
	data = data_of(page);
	CHECK(data);
	CHECK(strstr(data, "\"texts\":[\"@PROFILE@\","));
}

TEST(a_page_knows_kernel_special_and_process_frames)
{
	const struct profile_mapping kernel = { "[kernel.kallsyms]", "", true, true };
	AUTO(profile) profile = fixture_new();
	AUTO(frames) frames = NULL;
	uint64_t stack[3], mapping;
	const uint32_t *shown;

	CHECK(profile);
	CHECK_EQ(profile_add_mapping(profile, &kernel, &mapping), 0);
	stack[0] = fixture_location(profile, mapping, 0xffff800000000000, "schedule");
	stack[1] = fixture_location(profile, 0, 0x10, "main");
	stack[2] = fixture_location(profile, 0, 0, "[truncated]");
	CHECK_EQ(fixture_sample(profile, stack, 3, "cat", 1), 0);
	CHECK_EQ(frames_new(&frames, profile), 0);
	CHECK_EQ(frames_of_sample(frames, 0, &shown), 4);
	CHECK_EQ(frames_get(frames, shown[0])->kind, FRAME_PROCESS);
	CHECK_STR(frames_get(frames, shown[0])->name, "cat");
	CHECK_EQ(frames_get(frames, shown[1])->kind, FRAME_SPECIAL);
	CHECK_EQ(frames_get(frames, shown[2])->kind, FRAME_CODE);
	CHECK_EQ(frames_get(frames, shown[3])->kind, FRAME_KERNEL);
	CHECK_STR(frames_get(frames, shown[3])->module, "[kernel.kallsyms]");
}

static int64_t shown_line(int64_t start_line, int64_t line, int64_t other_line)
{
	const struct profile_function function = { "f", "f", "f.c", start_line };
	AUTO(profile) profile = fixture_new();
	AUTO(frames) frames = NULL;
	struct profile_line lines[] = { { 0, line }, { 0, other_line } };
	const struct profile_location location = { 0, 0x10, lines, 2 };
	uint64_t number;

	if (!profile || profile_add_function(profile, &function, &lines[0].function))
		return -1;
	lines[1].function = lines[0].function;
	if (profile_add_location(profile, &location, &number) || frames_new(&frames, profile))
		return -1;
	return frames_get(frames, 0)->line;
}

TEST(a_frame_shows_a_line_only_if_there_is_one)
{
	CHECK_EQ(shown_line(10, 12, 15), 10);
	CHECK_EQ(shown_line(0, 12, 12), 12);
	CHECK_EQ(shown_line(0, 12, 0), 12);
	CHECK_EQ(shown_line(0, 12, 15), 0);
	CHECK_EQ(shown_line(0, 0, 0), 0);
}

TEST(a_tree_merges_equal_beginnings_and_sorts_children)
{
	AUTO(profile) profile = fixture_new();
	AUTO(frames) frames = NULL;
	AUTO(call_tree) tree = NULL;
	static const char *const names[] = { "a", "main", "b", "main", "z" };
	static const unsigned int depths[] = { 0, 1, 0, 1, 2 };

	CHECK(profile);
	CHECK_EQ(fixture_stack(profile, NULL, 1, "z", "main", "b", NULL), 0);
	CHECK_EQ(fixture_stack(profile, NULL, 2, "main", "b", NULL), 0);
	CHECK_EQ(fixture_stack(profile, NULL, 3, "main", "a", NULL), 0);
	CHECK_EQ(frames_new(&frames, profile), 0);
	CHECK_EQ(call_tree_new(&tree, profile, frames), 0);
	CHECK_EQ(call_tree_count(tree), 5);
	for (size_t i = 0; i < 5; i++) {
		const struct call_node *node = call_tree_get(tree, i);

		CHECK_STR(frames_get(frames, node->frame)->name, names[i]);
		CHECK_EQ(node->depth, depths[i]);
	}
	CHECK_EQ(call_tree_get(tree, 1)->samples, 3);
	CHECK_EQ(call_tree_get(tree, 3)->samples, 2);
	CHECK_EQ(call_tree_get(tree, 4)->self, 10000000);
}

TEST(a_very_deep_stack_is_drawn_like_any_other)
{
	AUTO(profile) profile = fixture_new();
	AUTO(frames) frames = NULL;
	AUTO(call_tree) tree = NULL;
	static uint64_t stack[50000];

	CHECK(profile);
	for (size_t i = 0; i < 50000; i++)
		stack[i] = fixture_location(profile, 0, 0, "again");
	CHECK_EQ(fixture_sample(profile, stack, 50000, NULL, 1), 0);
	CHECK_EQ(frames_new(&frames, profile), 0);
	CHECK_EQ(frames_count(frames), 1);
	CHECK_EQ(call_tree_new(&tree, profile, frames), 0);
	CHECK_EQ(call_tree_count(tree), 50000);
	CHECK_EQ(call_tree_get(tree, 49999)->depth, 49999);
	CHECK_EQ(call_tree_get(tree, 49999)->samples, 1);
}
