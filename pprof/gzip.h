/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "agent/base/cleanup.h"

/*
 * gzip - bytes in, one gzip member out to a stream.
 *
 * The member carries neither time nor name: equal bytes in are equal bytes out.
 */
struct gzip;

/* gzip_new() - @stream is borrowed until gzip_free(). Return: 0 or -ENOMEM. */
int gzip_new(struct gzip **out, FILE *stream);

/* gzip_write() - 0, or -EIO if the stream takes no more. */
int gzip_write(struct gzip *gzip, const void *bytes, size_t length);

/* gzip_finish() - write what is held back and the end of the member. 0 or -EIO. */
int gzip_finish(struct gzip *gzip);

void gzip_free(struct gzip *gzip);
DEFINE_AUTO(gzip);
