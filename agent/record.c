// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/base/log.h"
#include "agent/command.h"
#include "agent/output_file.h"
#include "agent/preflight.h"
#include "agent/record_options.h"
#include "agent/recording.h"
#include "agent/report.h"
#include "pprof/top_table.h"

/* Of a symbol table: 2.7 million symbols, for which some 90 MB are needed for a moment. */
static const uint64_t MAX_SYMBOL_BYTES = 64 << 20;

/* The files to be written, opened before anything else: a typing error must not cost a recording. */
struct outputs {
	struct output_file *files[RECORD_MAX_OUTPUTS];
	size_t count;
};

static int open_outputs(struct outputs *outputs, const struct record_options *options)
{
	for (size_t i = 0; i < options->output_count; i++) {
		const char *path = options->outputs[i].path;
		int err = output_file_open(&outputs->files[outputs->count], path);

		if (err)
			return log_error(err, "cannot write %s", path);
		outputs->count++;
	}
	return 0;
}

static void outputs_close(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		output_file_free(outputs->files[i]);
}

static int write_outputs(struct outputs *outputs, const struct record_options *options,
			 const struct profile *profile)
{
	for (size_t i = 0; i < outputs->count; i++) {
		FILE *stream = output_file_stream(outputs->files[i]);
		int err = format_write(profile, options->outputs[i].format, stream);

		if (err && output_file_error(outputs->files[i]))
			err = output_file_error(outputs->files[i]);
		if (!err)
			err = output_file_commit(outputs->files[i]);
		if (err)
			return log_error(err, "cannot write %s", options->outputs[i].path);
	}
	return 0;
}

/* An empty CPU profile of the recording's time and rate. */
static int new_profile(struct profile **out, const struct recording *recording)
{
	static const struct profile_value_type values[] = {
		{ "samples", "count" },
		{ "cpu", "nanoseconds" },
	};
	struct profile_options options = {
		.value_types = values,
		.value_type_count = 2,
		.period_type = { "cpu", "nanoseconds" },
		.period = (int64_t)recording_period_ns(recording),
		.time_ns = recording_start_ns(recording),
		.duration_ns = (int64_t)recording_duration_ns(recording),
	};

	return profile_new(out, &options);
}

static int build_profile(struct profile **out, const struct recording *recording,
			 const struct record_options *options, struct quality *quality)
{
	AUTO(profile) profile = NULL;
	AUTO(symbolizer) symbolizer = NULL;
	AUTO_STRING line = NULL;
	struct symbolizer_options names = {
		.max_symbol_bytes = MAX_SYMBOL_BYTES,
		.no_lines = options->no_lines,
		.no_inlines = options->no_inlines,
	};
	struct report_sources sources = {
		.window = recording_window(recording),
		.executables = recording_executables(recording),
	};
	int err = new_profile(&profile, recording);

	if (!err)
		err = symbolizer_new(&symbolizer, &names);
	sources.symbolizer = symbolizer;
	if (!err)
		err = report_add(&sources, profile, recording_period_ns(recording), quality);
	if (!err)
		line = quality_line(quality);
	if (!err)
		err = line ? profile_add_comment(profile, line) : -ENOMEM;
	if (err)
		return log_error(err, "cannot build the profile");
	*out = take(profile);
	return 0;
}

static void report_no_samples(const struct recording *recording,
			      const struct record_options *options)
{
	double seconds = (double)recording_duration_ns(recording) / 1e9;

	switch (options->target) {
	case TARGET_PIDS:
		log_error(0, "no samples: the process%s used no CPU time in %.1f s",
			  options->pid_count > 1 ? "es" : "", seconds);
		break;
	case TARGET_CGROUP:
		log_error(0, "no samples: nothing in cgroup %s used CPU time in %.1f s",
			  options->cgroup, seconds);
		break;
	case TARGET_COMMAND:
		log_error(0, "no samples: %s used no CPU time in %.1f s that %u Hz could see",
			  options->command[0], seconds, options->frequency_hz);
		break;
	default:
		log_error(0, "no samples: all CPUs were idle for %.1f s", seconds);
	}
}

static void summarize_command(const struct recording *recording,
			      const struct record_options *options)
{
	int status = recording_command_status(recording);

	if (options->target != TARGET_COMMAND)
		return;
	if (status < 0)
		log_info("%s is still running", options->command[0]);
	else if (WIFSIGNALED(status))
		log_info("%s was ended by signal %d (%s)", options->command[0], WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		log_info("%s exited with status %d", options->command[0], WEXITSTATUS(status));
}

static void summarize_files(const struct recording *recording, const struct record_options *options)
{
	const struct executable_table *executables = recording_executables(recording);

	for (size_t i = 0; i < options->output_count; i++) {
		if (strcmp(options->outputs[i].path, "-"))
			log_info("wrote %s", options->outputs[i].path);
	}
	if (executable_table_evicted(executables))
		log_warn(0, "%zu files were too many to keep open, their functions have no names",
			 executable_table_evicted(executables));
	if (executable_table_counts(executables)->partial)
		log_warn(
			0,
			"%zu files have more code than --unwind-memory has room for: the end of it "
			"is unwound by frame pointers",
			executable_table_counts(executables)->partial);
	if (executable_table_forbidden(executables))
		log_warn(0, "%zu files could not be opened for want of a capability",
			 executable_table_forbidden(executables));
}

static int summarize(const struct recording *recording, const struct record_options *options,
		     const struct profile *profile, const struct quality *quality)
{
	FILE *table = record_writes_stdout(options) ? stderr : stdout;
	AUTO_STRING line = NULL;
	int err = 0;

	if (options->top_rows)
		err = top_table_write(profile, options->top_rows, table);
	if (options->quiet)
		return err;
	fflush(table);
	summarize_command(recording, options);
	summarize_files(recording, options);
	line = quality_line(quality);
	if (line)
		log_info("%s", line);
	return err;
}

/* A recording that has run becomes files and a summary. */
static int deliver(const struct recording *recording, const struct record_options *options,
		   struct outputs *outputs)
{
	AUTO(profile) profile = NULL;
	struct quality quality;
	int err = recording_quality(recording, &quality);

	if (err)
		return EXIT_FAILED;
	if (!window_samples(recording_window(recording))) {
		summarize_command(recording, options);
		report_no_samples(recording, options);
		return EXIT_NO_SAMPLES;
	}
	err = build_profile(&profile, recording, options, &quality);
	if (!err)
		err = write_outputs(outputs, options, profile);
	if (!err)
		err = summarize(recording, options, profile, &quality);
	return err ? EXIT_FAILED : EXIT_DONE;
}

static int record(const struct record_options *options, struct outputs *outputs)
{
	AUTO(recording) recording = NULL;
	struct preflight wanted = {
		.allow_unsafe_kernel = options->allow_unsafe_kernel,
		.by_process = options->target == TARGET_PIDS || options->target == TARGET_COMMAND,
		.btf = options->btf,
	};
	int err = preflight_check(&wanted);

	if (!err)
		err = open_outputs(outputs, options);
	if (err)
		return EXIT_FAILED;
	err = recording_new(&recording, options);
	if (err == -ESRCH)
		return EXIT_NO_SAMPLES;
	if (!err)
		err = recording_run(recording);
	return err ? EXIT_FAILED : deliver(recording, options, outputs);
}

int command_record(int argc, char **argv)
{
	struct record_options options;
	struct outputs outputs = {};
	int status;

	if (record_options_parse(&options, argc, argv))
		return EXIT_USAGE;
	if (options.help) {
		fputs(record_help, stdout);
		return EXIT_DONE;
	}
	if (options.verbose)
		log_set_level(LOG_DEBUG);
	else if (options.quiet)
		log_set_level(LOG_WARN);
	status = record(&options, &outputs);
	outputs_close(&outputs);
	return status;
}
