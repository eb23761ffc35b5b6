// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_image.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/cleanup.h"

enum {
	MAX_HEADERS = 4096, /* of each kind; linked files have some dozens */
	HEADERS_AT_ONCE = 32,
	MAX_NAME_BYTES = 64 * 1024, /* of the section names' string table */
};

/* Offsets in rows have 40 bits, the end of the last one too; no program lies further into its file. */
#define MAX_FILE_BYTES ((1ULL << 40) - 1)

int64_t cfi_read_file(int fd, void *out, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(fd, (char *)out + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -EIO;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (int64_t)done;
}

static int read_elf_header(struct cfi_image *image, Elf64_Ehdr *header)
{
	struct stat status;
	int64_t size;

	if (fstat(image->fd, &status) || !S_ISREG(status.st_mode))
		return -EIO;
	image->file_size = (uint64_t)status.st_size;
	if (image->file_size > MAX_FILE_BYTES)
		image->file_size = MAX_FILE_BYTES;
	size = cfi_read_file(image->fd, header, sizeof(*header), 0);
	if (size < 0)
		return (int)size;
	if (size < (int64_t)sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64)
		return -ENOEXEC;
	image->entry = header->e_entry;
	return 0;
}

/* What lies beyond the end of the file is not there. */
static struct cfi_extent extent_of(const struct cfi_image *image, uint64_t address, uint64_t offset,
				   uint64_t size)
{
	struct cfi_extent extent = { .address = address, .offset = offset, .size = size };

	if (offset > image->file_size)
		extent.size = 0;
	else if (size > image->file_size - offset)
		extent.size = image->file_size - offset;
	if (extent.size > -1ULL - address)
		extent.size = 0;
	return extent;
}

static void add_segment(struct cfi_image *image, const Elf64_Phdr *header)
{
	struct cfi_extent extent =
		extent_of(image, header->p_vaddr, header->p_offset, header->p_filesz);

	extent.is_code = header->p_flags & PF_X;
	extent.is_data = header->p_flags & PF_W;
	if (!extent.size)
		return;
	if (header->p_type == PT_GNU_EH_FRAME)
		image->eh_frame_hdr = extent;
	if (header->p_type == PT_LOAD && image->segment_count < CFI_MAX_SEGMENTS)
		image->segments[image->segment_count++] = extent;
}

static int read_segments(struct cfi_image *image, const Elf64_Ehdr *header)
{
	Elf64_Phdr headers[HEADERS_AT_ONCE];
	size_t count = header->e_phnum;

	if (header->e_phentsize != sizeof(*headers) || header->e_phoff > image->file_size ||
	    count > MAX_HEADERS)
		return 0;
	for (size_t i = 0; i < count; i += HEADERS_AT_ONCE) {
		uint64_t at = header->e_phoff + i * sizeof(*headers);
		size_t wanted = count - i < HEADERS_AT_ONCE ? count - i : HEADERS_AT_ONCE;
		int64_t size = cfi_read_file(image->fd, headers, wanted * sizeof(*headers), at);

		if (size < 0)
			return (int)size;
		for (size_t j = 0; j < (size_t)size / sizeof(*headers); j++)
			add_segment(image, &headers[j]);
	}
	return 0;
}

struct section_names {
	char *bytes; /* borrowed; room for MAX_NAME_BYTES and a 0, which ends them */
	size_t size;
};

static int read_section_names(struct cfi_image *image, const Elf64_Ehdr *header,
			      struct section_names *names)
{
	Elf64_Shdr section;
	int64_t size = cfi_read_file(image->fd, &section, sizeof(section),
				     header->e_shoff + header->e_shstrndx * sizeof(section));

	if (size < 0)
		return (int)size;
	if (size < (int64_t)sizeof(section) || section.sh_type != SHT_STRTAB ||
	    section.sh_offset > image->file_size)
		return 0;
	if (section.sh_size > MAX_NAME_BYTES)
		section.sh_size = MAX_NAME_BYTES;
	size = cfi_read_file(image->fd, names->bytes, section.sh_size, section.sh_offset);
	if (size < 0)
		return (int)size;
	names->size = (size_t)size;
	names->bytes[size] = '\0';
	return 0;
}

static void add_section(struct cfi_image *image, const Elf64_Shdr *header, const char *name,
			size_t number)
{
	static const struct {
		const char *name;
		enum cfi_section_name number;
	} wanted[] = {
		{ ".eh_frame", CFI_SECTION_EH_FRAME },
		{ ".debug_frame", CFI_SECTION_DEBUG_FRAME },
		{ ".text", CFI_SECTION_TEXT },
		{ ".got", CFI_SECTION_GOT },
		{ ".gnu_debuglink", CFI_SECTION_DEBUG_LINK },
		{ ".gopclntab", CFI_SECTION_GO_TABLE },
		{ ".data.rel.ro.gopclntab", CFI_SECTION_GO_TABLE },
		{ ".go.buildinfo", CFI_SECTION_GO_BUILD },
	};

	if (header->sh_type == SHT_NOBITS || header->sh_type == SHT_NULL)
		return;
	image->has_sections = true;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		struct cfi_extent *section = &image->sections[wanted[i].number];

		if (section->size || strcmp(name, wanted[i].name) != 0)
			continue;
		*section = extent_of(image, header->sh_addr, header->sh_offset, header->sh_size);
		section->is_compressed = header->sh_flags & SHF_COMPRESSED;
		section->number = (uint32_t)number;
	}
}

static int read_sections(struct cfi_image *image, const Elf64_Ehdr *header)
{
	AUTO_STRING bytes = malloc(MAX_NAME_BYTES + 1);
	struct section_names names = { bytes, 0 };
	Elf64_Shdr headers[HEADERS_AT_ONCE];
	size_t count = header->e_shnum;
	int err = bytes ? read_section_names(image, header, &names) : -ENOMEM;

	for (size_t i = 0; !err && i < count; i += HEADERS_AT_ONCE) {
		uint64_t at = header->e_shoff + i * sizeof(*headers);
		size_t wanted = count - i < HEADERS_AT_ONCE ? count - i : HEADERS_AT_ONCE;
		int64_t size = cfi_read_file(image->fd, headers, wanted * sizeof(*headers), at);

		if (size < 0)
			return (int)size;
		for (size_t j = 0; j < (size_t)size / sizeof(*headers); j++) {
			if (headers[j].sh_name < names.size)
				add_section(image, &headers[j], bytes + headers[j].sh_name, i + j);
		}
	}
	return err;
}

int cfi_image_read(struct cfi_image *image, int fd)
{
	Elf64_Ehdr header;
	int err;

	*image = (struct cfi_image){ .fd = fd };
	err = read_elf_header(image, &header);
	if (!err)
		err = read_segments(image, &header);
	if (!err && header.e_shentsize == sizeof(Elf64_Shdr) && header.e_shoff &&
	    header.e_shoff <= image->file_size && header.e_shnum <= MAX_HEADERS)
		err = read_sections(image, &header);
	return err;
}

bool cfi_image_find(const struct cfi_image *image, uint64_t address, bool only_code,
		    struct cfi_extent *ret_rest)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct cfi_extent *segment = &image->segments[i];
		uint64_t distance = address - segment->address;

		if (distance >= segment->size || (only_code && !segment->is_code))
			continue;
		*ret_rest = *segment;
		ret_rest->address += distance;
		ret_rest->offset += distance;
		ret_rest->size -= distance;
		return true;
	}
	return false;
}
