/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "agent/base/cleanup.h"

/*
 * output_file - a file that appears whole, or not at all.
 *
 * Written beside its place under another name and renamed at the end, so that a failure leaves an
 * older file as it was, and a symbolic link is replaced, never followed. What is no regular file
 * (a terminal, /dev/null, a pipe) is written to directly; "-" is standard output. Under sudo, the
 * file belongs to the user who called it. It is readable by its owner only: profiles tell.
 */
struct output_file;

/* output_file_open() - Return: 0 or -errno of the place that cannot be written. */
int output_file_open(struct output_file **out, const char *path);

/* output_file_stream() - where to write, borrowed. */
FILE *output_file_stream(struct output_file *file);

/* output_file_error() - what made a write to the stream fail, which stdio forgets; 0 if none did. */
int output_file_error(const struct output_file *file);

/* output_file_commit() - everything is written: put it in place. 0 or -errno. */
int output_file_commit(struct output_file *file);

/* output_file_free() - without a commit, nothing remains. */
void output_file_free(struct output_file *file);
DEFINE_AUTO(output_file);
