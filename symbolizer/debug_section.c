// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/debug_section.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "symbolizer/zlib_stream.h"

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif

enum {
	STORED_PAGE = 32 * 1024,
	STORED_PAGES = 32,          /* kept: 1 MB */
	STREAMED_PAGE = 256 * 1024, /* zlib is faster in long runs */
	STREAMED_PAGES = 32,        /* 8 MB: to get one back costs much */
	MAX_WHOLE = 48 << 20,       /* inflated sections up to here are kept whole */
	MAX_ZSTD = 256 << 20,       /* zstd has no places to go on from: whole or not at all */
	MAX_ZLIB_RATIO = 1040,      /* deflate cannot do better than 1032 */
	BYTES_A_STEP = 16,          /* inflating that much takes a step */
};

enum storage {
	STORED,
	ZLIB,
	ZSTD,
};

struct page {
	uint64_t number; /* in the section, plus one; 0: none */
	size_t size;
	uint8_t *bytes; /* owned */
};

struct debug_section {
	struct debug_budget *budget;
	int fd;
	enum storage storage;
	struct zlib_place place; /* also of what is stored as it is */
	uint8_t *whole;          /* owned */
	size_t whole_size;
	size_t reserved;            /* taken from the budget for it */
	bool is_hopeless;           /* could not be inflated: do not try again */
	struct zlib_stream *stream; /* owned */
	struct page *pages;         /* owned; page n is in n % page_count */
	size_t page_count;
	size_t page_bytes;
};

/* The older form, by name: "ZLIB" and the size as eight bytes, the highest first. */
static int read_old_header(struct debug_section *section)
{
	uint8_t header[12];

	if (section->place.size < sizeof(header) ||
	    pread(section->fd, header, sizeof(header), (off_t)section->place.offset) !=
		    sizeof(header) ||
	    memcmp(header, "ZLIB", 4) != 0)
		return -EBADMSG;
	section->place.total = 0;
	for (size_t i = 4; i < sizeof(header); i++)
		section->place.total = section->place.total << 8 | header[i];
	section->place.offset += sizeof(header);
	section->place.size -= sizeof(header);
	section->storage = ZLIB;
	return 0;
}

static int read_header(struct debug_section *section, bool is_64)
{
	union {
		Elf64_Chdr elf64;
		Elf32_Chdr elf32;
	} header;
	size_t size = is_64 ? sizeof(header.elf64) : sizeof(header.elf32);
	uint32_t type;

	if (section->place.size < size ||
	    pread(section->fd, &header, size, (off_t)section->place.offset) != (ssize_t)size)
		return -EBADMSG;
	type = is_64 ? header.elf64.ch_type : header.elf32.ch_type;
	section->place.total = is_64 ? header.elf64.ch_size : header.elf32.ch_size;
	section->place.offset += size;
	section->place.size -= size;
	if (type != ELFCOMPRESS_ZLIB && type != ELFCOMPRESS_ZSTD)
		return -EBADMSG;
	section->storage = type == ELFCOMPRESS_ZLIB ? ZLIB : ZSTD;
	return 0;
}

static bool is_absurd(const struct debug_section *section)
{
	uint64_t size = section->place.size, total = section->place.total;

	if (section->storage == ZSTD)
		return total > MAX_ZSTD;
	return section->storage == ZLIB && total / MAX_ZLIB_RATIO > size;
}

static bool is_whole(const struct debug_section *section)
{
	return section->storage == ZSTD ||
	       (section->storage == ZLIB && section->place.total <= MAX_WHOLE);
}

static int make_room(struct debug_section *section)
{
	if (is_whole(section))
		return 0;
	section->page_count = section->storage == STORED ? STORED_PAGES : STREAMED_PAGES;
	section->page_bytes = section->storage == STORED ? STORED_PAGE : STREAMED_PAGE;
	section->pages = calloc(section->page_count, sizeof(*section->pages));
	if (!section->pages)
		return -ENOMEM;
	if (section->storage == STORED)
		return 0;
	return zlib_stream_new(&section->stream, &section->place);
}

int debug_section_new(struct debug_section **out, int fd, const struct elf_file *file,
		      const struct elf_section *header, struct debug_budget *budget)
{
	AUTO(debug_section) section = calloc(1, sizeof(*section));
	int err = 0;

	if (!section)
		return -ENOMEM;
	section->fd = fd;
	section->budget = budget;
	section->place = (struct zlib_place){
		.fd = fd,
		.offset = header->offset,
		.size = header->size,
		.total = header->size,
	};
	if (header->flags & SHF_COMPRESSED)
		err = read_header(section, elf_file_is_64(file));
	else if (!strncmp(elf_file_section_name(file, header), ".zdebug", 7))
		err = read_old_header(section);
	if (!err && is_absurd(section))
		err = -EBADMSG;
	if (!err)
		err = make_room(section);
	if (err)
		return err;

	*out = take(section);
	return 0;
}

uint64_t debug_section_size(const struct debug_section *section)
{
	return section->place.total;
}

/* ---- inflated whole -------------------------------------------------------------------------- */

static size_t inflate_zstd(struct debug_section *section, const uint8_t *in)
{
	size_t size =
		ZSTD_decompress(section->whole, section->place.total, in, section->place.size);

	return ZSTD_isError(size) ? 0 : size;
}

/* What comes before any damage is good. */
static size_t inflate_zlib(struct debug_section *section, const uint8_t *in)
{
	z_stream z = {
		.next_in = (uint8_t *)in,
		.avail_in = (unsigned)section->place.size,
		.next_out = section->whole,
		.avail_out = (unsigned)section->place.total,
	};

	if (inflateInit(&z) != Z_OK)
		return 0;
	inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return section->place.total - z.avail_out;
}

static void inflate_whole(struct debug_section *section)
{
	uint64_t total = section->place.total, size = section->place.size;
	AUTO_STRING in = NULL;

	section->is_hopeless = true;
	if (!total || total + size > section->budget->bytes || size > MAX_ZSTD ||
	    !debug_budget_spend(section->budget, total / BYTES_A_STEP))
		return;
	in = malloc(size ? size : 1);
	section->whole = malloc(total);
	if (!in || !section->whole ||
	    pread(section->fd, in, size, (off_t)section->place.offset) != (ssize_t)size)
		return;
	section->budget->bytes -= total;
	section->reserved = total;
	section->whole_size = section->storage == ZSTD ? inflate_zstd(section, (uint8_t *)in)
						       : inflate_zlib(section, (uint8_t *)in);
	section->is_hopeless = false;
}

/* ---- in pages -------------------------------------------------------------------------------- */

static bool read_page(struct debug_section *section, struct page *page, uint64_t number)
{
	uint64_t start = number * section->page_bytes, left = section->place.total - start;
	size_t wanted = left < section->page_bytes ? (size_t)left : section->page_bytes;
	uint64_t work = wanted / 8;
	int64_t size;

	page->number = 0;
	if (!page->bytes)
		page->bytes = malloc(section->page_bytes);
	if (!page->bytes || !section->budget->effort)
		return false;
	if (section->stream)
		size = zlib_stream_read(section->stream, start, page->bytes, wanted, &work);
	else
		size = pread(section->fd, page->bytes, wanted,
			     (off_t)(section->place.offset + start));
	if (size <= 0 || !debug_budget_spend(section->budget, work / BYTES_A_STEP))
		return false;
	page->size = (size_t)size;
	page->number = number + 1;
	return true;
}

bool debug_section_window(struct debug_section *section, uint64_t position, const uint8_t **ret_at,
			  size_t *ret_size)
{
	struct page *page;
	uint64_t number;
	size_t at;

	if (position >= section->place.total)
		return false;
	if (is_whole(section)) {
		if (!section->whole && !section->is_hopeless)
			inflate_whole(section);
		*ret_at = section->whole + position;
		*ret_size = position < section->whole_size ? section->whole_size - position : 0;
		return *ret_size;
	}
	number = position / section->page_bytes;
	at = position % section->page_bytes;
	page = &section->pages[number % section->page_count];
	if (page->number != number + 1 && !read_page(section, page, number))
		return false;
	if (at >= page->size)
		return false;
	*ret_at = page->bytes + at;
	*ret_size = page->size - at;
	return true;
}

size_t debug_section_bytes(const struct debug_section *section)
{
	size_t bytes = sizeof(*section) + (section->whole ? section->place.total : 0);

	if (section->stream)
		bytes += zlib_stream_bytes(section->stream);
	for (size_t i = 0; i < section->page_count; i++)
		bytes += sizeof(struct page) + (section->pages[i].bytes ? section->page_bytes : 0);
	return bytes;
}

void debug_section_free(struct debug_section *section)
{
	if (!section)
		return;
	for (size_t i = 0; section->pages && i < section->page_count; i++)
		free(section->pages[i].bytes);
	free(section->pages);
	section->budget->bytes += section->reserved;
	zlib_stream_free(section->stream);
	free(section->whole);
	free(section);
}
