/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"

/*
 * zlib_stream - the bytes of a compressed section, from any place on.
 *
 * A deflated section of some hundred MB is not held in memory: while it is inflated for the first
 * time, the state is noted about every MB (with the 32 KiB that what follows may repeat), and
 * reading goes on from the note before the place that is asked for. Reading forwards
 * costs nothing extra. The Adler-32 at the end is not checked: nobody reads as far as that.
 *
 * Source: RFC 1950, RFC 1951, zlib.h (inflate with Z_BLOCK, inflatePrime, inflateSetDictionary).
 */
struct zlib_stream;

/* Where the compressed bytes lie in a file. */
struct zlib_place {
	int fd;          /* borrowed until the stream goes */
	uint64_t offset; /* of the zlib header */
	uint64_t size;   /* bytes, compressed */
	uint64_t total;  /* bytes, inflated, as the file says */
};

/* zlib_stream_new() - Return: 0, -EBADMSG if it does not begin as zlib data do, -EIO, -ENOMEM. */
int zlib_stream_new(struct zlib_stream **out, const struct zlib_place *place);

/*
 * zlib_stream_read() - @size bytes from @position on.
 * @ret_work: bytes that were inflated for it
 *
 * Return: the number of bytes, fewer where the data end or are damaged; -EIO or -ENOMEM.
 */
int64_t zlib_stream_read(struct zlib_stream *stream, uint64_t position, void *out, size_t size,
			 uint64_t *ret_work);

/* zlib_stream_bytes() - memory held. */
size_t zlib_stream_bytes(const struct zlib_stream *stream);

void zlib_stream_free(struct zlib_stream *stream);
DEFINE_AUTO(zlib_stream);
