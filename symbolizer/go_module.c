// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/go_module.h"

#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"

enum {
	CHUNK_BYTES = 64 * 1024,
	MAX_HEADER_WORDS = 8,
	MAX_FUNCTIONS = 4 * 1024 * 1024, /* the largest servers have 220,000 */
	FUNCTION_RECORD_BYTES = 40,      /* at least */
	MODULE_TEXT = 0xb0, /* of the first byte of code, in the runtime's moduledata */
};

/* What is looked through for a word at most: Go programs have a tenth of it as data. */
#define MAX_SCAN_BYTES (512ULL << 20)

/* The first eight bytes of a table: a number that goes down, two zeros, quantum 1, pointers of 8. */
#define MAGIC(low) (0x08010000ULL << 32 | (low))
#define MAGIC_1_16 MAGIC(0xfffffffaU)
#define MAGIC_1_18 MAGIC(0xfffffff0U)
#define MAGIC_1_20 MAGIC(0xfffffff1U)

/* Looks for two words one behind the other, at addresses that are multiples of 8. */
struct scan {
	const struct cfi_image *image;
	bool (*matches)(const uint64_t words[2], const void *context);
	const void *context;
	uint64_t *chunk; /* borrowed, CHUNK_BYTES and a word */
	uint64_t left;   /* bytes that may still be read */
};

/* Return: 0 with the rest of the segment from the words on, -ENOENT, or -EIO. */
static int scan_segment(struct scan *scan, const struct cfi_extent *segment,
			struct cfi_extent *ret_rest)
{
	uint64_t at = -segment->offset & 7;

	while (at < segment->size && scan->left) {
		uint64_t wanted = segment->size - at;
		int64_t size;

		if (wanted > CHUNK_BYTES + sizeof(uint64_t))
			wanted = CHUNK_BYTES + sizeof(uint64_t);
		size = cfi_read_file(scan->image->fd, scan->chunk, wanted, segment->offset + at);
		if (size < 0)
			return (int)size;
		for (size_t i = 0; (i + 2) * sizeof(uint64_t) <= (size_t)size; i++) {
			if (!scan->matches(&scan->chunk[i], scan->context))
				continue;
			at += i * sizeof(uint64_t);
			*ret_rest = *segment;
			ret_rest->address += at;
			ret_rest->offset += at;
			ret_rest->size -= at;
			return 0;
		}
		at += CHUNK_BYTES;
		scan->left -= scan->left < CHUNK_BYTES ? scan->left : CHUNK_BYTES;
	}
	return -ENOENT;
}

/* The first such place in the segments that are data, or in all that are not code. */
static int scan_file(struct scan *scan, bool only_data, struct cfi_extent *ret_rest)
{
	AUTO_STRING chunk = malloc(CHUNK_BYTES + sizeof(uint64_t));
	int err = chunk ? -ENOENT : -ENOMEM;

	scan->chunk = (void *)chunk;
	scan->left = MAX_SCAN_BYTES;
	for (size_t i = 0; err == -ENOENT && i < scan->image->segment_count; i++) {
		const struct cfi_extent *segment = &scan->image->segments[i];

		if (only_data ? segment->is_data : !segment->is_code)
			err = scan_segment(scan, segment, ret_rest);
	}
	return err;
}

/* ---- the table --------------------------------------------------------------------------------- */

static bool is_magic(const uint64_t words[2], const void *context)
{
	(void)context;
	return (words[0] == MAGIC_1_16 || words[0] == MAGIC_1_18 || words[0] == MAGIC_1_20) &&
	       words[1] && words[1] <= MAX_FUNCTIONS;
}

static int find_table(struct cfi_extent *ret_table, const struct cfi_image *image)
{
	struct scan scan = { .image = image, .matches = is_magic };

	if (image->sections[CFI_SECTION_GO_TABLE].size) {
		*ret_table = image->sections[CFI_SECTION_GO_TABLE];
		return ret_table->is_compressed ? -ENOENT : 0;
	}
	/* Before 1.21 C's linker makes it a part of .data.rel.ro in code that can run anywhere. */
	if (image->has_sections && !image->sections[CFI_SECTION_GO_BUILD].size)
		return -ENOENT;
	return scan_file(&scan, false, ret_table);
}

static size_t entry_bytes(enum go_layout layout)
{
	return layout == GO_LAYOUT_1_16 ? 16 : 8;
}

/* Whether what the header says can be: nobody looks at it again. */
static bool is_sound(const struct go_module *module)
{
	uint64_t size = module->table.size;

	return module->function_count && module->function_count <= MAX_FUNCTIONS &&
	       module->names < size && module->values < size && module->functions < size &&
	       module->names_size <= size - module->names &&
	       module->function_count <= (size - module->functions) / (entry_bytes(module->layout) +
								       FUNCTION_RECORD_BYTES);
}

/* The header: functions, files, start of the text (1.18 on), then positions. */
static int read_header(struct go_module *module, const struct cfi_image *image)
{
	uint64_t words[1 + MAX_HEADER_WORDS] = { 0 };
	const uint64_t *positions = &words[3];
	int64_t size;

	if (module->table.size < sizeof(words))
		return -ENOENT;
	size = cfi_read_file(image->fd, words, sizeof(words), module->table.offset);
	if (size < (int64_t)sizeof(words))
		return size < 0 ? (int)size : -ENOENT;
	if (words[0] == MAGIC_1_16) {
		module->layout = GO_LAYOUT_1_16;
	} else if (words[0] == MAGIC_1_18 || words[0] == MAGIC_1_20) {
		module->layout = words[0] == MAGIC_1_18 ? GO_LAYOUT_1_18 : GO_LAYOUT_1_20;
		module->text = words[3];
		positions = &words[4];
	} else {
		return -ENOENT;
	}
	module->function_count = words[1];
	module->names = positions[0];
	module->names_size = positions[1] > positions[0] ? positions[1] - positions[0] : 0;
	module->values = positions[3];
	module->functions = positions[4];
	return is_sound(module) ? 0 : -ENOENT;
}

/* ---- the start of the text --------------------------------------------------------------------- */

/* The runtime's moduledata begins with the address of the table and that of the names in it. */
static bool is_moduledata(const uint64_t words[2], const void *context)
{
	const struct go_module *module = context;

	return words[0] == module->table.address &&
	       words[1] == module->table.address + module->names;
}

static int read_text_of_moduledata(struct go_module *module, const struct cfi_image *image)
{
	struct scan scan = { .image = image, .matches = is_moduledata, .context = module };
	struct cfi_extent moduledata;
	int err = scan_file(&scan, true, &moduledata);
	int64_t size;

	if (err)
		return err;
	if (moduledata.size < MODULE_TEXT + sizeof(module->text))
		return -ENOENT;
	size = cfi_read_file(image->fd, &module->text, sizeof(module->text),
			     moduledata.offset + MODULE_TEXT);
	if (size < (int64_t)sizeof(module->text))
		return size < 0 ? (int)size : -ENOENT;
	return 0;
}

int go_module_find(struct go_module *out, const struct cfi_image *image)
{
	struct go_module module = { 0 };
	struct cfi_extent code;
	int err = find_table(&module.table, image);

	if (!err)
		err = read_header(&module, image);
	/* Since 1.26 it is 0 in the header. */
	if (!err && module.layout != GO_LAYOUT_1_16 &&
	    !cfi_image_find(image, module.text, true, &code))
		err = read_text_of_moduledata(&module, image);
	if (!err)
		*out = module;
	return err;
}
