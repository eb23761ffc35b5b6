// SPDX-License-Identifier: Apache-2.0
#include "agent/record_options.h"

#include <errno.h>

#include "agent/base/log.h"
#include "bpf/abi.h"
#include "tests/harness/test.h"

enum {
	MAX_WORDS = 32
};

/* Parses a line of words; what is wrong is logged below the level that is shown. */
static int parse(struct record_options *ret, const char *line)
{
	static char words[512];
	static char *argv[MAX_WORDS + 1];
	char *state = NULL;
	int argc = 0, err;

	snprintf(words, sizeof(words), "record %s", line);
	for (char *word = strtok_r(words, " ", &state); word && argc < MAX_WORDS;
	     word = strtok_r(NULL, " ", &state))
		argv[argc++] = word;
	argv[argc] = NULL;
	log_set_level(LOG_SILENT);
	err = record_options_parse(ret, argc, argv);
	log_set_level(LOG_INFO);
	return err;
}

TEST(without_flags_the_machine_is_recorded_for_ten_seconds_as_pprof)
{
	struct record_options options;

	CHECK_EQ(parse(&options, ""), 0);
	CHECK_EQ(options.target, TARGET_ALL);
	CHECK_EQ(options.duration_ns, 10000000000);
	CHECK_EQ(options.frequency_hz, 99);
	CHECK_EQ(options.max_frames, 512);
	CHECK_EQ(options.unwind_bytes, 32 << 20);
	CHECK(!options.allow_unsafe_kernel);
	CHECK_EQ(options.output_count, 1);
	CHECK_STR(options.outputs[0].path, "wick.pb.gz");
	CHECK_EQ(options.outputs[0].format, FORMAT_PPROF);
}

TEST(every_flag_is_understood_long_and_short)
{
	struct record_options options;

	CHECK_EQ(parse(&options, "-p 12,13 --pid 14 -d 500ms -F 19 -o a.html -o b.folded --top 5 "
				 "--max-frames 1024 --unwind-memory 64M "
				 "--allow-unsafe-kernel -q"),
		 0);
	CHECK_EQ(options.target, TARGET_PIDS);
	CHECK_EQ(options.pid_count, 3);
	CHECK_EQ(options.pids[2], 14);
	CHECK_EQ(options.duration_ns, 500000000);
	CHECK_EQ(options.frequency_hz, 19);
	CHECK_EQ(options.max_frames, ABI_MAX_USER_FRAMES);
	CHECK_EQ(options.unwind_bytes, 64 << 20);
	CHECK(options.allow_unsafe_kernel);
	CHECK_EQ(options.outputs[0].format, FORMAT_HTML);
	CHECK_EQ(options.outputs[1].format, FORMAT_FOLDED);
	CHECK_EQ(options.top_rows, 5);
	CHECK(options.quiet && !options.verbose);
	CHECK_EQ(parse(&options,
		       "--all --duration 2m --frequency 1000 --output - --format folded -v"),
		 0);
	CHECK_EQ(options.duration_ns, 120000000000);
	CHECK_EQ(options.outputs[0].format, FORMAT_FOLDED);
	CHECK(record_writes_stdout(&options) && options.verbose);
	CHECK_EQ(options.tier, STACK_TIER_AUTO);
	CHECK(!options.btf);
	CHECK_EQ(parse(&options, "--unwind frame-pointers --btf /boot/types"), 0);
	CHECK_EQ(options.tier, STACK_TIER_FRAME_POINTERS);
	CHECK_STR(options.btf, "/boot/types");
	CHECK_EQ(parse(&options, "--unwind full"), 0);
	CHECK_EQ(options.tier, STACK_TIER_FULL);
	CHECK_EQ(parse(&options, "--cgroup /kubepods/x"), 0);
	CHECK_EQ(options.target, TARGET_CGROUP);
	CHECK_STR(options.cgroup, "/kubepods/x");
}

TEST(a_command_keeps_its_own_flags_and_has_no_time_limit)
{
	struct record_options options;

	CHECK_EQ(parse(&options, "-F 19 -- sleep -d 5"), 0);
	CHECK_EQ(options.target, TARGET_COMMAND);
	CHECK_STR(options.command[0], "sleep");
	CHECK_STR(options.command[1], "-d");
	CHECK_STR(options.command[2], "5");
	CHECK(!options.command[3]);
	CHECK_EQ(options.duration_ns, 0);
	CHECK_EQ(parse(&options, "-d 3s -- sleep 5"), 0);
	CHECK_EQ(options.duration_ns, 3000000000);
}

TEST(the_suffix_tells_the_format_and_format_tells_the_rest)
{
	struct record_options options;

	CHECK_EQ(parse(&options, "-o x.speedscope.json -o /a.b/plain --format html"), 0);
	CHECK_EQ(options.outputs[0].format, FORMAT_SPEEDSCOPE);
	CHECK_EQ(options.outputs[1].format, FORMAT_HTML);
	CHECK_EQ(parse(&options, "-o /a.b/plain"), 0);
	CHECK_EQ(options.outputs[0].format, FORMAT_PPROF);
	CHECK_EQ(parse(&options, "-o x.svg --format folded"), 0);
	CHECK_EQ(options.outputs[0].format, FORMAT_FOLDED);
}

TEST(a_wrong_command_line_is_refused)
{
	static const char *const bad[] = {
		"--unwind",
		"--unwind dwarf",
		"--btf",
		"-F 0",
		"-F 1001",
		"-F x",
		"-F",
		"-d 0",
		"-d abc",
		"-d -1",
		"--format nope",
		"-o x.svg",
		"-o",
		"-p 0",
		"-p abc",
		"-p ,",
		"-p 1,,x",
		"-p -5",
		"--all -p 1",
		"--all --cgroup /x",
		"-p 1 -- true",
		"--",
		"stray",
		"--all stray",
		"--nonsense",
		"-Z",
		"--max-frames 1025",
		"--max-frames 0",
		"--top 0",
		"-o - -o -",
		"--all=yes",
		"-p 99999999999999",
		"--unwind-memory 1",
		"--unwind-memory 2G",
		"--unwind-memory x",
	};
	struct record_options options;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int err = parse(&options, bad[i]);

		if (err != -EINVAL)
			printf("# accepted: %s\n", bad[i]);
		CHECK_EQ(err, -EINVAL);
	}
}

TEST(help_wins_over_what_follows)
{
	struct record_options options;

	CHECK_EQ(parse(&options, "--help stray"), 0);
	CHECK(options.help);
}
