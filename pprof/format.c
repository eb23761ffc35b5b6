// SPDX-License-Identifier: Apache-2.0
#include "pprof/format.h"

#include <errno.h>
#include <string.h>

#include "pprof/encode.h"

static const struct {
	enum format format;
	const char *name;
	int (*encode)(const struct profile *profile, FILE *stream);
} writers[] = {
	{ FORMAT_PPROF, "pprof", encode_pprof },
	{ FORMAT_FOLDED, "folded", encode_folded },
	{ FORMAT_HTML, "html", encode_html },
	{ FORMAT_SPEEDSCOPE, "speedscope", encode_speedscope },
};

static const struct {
	const char *suffix;
	enum format format;
} suffixes[] = {
	{ ".pb.gz", FORMAT_PPROF },
	{ ".pprof", FORMAT_PPROF },
	{ ".folded", FORMAT_FOLDED },
	{ ".html", FORMAT_HTML },
	{ ".speedscope.json", FORMAT_SPEEDSCOPE },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum format format_of_name(const char *name)
{
	for (size_t i = 0; i < COUNT(writers); i++) {
		if (!strcmp(name, writers[i].name))
			return writers[i].format;
	}
	return FORMAT_UNKNOWN;
}

enum format format_of_path(const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < COUNT(suffixes); i++) {
		size_t suffix = strlen(suffixes[i].suffix);

		if (length >= suffix && !strcmp(path + length - suffix, suffixes[i].suffix))
			return suffixes[i].format;
	}
	return FORMAT_UNKNOWN;
}

/* stdio keeps the reason of a failure only when the last flush is what failed. */
static int finish(FILE *stream)
{
	errno = 0;
	if (fflush(stream))
		return errno ? -errno : -EIO;
	return ferror(stream) ? -EIO : 0;
}

int format_write(const struct profile *profile, enum format format, FILE *stream)
{
	for (size_t i = 0; i < COUNT(writers); i++) {
		int err;

		if (writers[i].format != format)
			continue;
		err = writers[i].encode(profile, stream);
		return err ? err : finish(stream);
	}
	return -EINVAL;
}
