// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/elf_needs.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "symbolizer/cfi_image.h"

enum {
	MAX_SEGMENTS = 64,
	MAX_DYNAMIC = 1024, /* entries; linkers write some 30 */
};

struct reader {
	int fd;
	struct cfi_image image;
	Elf64_Phdr segments[MAX_SEGMENTS];
	size_t segment_count;
};

/* A string of the file, at most PATH_MAX long. NULL with 0 in *@ret_err if there is none. */
static char *read_string(const struct reader *reader, uint64_t offset, int *ret_err)
{
	char bytes[PATH_MAX];
	int64_t size = cfi_read_file(reader->fd, bytes, sizeof(bytes), offset);
	char *copy;

	if (size <= 0 || !memchr(bytes, '\0', (size_t)size) || !*bytes)
		return NULL;
	copy = strdup(bytes);
	if (!copy)
		*ret_err = -ENOMEM;
	return copy;
}

static const Elf64_Phdr *find_segment(const struct reader *reader, uint32_t type)
{
	for (size_t i = 0; i < reader->segment_count; i++) {
		if (reader->segments[i].p_type == type)
			return &reader->segments[i];
	}
	return NULL;
}

static int add_entry(const struct reader *reader, struct elf_needs *needs, uint64_t strings,
		     const Elf64_Dyn *entry)
{
	int err = 0;

	if (entry->d_tag == DT_NEEDED && needs->library_count < ELF_MAX_NEEDS) {
		char *name = read_string(reader, strings + entry->d_un.d_val, &err);

		if (name)
			needs->libraries[needs->library_count++] = name;
	} else if ((entry->d_tag == DT_RUNPATH || entry->d_tag == DT_RPATH) &&
		   !needs->search_path) {
		needs->search_path = read_string(reader, strings + entry->d_un.d_val, &err);
	}
	return err;
}

static int read_dynamic(const struct reader *reader, const Elf64_Phdr *segment,
			struct elf_needs *needs)
{
	size_t count = segment->p_filesz / sizeof(Elf64_Dyn);
	Elf64_Dyn entries[MAX_DYNAMIC];
	struct cfi_extent strings = {};
	int64_t size;
	int err = 0;

	if (count > MAX_DYNAMIC)
		count = MAX_DYNAMIC;
	size = cfi_read_file(reader->fd, entries, count * sizeof(*entries), segment->p_offset);
	if (size < 0)
		return (int)size;
	count = (size_t)size / sizeof(*entries);
	for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
		if (entries[i].d_tag == DT_STRTAB &&
		    !cfi_image_find(&reader->image, entries[i].d_un.d_ptr, false, &strings))
			return 0;
	}
	for (size_t i = 0; !err && strings.size && i < count && entries[i].d_tag != DT_NULL; i++)
		err = add_entry(reader, needs, strings.offset, &entries[i]);
	return err;
}

static int read_segments(struct reader *reader)
{
	Elf64_Ehdr header;
	int64_t size = cfi_read_file(reader->fd, &header, sizeof(header), 0);

	if (size < (int64_t)sizeof(header) || header.e_phentsize != sizeof(Elf64_Phdr))
		return size < 0 ? (int)size : 0;
	size = cfi_read_file(reader->fd, reader->segments,
			     (header.e_phnum < MAX_SEGMENTS ? header.e_phnum : MAX_SEGMENTS) *
				     sizeof(Elf64_Phdr),
			     header.e_phoff);
	if (size < 0)
		return (int)size;
	reader->segment_count = (size_t)size / sizeof(Elf64_Phdr);
	return 0;
}

static int read_needs(struct reader *reader, struct elf_needs *needs)
{
	const Elf64_Phdr *segment;
	int err = cfi_image_read(&reader->image, reader->fd);

	if (err == -ENOEXEC)
		return 0;
	if (!err)
		err = read_segments(reader);
	for (size_t i = 0; i < reader->image.segment_count; i++)
		needs->is_program |= reader->image.segments[i].is_code;
	segment = err ? NULL : find_segment(reader, PT_INTERP);
	if (segment)
		needs->interpreter = read_string(reader, segment->p_offset, &err);
	segment = err ? NULL : find_segment(reader, PT_DYNAMIC);
	return segment ? read_dynamic(reader, segment, needs) : err;
}

int elf_needs_new(struct elf_needs **out, int fd)
{
	AUTO(elf_needs) needs = calloc(1, sizeof(*needs));
	struct reader reader = { .fd = fd };
	int err = needs ? read_needs(&reader, needs) : -ENOMEM;

	if (err)
		return err;
	*out = take(needs);
	return 0;
}

void elf_needs_free(struct elf_needs *needs)
{
	if (!needs)
		return;
	for (size_t i = 0; i < needs->library_count; i++)
		free(needs->libraries[i]);
	free(needs->interpreter);
	free(needs->search_path);
	free(needs);
}
