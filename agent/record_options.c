// SPDX-License-Identifier: Apache-2.0
#include "agent/record_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/command.h"
#include "agent/quantity.h"
#include "bpf/abi.h"

enum {
	DEFAULT_HZ = 99, /* not 100, so as not to run in step with timers of programs */
	MAX_HZ = 1000,
	DEFAULT_MAX_FRAMES = 512,
	MAX_TOP_ROWS = 10000,
	MIN_UNWIND_BYTES = 1 << 20,
	DEFAULT_UNWIND_BYTES = 32 << 20,
	MAX_UNWIND_BYTES = 1 << 30,
};
static const uint64_t DEFAULT_DURATION_NS = 10ULL * 1000000000;

const char record_help[] =
	"usage: wick record [TARGET] [FLAGS]\n"
	"\n"
	"Samples the stacks of running threads and writes one profile. Ctrl-C once ends it early and\n"
	"writes what there is.\n"
	"\n"
	"TARGET, one of:\n"
	"  -a, --all                every process of this machine (default)\n"
	"  -p, --pid PID[,PID]      these processes, all their threads\n"
	"      --cgroup PATH        a control group and those below it: a directory of a cgroup\n"
	"                           file system, or the path below its root\n"
	"      -- COMMAND [ARG...]  run a command; it and its children, from the first instruction\n"
	"\n"
	"FLAGS:\n"
	"  -d, --duration TIME      how long: 5, 5s, 500ms, 2m (default 10s; with COMMAND, until it ends)\n"
	"  -F, --frequency HZ       samples a second on each CPU, 1 to 1000 (default 99)\n"
	"  -o, --output FILE        where to (default wick.pb.gz); - is standard output; may be repeated.\n"
	"                           By suffix: .pb.gz pprof, .folded text, .html flame graph,\n"
	"                           .speedscope.json\n"
	"      --format FORMAT      pprof, folded, html or speedscope, where the suffix does not tell\n"
	"      --top N              print the N functions that used most\n"
	"      --lines on|off       source files and lines, from debug information (default on)\n"
	"      --inlines on|off     inlined functions, from debug information (default on)\n"
	"      --max-frames N       of user code in a stack, 1 to 1024 (default 512)\n"
	"      --unwind-memory SIZE for unwind tables in the kernel, 1M to 1G (default 32M)\n"
	"      --unwind HOW         full, or frame-pointers alone; auto (default) is full where a test at\n"
	"                           start finds that this kernel's memory maps can be read\n"
	"      --btf FILE           the kernel's types, in place of /sys/kernel/btf/vmlinux\n"
	"      --unwind-cache DIR   keep compiled unwind tables there, for the next start (default: nowhere)\n"
	"      --allow-unsafe-kernel\n"
	"                           sample also on kernels that are known to freeze of it\n"
	"  -q, --quiet              no progress, no summary; errors and warnings only\n"
	"  -v, --verbose            what is going on inside\n"
	"  -h, --help\n"
	"\n"
	"Needs root, or CAP_BPF and CAP_PERFMON; for names also CAP_SYS_PTRACE,\n"
	"CAP_CHECKPOINT_RESTORE and CAP_DAC_READ_SEARCH (programs and libraries) and CAP_SYSLOG\n"
	"(kernel).\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage, 3 no samples for the target.\n";

enum flag {
	FLAG_CGROUP = 256,
	FLAG_FORMAT,
	FLAG_TOP,
	FLAG_LINES,
	FLAG_INLINES,
	FLAG_MAX_FRAMES,
	FLAG_UNWIND_MEMORY,
	FLAG_UNWIND,
	FLAG_BTF,
	FLAG_UNWIND_CACHE,
	FLAG_ALLOW_UNSAFE_KERNEL,
};

static const struct option flags[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "pid", required_argument, NULL, 'p' },
	{ "cgroup", required_argument, NULL, FLAG_CGROUP },
	{ "duration", required_argument, NULL, 'd' },
	{ "frequency", required_argument, NULL, 'F' },
	{ "output", required_argument, NULL, 'o' },
	{ "format", required_argument, NULL, FLAG_FORMAT },
	{ "top", required_argument, NULL, FLAG_TOP },
	{ "lines", required_argument, NULL, FLAG_LINES },
	{ "inlines", required_argument, NULL, FLAG_INLINES },
	{ "max-frames", required_argument, NULL, FLAG_MAX_FRAMES },
	{ "unwind-memory", required_argument, NULL, FLAG_UNWIND_MEMORY },
	{ "unwind", required_argument, NULL, FLAG_UNWIND },
	{ "btf", required_argument, NULL, FLAG_BTF },
	{ "unwind-cache", required_argument, NULL, FLAG_UNWIND_CACHE },
	{ "allow-unsafe-kernel", no_argument, NULL, FLAG_ALLOW_UNSAFE_KERNEL },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

/* State that is only needed while the arguments are read. */
struct parse {
	struct record_options options;
	enum format format; /* of --format */
	bool has_target;
};

static int set_target(struct parse *parse, enum target_kind target)
{
	if (parse->has_target && parse->options.target != target)
		return log_wrong("more than one target; choose one of --all, --pid, "
				 "--cgroup and -- COMMAND");
	parse->has_target = true;
	parse->options.target = target;
	return 0;
}

static int add_pids(struct parse *parse, const char *list)
{
	AUTO_STRING copy = strdup(list);
	char *state = NULL;
	uint64_t pid;

	if (!copy)
		return -ENOMEM;
	for (char *word = strtok_r(copy, ",", &state); word; word = strtok_r(NULL, ",", &state)) {
		if (quantity_parse_count(&pid, word, 1, INT_MAX))
			return log_wrong("--pid: \"%s\" is not a process id", word);
		if (parse->options.pid_count == RECORD_MAX_PIDS)
			return log_wrong("--pid: more than %d processes; use --cgroup",
					 RECORD_MAX_PIDS);
		parse->options.pids[parse->options.pid_count++] = (pid_t)pid;
	}
	if (!parse->options.pid_count)
		return log_wrong("--pid: no process id given");
	return set_target(parse, TARGET_PIDS);
}

static int add_output(struct parse *parse, const char *path)
{
	struct record_options *options = &parse->options;

	if (!*path)
		return log_wrong("--output: empty file name");
	if (options->output_count == RECORD_MAX_OUTPUTS)
		return log_wrong("--output: more than %d files", RECORD_MAX_OUTPUTS);
	options->outputs[options->output_count++].path = path;
	return 0;
}

static int set_number(uint32_t *ret, const char *flag, const char *text, uint32_t high)
{
	uint64_t number;

	if (quantity_parse_count(&number, text, 1, high))
		return log_wrong("%s: \"%s\" is not a number from 1 to %u", flag, text, high);
	*ret = (uint32_t)number;
	return 0;
}

static int set_unwind_memory(struct record_options *options, const char *text)
{
	uint64_t bytes;

	if (quantity_parse_size(&bytes, text) || bytes < MIN_UNWIND_BYTES ||
	    bytes > MAX_UNWIND_BYTES)
		return log_wrong("--unwind-memory: \"%s\" is not a size from 1M to 1G", text);
	options->unwind_bytes = (uint32_t)bytes;
	return 0;
}

static int set_duration(uint64_t *ret, const char *text)
{
	if (!quantity_parse_duration(ret, text))
		return 0;
	return log_wrong("--duration: \"%s\" is not a time such as 5s, 500ms or 2m", text);
}

static int set_format(enum format *ret, const char *name)
{
	*ret = format_of_name(name);
	if (*ret != FORMAT_UNKNOWN)
		return 0;
	return log_wrong("--format: \"%s\" is none of pprof, folded, html, speedscope", name);
}

static int set_tier(enum stack_tier *ret, const char *name)
{
	static const char *const names[] = {
		[STACK_TIER_AUTO] = "auto",
		[STACK_TIER_FULL] = "full",
		[STACK_TIER_FRAME_POINTERS] = "frame-pointers",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(name, names[i])) {
			*ret = (enum stack_tier)i;
			return 0;
		}
	}
	return log_wrong("--unwind: \"%s\" is none of auto, full, frame-pointers", name);
}

/* A switch that is on unless it is turned off. */
static int set_off(bool *ret_is_off, const char *flag, const char *text)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return log_wrong("%s: \"%s\" is neither on nor off", flag, text);
	*ret_is_off = !strcmp(text, "off");
	return 0;
}

static int set_cgroup(struct parse *parse, const char *path)
{
	if (!*path)
		return log_wrong("--cgroup: empty path");
	parse->options.cgroup = path;
	return set_target(parse, TARGET_CGROUP);
}

static int parse_flag(struct parse *parse, int flag, char **argv)
{
	struct record_options *options = &parse->options;

	switch (flag) {
	case 'a':
		return set_target(parse, TARGET_ALL);
	case 'p':
		return add_pids(parse, optarg);
	case FLAG_CGROUP:
		return set_cgroup(parse, optarg);
	case 'd':
		return set_duration(&options->duration_ns, optarg);
	case 'F':
		return set_number(&options->frequency_hz, "--frequency", optarg, MAX_HZ);
	case 'o':
		return add_output(parse, optarg);
	case FLAG_FORMAT:
		return set_format(&parse->format, optarg);
	case FLAG_TOP:
		return set_number(&options->top_rows, "--top", optarg, MAX_TOP_ROWS);
	case FLAG_LINES:
		return set_off(&options->no_lines, "--lines", optarg);
	case FLAG_INLINES:
		return set_off(&options->no_inlines, "--inlines", optarg);
	case FLAG_MAX_FRAMES:
		return set_number(&options->max_frames, "--max-frames", optarg,
				  ABI_MAX_USER_FRAMES);
	case FLAG_UNWIND_MEMORY:
		return set_unwind_memory(options, optarg);
	case FLAG_UNWIND:
		return set_tier(&options->tier, optarg);
	case FLAG_BTF:
		options->btf = optarg;
		return 0;
	case FLAG_UNWIND_CACHE:
		if (!*optarg)
			return log_wrong("--unwind-cache: empty path");
		options->unwind_cache = optarg;
		return 0;
	case FLAG_ALLOW_UNSAFE_KERNEL:
		options->allow_unsafe_kernel = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case ':':
		return log_wrong("%s needs a value; see `wick help record`", argv[optind - 1]);
	default:
		return log_wrong("there is no flag \"%s\"; see `wick help record`",
				 argv[optind - 1]);
	}
}

static bool has_suffix(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strchr(slash ? slash + 1 : path, '.');
}

/* Every file gets its format: its own suffix, or what --format says, or pprof. */
static int settle_outputs(struct parse *parse)
{
	struct record_options *options = &parse->options;
	size_t on_stdout = 0;

	if (!options->output_count)
		options->outputs[options->output_count++].path = "wick.pb.gz";
	for (size_t i = 0; i < options->output_count; i++) {
		struct record_output *output = &options->outputs[i];

		output->format = format_of_path(output->path);
		if (output->format == FORMAT_UNKNOWN)
			output->format = parse->format;
		if (output->format == FORMAT_UNKNOWN && has_suffix(output->path))
			return log_wrong("--output: the suffix of \"%s\" tells no format; "
					 "add --format",
					 output->path);
		if (output->format == FORMAT_UNKNOWN)
			output->format = FORMAT_PPROF;
		on_stdout += !strcmp(output->path, "-");
	}
	if (on_stdout > 1)
		return log_wrong("--output: only one format can go to standard output");
	return 0;
}

/* What follows the flags: nothing, or -- and a command. */
static int parse_command(struct parse *parse, int argc, char **argv)
{
	bool is_command = optind > 1 && !strcmp(argv[optind - 1], "--");

	if (is_command && optind == argc)
		return log_wrong("no command after --");
	if (optind == argc)
		return 0;
	if (!is_command)
		return log_wrong("unexpected \"%s\"; a command to run comes after --",
				 argv[optind]);
	parse->options.command = argv + optind;
	return set_target(parse, TARGET_COMMAND);
}

int record_options_parse(struct record_options *ret, int argc, char **argv)
{
	struct parse parse = {
		.options = { .frequency_hz = DEFAULT_HZ,
			     .max_frames = DEFAULT_MAX_FRAMES,
			     .unwind_bytes = DEFAULT_UNWIND_BYTES },
	};
	int flag, err = 0;

	optind = 0;
	opterr = 0;
	while (!err && (flag = getopt_long(argc, argv, "+:ap:d:F:o:qvh", flags, NULL)) >= 0)
		err = parse_flag(&parse, flag, argv);
	if (!err && !parse.options.help)
		err = parse_command(&parse, argc, argv);
	if (!err && !parse.options.help)
		err = settle_outputs(&parse);
	if (err)
		return err;
	if (!parse.options.duration_ns && parse.options.target != TARGET_COMMAND)
		parse.options.duration_ns = DEFAULT_DURATION_NS;
	*ret = parse.options;
	return 0;
}

bool record_writes_stdout(const struct record_options *options)
{
	for (size_t i = 0; i < options->output_count; i++) {
		if (!strcmp(options->outputs[i].path, "-"))
			return true;
	}
	return false;
}
