// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/zlib_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/base/array.h"

enum {
	INPUT_BYTES = 64 * 1024,
	WINDOW_BYTES = 32 * 1024,     /* how far back deflate may refer */
	MIN_NOTE_BYTES = 1024 * 1024, /* inflated, between two notes */
	MAX_NOTES = 256,              /* 8 MB */
	RAW = -15,                    /* windowBits: no header, no checksum */
	HEADER_BYTES = 2,
};

/* Enough to go on from a place between two blocks. */
struct note {
	uint64_t in;     /* compressed bytes before it, the first one with bits left included */
	uint64_t out;    /* inflated bytes before it */
	uint8_t *window; /* owned; the last inflated bytes */
	unsigned size;   /* of the window */
	uint8_t bits;    /* how many bits of the last byte are still to be read */
	uint8_t last;    /* that byte */
};

struct note_list {
	struct note *items;
	size_t count;
	size_t capacity;
};

struct zlib_stream {
	struct zlib_place place;
	z_stream z;
	bool is_open;           /* z is to be ended */
	bool has_ended;         /* nothing comes any more, until it is put back */
	uint64_t in;            /* compressed bytes read into the buffer */
	uint64_t out;           /* inflated bytes so far */
	uint64_t distance;      /* between notes */
	struct note_list notes; /* ascending */
	uint8_t input[INPUT_BYTES];
	uint8_t discarded[WINDOW_BYTES];
};

static bool is_zlib(const uint8_t *header)
{
	const unsigned deflate = 8, preset_dictionary = 0x20;

	return (header[0] & 0xf) == deflate && !(header[1] & preset_dictionary) &&
	       (header[0] * 256 + header[1]) % 31 == 0;
}

int zlib_stream_new(struct zlib_stream **out, const struct zlib_place *place)
{
	AUTO(zlib_stream) stream = calloc(1, sizeof(*stream));
	uint8_t header[HEADER_BYTES];
	struct note first = { .in = HEADER_BYTES };

	if (!stream)
		return -ENOMEM;
	stream->place = *place;
	if (place->size < HEADER_BYTES ||
	    pread(place->fd, header, HEADER_BYTES, (off_t)place->offset) != HEADER_BYTES)
		return -EIO;
	if (!is_zlib(header))
		return -EBADMSG;
	if (inflateInit2(&stream->z, RAW) != Z_OK)
		return -ENOMEM;
	stream->is_open = true;
	stream->in = HEADER_BYTES;
	stream->distance = place->total / MAX_NOTES;
	if (stream->distance < MIN_NOTE_BYTES)
		stream->distance = MIN_NOTE_BYTES;
	if (array_add(&stream->notes, first))
		return -ENOMEM;

	*out = take(stream);
	return 0;
}

/* Between two blocks: writes down where this is. */
static int take_note(struct zlib_stream *stream)
{
	unsigned bits = (unsigned)stream->z.data_type & 7;
	struct note note = { .in = stream->in - stream->z.avail_in, .out = stream->out };

	note.window = malloc(WINDOW_BYTES);
	if (!note.window)
		return -ENOMEM;
	if (bits) {
		note.bits = (uint8_t)bits;
		note.last = stream->z.next_in[-1];
	}
	if (inflateGetDictionary(&stream->z, note.window, &note.size) != Z_OK ||
	    array_add(&stream->notes, note)) {
		free(note.window);
		return -ENOMEM;
	}
	return 0;
}

/* The last note that is not behind @position. */
static const struct note *note_before(const struct zlib_stream *stream, uint64_t position)
{
	size_t low = 0, high = stream->notes.count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (stream->notes.items[middle].out <= position)
			low = middle;
		else
			high = middle;
	}
	return &stream->notes.items[low];
}

/* Puts the state at a note, unless going on from where it is leads to @position sooner. */
static int approach(struct zlib_stream *stream, uint64_t position)
{
	const struct note *note = note_before(stream, position);

	if (stream->out <= position && stream->out >= note->out)
		return 0;
	if (inflateReset2(&stream->z, RAW) != Z_OK)
		return -EIO;
	stream->z.avail_in = 0;
	stream->in = note->in;
	stream->out = note->out;
	stream->has_ended = false;
	if (note->bits &&
	    inflatePrime(&stream->z, note->bits, note->last >> (8 - note->bits)) != Z_OK)
		return -EIO;
	if (note->size && inflateSetDictionary(&stream->z, note->window, note->size) != Z_OK)
		return -EIO;
	return 0;
}

static int fill_input(struct zlib_stream *stream)
{
	uint64_t left = stream->place.size - stream->in;
	size_t wanted = left < INPUT_BYTES ? (size_t)left : INPUT_BYTES;
	ssize_t size = pread(stream->place.fd, stream->input, wanted,
			     (off_t)(stream->place.offset + stream->in));

	if (size < 0)
		return -EIO;
	if (!size)
		stream->has_ended = true;
	stream->z.next_in = stream->input;
	stream->z.avail_in = (unsigned)size;
	stream->in += (uint64_t)size;
	return 0;
}

/* Whether the last note is so far behind that the end of this block deserves one. */
static bool wants_note(const struct zlib_stream *stream)
{
	const struct note *last = &stream->notes.items[stream->notes.count - 1];

	return stream->out >= last->out + stream->distance && stream->notes.count < MAX_NOTES;
}

/* Inflates @size bytes from where it is on; fewer at the end. */
static int64_t inflate_next(struct zlib_stream *stream, uint8_t *out, size_t size)
{
	const int block_end = 128, last_block = 64;
	size_t done = 0;

	while (done < size && !stream->has_ended) {
		size_t before;
		int err = stream->z.avail_in ? 0 : fill_input(stream);
		bool is_due = wants_note(stream);
		int status;

		if (err)
			return err;
		stream->z.next_out = out + done;
		stream->z.avail_out = (unsigned)(size - done);
		before = stream->z.avail_out;
		status = inflate(&stream->z, is_due ? Z_BLOCK : Z_NO_FLUSH);
		done += before - stream->z.avail_out;
		stream->out += before - stream->z.avail_out;
		if (status != Z_OK && status != Z_BUF_ERROR)
			stream->has_ended = true;
		else if (is_due && stream->z.data_type & block_end &&
			 !(stream->z.data_type & last_block))
			err = take_note(stream);
		if (err)
			return err;
	}
	return (int64_t)done;
}

int64_t zlib_stream_read(struct zlib_stream *stream, uint64_t position, void *out, size_t size,
			 uint64_t *ret_work)
{
	int64_t got = approach(stream, position);
	uint64_t start = stream->out;

	if (got < 0)
		return got;
	while (stream->out < position) {
		uint64_t left = position - stream->out;

		got = inflate_next(stream, stream->discarded,
				   left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES);
		if (got < 0)
			return got;
		if (!got)
			break;
	}
	if (stream->out == position)
		got = inflate_next(stream, out, size);
	*ret_work = stream->out - start;
	return got;
}

size_t zlib_stream_bytes(const struct zlib_stream *stream)
{
	const size_t state = 48 * 1024; /* what zlib allocates: 40 KiB and some */

	return sizeof(*stream) + state + stream->notes.count * (sizeof(struct note) + WINDOW_BYTES);
}

void zlib_stream_free(struct zlib_stream *stream)
{
	if (!stream)
		return;
	if (stream->is_open)
		inflateEnd(&stream->z);
	for (size_t i = 0; i < stream->notes.count; i++)
		free(stream->notes.items[i].window);
	free(stream->notes.items);
	free(stream);
}
