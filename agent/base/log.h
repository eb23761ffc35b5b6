/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>

/*
 * log - one line to standard error for each decision that a person should know of.
 *
 * Only agent/ logs, and once, where it decides; libraries return errors. @err is 0 or -errno,
 * whose text is appended, and is returned, so that `return log_error(err, ...)` ends a function.
 */
enum log_level {
	LOG_SILENT = -1, /* for tests */
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

/* log_set_level() - what is printed from now on; LOG_INFO at first. */
void log_set_level(enum log_level level);

/* log_wrong() - an error of whoever wrote the command line. Returns -EINVAL, whose text says nothing. */
int log_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
int log_error(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int log_warn(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* log_wants() - whether lines of @level are printed. */
int log_wants(enum log_level level);
