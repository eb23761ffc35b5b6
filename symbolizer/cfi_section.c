// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/cfi_section.h"

#include <errno.h>
#include <gelf.h>

enum {
	WINDOWS = 8,           /* places that are read along at once */
	FIRST_READ = 4 * 1024, /* bytes; if reading goes on there, CFI_MAX_BLOCK at a time */
	EFFORT_FACTOR = 16,    /* times the section's size; 3 are needed, 9 in the worst order */
	COPY_DISCOUNT = 16,    /* running a byte takes so much longer than reading it */
	EFFORT_BYTES = 4 * 1024 * 1024,
	MAX_BYTES = 256 * 1024 * 1024,         /* of a section; libLLVM's has 5 MB */
	MAX_INFLATED_BYTES = 16 * 1024 * 1024, /* of a compressed section */
};

struct window {
	uint64_t position;
	size_t size;
	uint8_t *bytes; /* owned */
	uint64_t used;  /* when it became the latest */
};

struct cfi_section {
	struct cfi_budget *budget;
	int fd;
	uint64_t offset;
	uint64_t size;
	uint64_t address;
	bool is_debug;
	bool ends_at_zero;
	struct cfi_bases bases;
	struct window windows[WINDOWS];
	struct window *latest;
	uint64_t clock; /* counts changes of the latest window */
	Elf *elf;       /* owned; holds @inflated */
	const uint8_t *inflated;
	size_t taken_bytes; /* of the budget */
};

static int section_new(struct cfi_section **out, const struct cfi_image *image,
		       const struct cfi_extent *extent, struct cfi_budget *budget)
{
	AUTO(cfi_section) section = calloc(1, sizeof(*section));

	if (!section)
		return -ENOMEM;
	section->budget = budget;
	section->fd = image->fd;
	section->latest = &section->windows[0];
	section->address = extent->address;
	section->offset = extent->offset;
	section->size = extent->size < MAX_BYTES ? extent->size : MAX_BYTES;
	section->bases.text = image->sections[CFI_SECTION_TEXT].address;
	section->bases.data = image->sections[CFI_SECTION_GOT].address;

	*out = take(section);
	return 0;
}

static int take_bytes(struct cfi_section *section, size_t bytes)
{
	int err = cfi_budget_take(section->budget, bytes);

	if (!err)
		section->taken_bytes += bytes;
	return err;
}

static int allocate_windows(struct cfi_section *section)
{
	int err = take_bytes(section, WINDOWS * CFI_MAX_BLOCK);

	for (size_t i = 0; !err && i < WINDOWS; i++) {
		section->windows[i].bytes = malloc(CFI_MAX_BLOCK);
		if (!section->windows[i].bytes)
			return -ENOMEM;
	}
	return err;
}

static void allow_effort(struct cfi_section *section)
{
	section->budget->effort += EFFORT_FACTOR * section->size + EFFORT_BYTES;
}

/* Where the .eh_frame begins, as the header says that the linker makes for the unwinder. */
static int find_by_header(const struct cfi_image *image, struct cfi_extent *ret_extent)
{
	const struct cfi_extent *header = &image->eh_frame_hdr;
	struct cfi_bases bases = { .data = header->address };
	uint8_t bytes[4 + sizeof(uint64_t)], version, encoding;
	struct cfi_reader reader;
	uint64_t address;
	int64_t size;

	if (!header->size)
		return -ENOENT;
	size = cfi_read_file(image->fd, bytes, sizeof(bytes), header->offset);
	if (size < 0)
		return (int)size;
	reader =
		(struct cfi_reader){ bytes, bytes + size, header->address + (uint64_t)size, false };
	version = cfi_read_u8(&reader);
	encoding = cfi_read_u8(&reader);
	cfi_read_u16(&reader); /* the encodings of the search table */
	if (version != 1 || !cfi_read_pointer(&reader, encoding, &bases, &address) ||
	    !cfi_image_find(image, address, false, ret_extent))
		return -ENOENT;
	return 0;
}

int cfi_section_new_eh_frame(struct cfi_section **out, const struct cfi_image *image,
			     struct cfi_budget *budget)
{
	struct cfi_extent extent = image->sections[CFI_SECTION_EH_FRAME];
	bool is_by_name = extent.size && !extent.is_compressed;
	AUTO(cfi_section) section = NULL;
	int err = is_by_name ? 0 : find_by_header(image, &extent);

	if (!err)
		err = section_new(&section, image, &extent, budget);
	if (!err)
		err = allocate_windows(section);
	if (err)
		return err;
	section->ends_at_zero = !is_by_name;
	allow_effort(section);

	*out = take(section);
	return 0;
}

/* Both forms of the bytes are in memory then; anything wrong with them is -ENOENT. */
static int inflate_section(struct cfi_section *section, uint32_t number)
{
	GElf_Chdr header;
	Elf_Data *data;
	Elf_Scn *scn;

	elf_version(EV_CURRENT);
	section->elf = elf_begin(section->fd, ELF_C_READ, NULL);
	scn = section->elf ? elf_getscn(section->elf, number) : NULL;
	if (!scn || !gelf_getchdr(scn, &header))
		return -ENOENT;
	if (section->size > MAX_INFLATED_BYTES || header.ch_size > MAX_INFLATED_BYTES ||
	    take_bytes(section, section->size + header.ch_size)) {
		cfi_budget_lose(section->budget, UNWIND_LOST_LENGTH);
		return -ENOENT;
	}
	if (elf_compress(scn, 0, 0) < 0)
		return -ENOENT;
	data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf)
		return -ENOENT;
	section->inflated = data->d_buf;
	section->size = data->d_size;
	return 0;
}

int cfi_section_new_debug_frame(struct cfi_section **out, const struct cfi_image *image,
				struct cfi_budget *budget)
{
	const struct cfi_extent *extent = &image->sections[CFI_SECTION_DEBUG_FRAME];
	AUTO(cfi_section) section = NULL;
	int err;

	if (!extent->size)
		return -ENOENT;
	err = section_new(&section, image, extent, budget);
	if (!err && extent->is_compressed)
		err = inflate_section(section, extent->number);
	else if (!err)
		err = allocate_windows(section);
	if (err)
		return err;
	section->is_debug = true;
	allow_effort(section);

	*out = take(section);
	return 0;
}

bool cfi_section_is_debug(const struct cfi_section *section)
{
	return section->is_debug;
}

uint64_t cfi_section_size(const struct cfi_section *section)
{
	return section->size;
}

bool cfi_section_ends_at_zero(const struct cfi_section *section)
{
	return section->ends_at_zero;
}

const struct cfi_bases *cfi_section_bases(const struct cfi_section *section)
{
	return &section->bases;
}

static bool window_holds(const struct window *window, uint64_t position, uint64_t size)
{
	return position >= window->position && position - window->position <= window->size &&
	       size <= window->size - (position - window->position);
}

/* The window that waited longest gets the bytes: many where reading goes on, else a few. */
static int read_window(struct cfi_section *section, uint64_t position, uint64_t size)
{
	uint64_t left = section->size - position;
	uint64_t wanted = size > FIRST_READ ? size : FIRST_READ;
	struct window *window = &section->windows[0];
	int64_t got;

	for (size_t i = 0; i < WINDOWS; i++) {
		if (window_holds(&section->windows[i], position, 0))
			wanted = CFI_MAX_BLOCK;
		if (section->windows[i].used < window->used)
			window = &section->windows[i];
	}
	if (wanted > left)
		wanted = left;
	if (!cfi_budget_spend(section->budget, wanted / COPY_DISCOUNT))
		return -ENODATA;
	window->size = 0;
	got = cfi_read_file(section->fd, window->bytes, wanted, section->offset + position);
	if (got < 0)
		return (int)got;
	window->position = position;
	window->size = (size_t)got;
	window->used = ++section->clock;
	section->latest = window;
	return window_holds(window, position, size) ? 0 : -ENODATA;
}

static bool find_window(struct cfi_section *section, uint64_t position, uint64_t size)
{
	for (size_t i = 0; i < WINDOWS; i++) {
		if (!window_holds(&section->windows[i], position, size))
			continue;
		section->latest = &section->windows[i];
		section->latest->used = ++section->clock;
		return true;
	}
	return false;
}

static int find_bytes(struct cfi_section *section, uint64_t position, uint64_t size,
		      const uint8_t **ret_bytes)
{
	int err = 0;

	if (section->inflated) {
		*ret_bytes = section->inflated + position;
		return 0;
	}
	if (!window_holds(section->latest, position, size) && !find_window(section, position, size))
		err = read_window(section, position, size);
	*ret_bytes = section->latest->bytes + (position - section->latest->position);
	return err;
}

int cfi_section_get(struct cfi_section *section, uint64_t position, uint64_t size,
		    struct cfi_reader *ret_reader)
{
	const uint8_t *bytes;
	int err;

	if (position > section->size || size > section->size - position || size > CFI_MAX_BLOCK ||
	    !cfi_budget_spend(section->budget, size))
		return -ENODATA;
	err = find_bytes(section, position, size, &bytes);
	if (err)
		return err;
	*ret_reader = (struct cfi_reader){
		.at = bytes,
		.end = bytes + size,
		.end_address = section->address + position + size,
	};
	return 0;
}

void cfi_section_free(struct cfi_section *section)
{
	if (!section)
		return;
	for (size_t i = 0; i < WINDOWS; i++)
		free(section->windows[i].bytes);
	elf_end(section->elf);
	cfi_budget_give(section->budget, section->taken_bytes);
	free(section);
}
