// SPDX-License-Identifier: Apache-2.0
#include "agent/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum log_level highest = LOG_INFO;

void log_set_level(enum log_level level)
{
	highest = level;
}

int log_wants(enum log_level level)
{
	return level <= highest;
}

/* One write, so that lines of several processes do not mix. */
static void print_line(enum log_level level, int err, const char *format, va_list args)
{
	static const char *const prefixes[] = { "error: ", "warning: ", "", "debug: " };
	char line[2048];
	int used;

	if (!log_wants(level))
		return;
	used = snprintf(line, sizeof(line), "wick: %s", prefixes[level]);
	used += vsnprintf(line + used, sizeof(line) - (size_t)used, format, args);
	if (err && used < (int)sizeof(line))
		snprintf(line + used, sizeof(line) - (size_t)used, ": %s", strerror(-err));
	fprintf(stderr, "%s\n", line);
}

int log_error(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(LOG_ERROR, err, format, args);
	va_end(args);
	return err;
}

int log_wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(LOG_ERROR, 0, format, args);
	va_end(args);
	return -EINVAL;
}

int log_warn(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(LOG_WARN, err, format, args);
	va_end(args);
	return err;
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(LOG_INFO, 0, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(LOG_DEBUG, 0, format, args);
	va_end(args);
}
