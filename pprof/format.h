/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "pprof/profile.h"

/*
 * format - the files that a profile can be written as.
 *
 *  PPROF       gzip'd profile.proto: go tool pprof, Pyroscope, Parca
 *  FOLDED      text, one stack a line, root first: flamegraph.pl, inferno, speedscope
 *  HTML        one self-contained page with a flame graph
 *  SPEEDSCOPE  JSON for speedscope.app
 *
 * HTML and SPEEDSCOPE show the last value type. FOLDED shows the first one if its unit is "count",
 * since its readers expect numbers of samples, else the last one. All three leave out samples whose
 * shown value is not positive, and show the label "comm", if a sample has it, as the root frame
 * of its stack; in FOLDED, ';' in a name becomes ':'. Equal profiles give equal bytes.
 */
enum format {
	FORMAT_UNKNOWN,
	FORMAT_PPROF,
	FORMAT_FOLDED,
	FORMAT_HTML,
	FORMAT_SPEEDSCOPE,
};

/* format_of_name() - "pprof", "folded", "html", "speedscope"; else FORMAT_UNKNOWN. */
enum format format_of_name(const char *name);

/* format_of_path() - by suffix: .pb.gz .pprof .folded .html .speedscope.json; else unknown. */
enum format format_of_path(const char *path);

/*
 * format_write() - write @profile to @stream and flush it; the caller closes it.
 *
 * Return: 0, -EINVAL for FORMAT_UNKNOWN, -ENOMEM, or why the stream takes no more: its errno, like
 * -ENOSPC or -EPIPE, or -EIO if that is no longer known.
 */
int format_write(const struct profile *profile, enum format format, FILE *stream);
