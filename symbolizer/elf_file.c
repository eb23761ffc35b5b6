// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/array.h"

enum {
	MAX_SEGMENTS = 4096, /* the kernel refuses to run a program with more than 1170 */
	MAX_SECTIONS = 8192, /* linkers write 30 to 80 */
	MAX_LOADS = 128,     /* linkers write 2 to 6 */
	MAX_NOTE_TABLES = 16,
	MAX_NOTE_BYTES = 64 * 1024,
	MAX_NAME_BYTES = 64 * 1024, /* of the section names */
};

/* A part of the file that is mapped to run. */
struct load {
	uint64_t offset;
	uint64_t file_size;
	uint64_t address;
	bool is_code;
};

struct load_list {
	struct load *items;
	size_t count;
	size_t capacity;
};

struct elf_file {
	enum elf_kind kind;
	bool is_64;
	unsigned machine;
	uint64_t size;
	uint64_t page_size; /* bytes, a power of two */
	struct load_list loads;
	struct elf_section *sections;
	size_t section_count;
	char *names; /* owned, ends in a NUL, or NULL */
	size_t name_bytes;
	size_t build_id_size;
	uint8_t build_id[BUILD_ID_MAX];
};

static void auto_elf_end(Elf **slot)
{
	elf_end(*slot);
}

#define AUTO_ELF __attribute__((cleanup(auto_elf_end))) Elf *

/* The first bytes of the file, in either class. */
union header {
	unsigned char ident[EI_NIDENT];
	Elf32_Ehdr elf32;
	Elf64_Ehdr elf64;
};

/*
 * Counts that do not fit their fields are kept in section 0, up to 2^32. libelf allocates
 * whatever stands there as long as a (sparse) file is large enough. No linked file needs that.
 */
static bool has_absurd_counts(const union header *header)
{
	bool is_32 = header->ident[EI_CLASS] == ELFCLASS32;
	unsigned segments = is_32 ? header->elf32.e_phnum : header->elf64.e_phnum;
	unsigned sections = is_32 ? header->elf32.e_shnum : header->elf64.e_shnum;
	bool has_sections = is_32 ? header->elf32.e_shoff : header->elf64.e_shoff;

	return segments == PN_XNUM || sections > MAX_SECTIONS || (has_sections && !sections);
}

/* ELF_NONE and ELF_OTHER end the reading, any other kind stands for "go on". */
static enum elf_kind kind_by_header(const union header *header, size_t size)
{
	const unsigned char *ident = header->ident;
	const unsigned char native =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	size_t needed = ident[EI_CLASS] == ELFCLASS32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);

	if (size < EI_NIDENT || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return ELF_NONE;
	if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64)
		return ELF_NONE;
	if (size < needed)
		return ELF_NONE;
	if (ident[EI_DATA] != native)
		return ELF_OTHER;
	return has_absurd_counts(header) ? ELF_NONE : ELF_SHARED;
}

static int read_kind_by_header(struct elf_file *file, int fd)
{
	union header header = { 0 };
	struct stat status;
	ssize_t size;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return -EIO;
	file->size = (uint64_t)status.st_size;
	size = pread(fd, &header, sizeof(header), 0);
	if (size < 0)
		return -EIO;
	file->kind = kind_by_header(&header, (size_t)size);
	return 0;
}

static enum elf_kind kind_by_type(unsigned type)
{
	switch (type) {
	case ET_EXEC:
		return ELF_EXECUTABLE;
	case ET_DYN:
		return ELF_SHARED;
	default:
		return ELF_OTHER;
	}
}

/* 0 when the table is absent, broken or absurd. */
static size_t segment_count(Elf *elf)
{
	size_t count;

	if (elf_getphdrnum(elf, &count) || count > MAX_SEGMENTS)
		return 0;
	return count;
}

static int read_loads(struct elf_file *file, Elf *elf)
{
	size_t count = segment_count(elf);
	GElf_Phdr segment;

	for (size_t i = 0; i < count && file->loads.count < MAX_LOADS; i++) {
		struct load load;

		if (!gelf_getphdr(elf, (int)i, &segment))
			break;
		if (segment.p_type != PT_LOAD || !segment.p_filesz)
			continue;
		load = (struct load){
			.offset = segment.p_offset,
			.file_size = segment.p_filesz,
			.address = segment.p_vaddr,
			.is_code = segment.p_flags & PF_X,
		};
		if (array_add(&file->loads, load))
			return -ENOMEM;
	}
	return 0;
}

static bool is_inside(const struct elf_file *file, uint64_t offset, uint64_t size)
{
	return offset <= file->size && size <= file->size - offset;
}

static int read_sections(struct elf_file *file, Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t count;

	if (elf_getshdrnum(elf, &count) || !count)
		return 0;
	file->sections = calloc(count, sizeof(*file->sections));
	if (!file->sections)
		return -ENOMEM;
	file->section_count = count;

	while ((section = elf_nextscn(elf, section))) {
		size_t index = elf_ndxscn(section);
		GElf_Shdr header;

		if (index >= count || !gelf_getshdr(section, &header))
			break;
		if (header.sh_type != SHT_NOBITS &&
		    !is_inside(file, header.sh_offset, header.sh_size))
			continue;
		file->sections[index] = (struct elf_section){
			.address = header.sh_addr,
			.offset = header.sh_offset,
			.size = header.sh_size,
			.entry_size = header.sh_entsize,
			.type = header.sh_type,
			.link = header.sh_link,
			.name = header.sh_name,
			.flags = header.sh_flags,
		};
	}
	return 0;
}

/* With pread, and not by libelf, which would read a table of any size. */
static int read_section_names(struct elf_file *file, Elf *elf, int fd)
{
	const struct elf_section *section;
	ssize_t size;
	size_t index;

	if (elf_getshdrstrndx(elf, &index) || index >= file->section_count)
		return 0;
	section = &file->sections[index];
	if (section->type != SHT_STRTAB || section->size > MAX_NAME_BYTES)
		return 0;
	file->names = calloc(1, section->size + 1);
	if (!file->names)
		return -ENOMEM;
	size = pread(fd, file->names, section->size, (off_t)section->offset);
	file->name_bytes = size > 0 ? (size_t)size : 0;
	return 0;
}

static bool note_is_build_id(const GElf_Nhdr *note, const char *name)
{
	return note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof(ELF_NOTE_GNU) &&
	       !memcmp(name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) && note->n_descsz &&
	       note->n_descsz <= BUILD_ID_MAX;
}

/* Looks through one table of notes, which ends at the first that does not fit into it. */
static void read_build_id(struct elf_file *file, Elf *elf, uint64_t offset, uint64_t size,
			  uint64_t align)
{
	size_t at = 0, next, name, content;
	Elf_Data *data;
	GElf_Nhdr note;

	if (size > MAX_NOTE_BYTES)
		size = MAX_NOTE_BYTES;
	if (!size || !is_inside(file, offset, size))
		return;
	data = elf_getdata_rawchunk(elf, (int64_t)offset, size,
				    align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	if (!data)
		return;
	for (; (next = gelf_getnote(data, at, &note, &name, &content)); at = next) {
		const char *bytes = data->d_buf;

		if (!note_is_build_id(&note, bytes + name))
			continue;
		memcpy(file->build_id, bytes + content, note.n_descsz);
		file->build_id_size = note.n_descsz;
		return;
	}
}

static void find_build_id_in_segments(struct elf_file *file, Elf *elf)
{
	size_t count = segment_count(elf), tables = 0;
	GElf_Phdr segment;

	for (size_t i = 0; i < count && tables < MAX_NOTE_TABLES && !file->build_id_size; i++) {
		if (!gelf_getphdr(elf, (int)i, &segment))
			return;
		if (segment.p_type != PT_NOTE)
			continue;
		tables++;
		read_build_id(file, elf, segment.p_offset, segment.p_filesz, segment.p_align);
	}
}

/* Files that are not meant to be run, and debug files, have no program headers that are true. */
static void find_build_id_in_sections(struct elf_file *file, Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t tables = 0;
	GElf_Shdr header;

	while (tables < MAX_NOTE_TABLES && !file->build_id_size &&
	       (section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			return;
		if (header.sh_type != SHT_NOTE)
			continue;
		tables++;
		read_build_id(file, elf, header.sh_offset, header.sh_size, header.sh_addralign);
	}
}

static int read_headers(struct elf_file *file, int fd)
{
	AUTO_ELF elf = NULL;
	GElf_Ehdr header;
	int err;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header)) {
		file->kind = ELF_NONE;
		return 0;
	}
	file->kind = kind_by_type(header.e_type);
	file->machine = header.e_machine;
	file->is_64 = gelf_getclass(elf) == ELFCLASS64;
	err = read_loads(file, elf);
	if (!err)
		err = read_sections(file, elf);
	if (!err)
		err = read_section_names(file, elf, fd);
	if (err)
		return err;
	find_build_id_in_segments(file, elf);
	if (!file->build_id_size)
		find_build_id_in_sections(file, elf);
	return 0;
}

int elf_file_new(struct elf_file **out, int fd)
{
	AUTO(elf_file) file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return -ENOMEM;
	file->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	err = read_kind_by_header(file, fd);
	if (!err && file->kind != ELF_NONE && file->kind != ELF_OTHER)
		err = read_headers(file, fd);
	if (err)
		return err;

	*out = take(file);
	return 0;
}

enum elf_kind elf_file_kind(const struct elf_file *file)
{
	return file->kind;
}

bool elf_file_is_64(const struct elf_file *file)
{
	return file->is_64;
}

unsigned elf_file_machine(const struct elf_file *file)
{
	return file->machine;
}

const uint8_t *elf_file_build_id(const struct elf_file *file, size_t *ret_size)
{
	*ret_size = file->build_id_size;
	return file->build_id;
}

/* How well a segment explains an offset; the higher the better. */
enum fit {
	FIT_NONE,
	FIT_PAGE,      /* in the rest of its first or last page, which is mapped with it */
	FIT_EXACT,     /* in its bytes */
	FIT_CODE_PAGE, /* the same for executable segments */
	FIT_CODE_EXACT,
};

static enum fit fit_of(const struct elf_file *file, const struct load *load, uint64_t offset)
{
	uint64_t mask = file->page_size - 1;
	uint64_t start = load->offset & ~mask;
	uint64_t size = (load->offset & mask) + load->file_size;

	if (offset >= load->offset && offset - load->offset < load->file_size)
		return load->is_code ? FIT_CODE_EXACT : FIT_EXACT;
	if (size < load->file_size || size + mask < size)
		return FIT_NONE;
	size = (size + mask) & ~mask;
	if (offset >= start && offset - start < size)
		return load->is_code ? FIT_CODE_PAGE : FIT_PAGE;
	return FIT_NONE;
}

uint64_t elf_file_address(const struct elf_file *file, uint64_t offset)
{
	const struct load *best = NULL;
	enum fit best_fit = FIT_NONE;

	for (size_t i = 0; i < file->loads.count; i++) {
		enum fit fit = fit_of(file, &file->loads.items[i], offset);

		if (fit <= best_fit)
			continue;
		best_fit = fit;
		best = &file->loads.items[i];
	}
	return best ? best->address + (offset - best->offset) : offset;
}

const struct elf_section *elf_file_sections(const struct elf_file *file, size_t *ret_count)
{
	*ret_count = file->section_count;
	return file->sections;
}

const char *elf_file_section_name(const struct elf_file *file, const struct elf_section *section)
{
	return section->name < file->name_bytes ? file->names + section->name : "";
}

const struct elf_section *elf_file_find_section(const struct elf_file *file, const char *name)
{
	for (size_t i = 0; i < file->section_count; i++) {
		const struct elf_section *section = &file->sections[i];

		if (section->type != SHT_NULL && section->type != SHT_NOBITS && section->size &&
		    !strcmp(elf_file_section_name(file, section), name))
			return section;
	}
	return NULL;
}

size_t elf_file_bytes(const struct elf_file *file)
{
	return sizeof(*file) + file->loads.capacity * sizeof(*file->loads.items) +
	       file->section_count * sizeof(*file->sections) + file->name_bytes;
}

void elf_file_free(struct elf_file *file)
{
	if (!file)
		return;
	free(file->loads.items);
	free(file->sections);
	free(file->names);
	free(file);
}
