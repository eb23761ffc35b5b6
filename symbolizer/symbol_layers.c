// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_layers.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "agent/base/array.h"
#include "symbolizer/go_symbols.h"
#include "symbolizer/mini_debug.h"
#include "symbolizer/plt_symbols.h"

enum {
	MAX_LAYERS = 3,
	MAX_STRING_BYTES = 64 << 20, /* of .dynsym, to be copied */
};

/* The file that the names of a layer are in. */
enum holder {
	HOLDER_FILE,
	HOLDER_DEBUG_FILE,
	HOLDER_MINI,
};

struct layer {
	struct symbol_table *symbols; /* owned */
	enum holder holder;
	bool is_plt;
};

struct symbol_layers {
	struct layer items[MAX_LAYERS]; /* the first that has an address names it */
	size_t count;
	int mini_fd; /* owned, or -1 */
};

static const char plt_suffix[] = "@plt";

/* Puts a layer of @list below the others, if there is anything in it. */
static int add_layer(struct symbol_layers *layers, struct symbol_list *list, enum holder holder)
{
	struct layer layer = { .holder = holder };
	int err;

	if (!list->count)
		return 0;
	err = symbol_table_new(&layer.symbols, list);
	if (!err)
		layers->items[layers->count++] = layer;
	return err;
}

/* A file with symbol tables. */
struct origin {
	int fd;
	const struct elf_file *file;
	enum holder holder;
};

static int add_table(struct symbol_layers *layers, uint32_t type, const struct origin *origin,
		     uint64_t max_bytes)
{
	struct symbol_list list = { 0 };
	int err = symbol_list_read(&list, type, origin->fd, origin->file, max_bytes);

	if (!err)
		err = add_layer(layers, &list, origin->holder);
	free(list.items);
	return err;
}

/* The .symtab of the separate debug file. */
static int add_debug_file(struct symbol_layers *layers, int fd, uint64_t max_bytes)
{
	AUTO(elf_file) file = NULL;
	int err = elf_file_new(&file, fd);

	if (err == -EIO || (!err && elf_file_kind(file) == ELF_NONE))
		return 0;
	return err ? err
		   : add_table(layers, SHT_SYMTAB, &(struct origin){ fd, file, HOLDER_DEBUG_FILE },
			       max_bytes);
}

/* Copies the strings of .dynsym behind what is in @mini_fd; *@ret_at is where they are then. */
static int append_strings(int mini_fd, int fd, const struct symbol_strings *strings, off_t *ret_at)
{
	AUTO_STRING bytes = NULL;

	if (strings->size > MAX_STRING_BYTES)
		return -ENOENT;
	bytes = malloc(strings->size ? strings->size : 1);
	*ret_at = lseek(mini_fd, 0, SEEK_END);
	if (!bytes || *ret_at < 0)
		return -ENOMEM;
	if (pread(fd, bytes, strings->size, (off_t)strings->offset) != (ssize_t)strings->size)
		return -ENOENT;
	return write(mini_fd, bytes, strings->size) == (ssize_t)strings->size ? 0 : -ENOMEM;
}

/*
 * Adds the functions of .dynsym to those of a small file that was unpacked. They have to be in one
 * table: where a function without a size ends, only the next one says.
 */
static int add_dynamic(struct symbol_list *list, int mini_fd, int fd, const struct elf_file *file,
		       uint64_t max_bytes)
{
	struct symbol_list dynamic = { 0 };
	off_t at = 0;
	int err = symbol_list_read(&dynamic, SHT_DYNSYM, fd, file, max_bytes);

	if (!err && dynamic.count)
		err = append_strings(mini_fd, fd, &dynamic.strings, &at);
	for (size_t i = 0; i < dynamic.count && !err; i++) {
		dynamic.items[i].name += (uint32_t)((uint64_t)at - list->strings.offset);
		err = array_add(list, dynamic.items[i]);
	}
	if (!err && dynamic.count)
		list->strings.size = (uint64_t)at - list->strings.offset + dynamic.strings.size;
	free(dynamic.items);
	return err == -ENOENT ? 0 : err;
}

static int add_mini(struct symbol_layers *layers, int fd, const struct elf_file *file,
		    uint64_t max_bytes)
{
	struct symbol_list list = { 0 };
	AUTO(elf_file) mini = NULL;
	int err = mini_debug_open(&layers->mini_fd, fd, file);

	if (!err)
		err = elf_file_new(&mini, layers->mini_fd);
	if (!err && elf_file_kind(mini) == ELF_NONE)
		err = -ENOENT;
	if (!err)
		err = symbol_list_read(&list, SHT_SYMTAB, layers->mini_fd, mini, max_bytes);
	if (!err && list.count)
		err = add_dynamic(&list, layers->mini_fd, fd, file, max_bytes);
	if (!err)
		err = add_layer(layers, &list, HOLDER_MINI);
	free(list.items);
	return err == -ENOENT ? 0 : err;
}

static int add_go(struct symbol_layers *layers, int fd)
{
	struct symbol_list list = { 0 };
	int err = go_symbols_read(&list, fd);

	if (!err)
		err = add_layer(layers, &list, HOLDER_FILE);
	free(list.items);
	return err;
}

static int add_plt(struct symbol_layers *layers, int fd, const struct elf_file *file)
{
	struct symbol_list list = { 0 };
	size_t before = layers->count;
	int err = plt_symbols_read(&list, fd, file);

	if (!err)
		err = add_layer(layers, &list, HOLDER_FILE);
	if (layers->count > before)
		layers->items[before].is_plt = true;
	free(list.items);
	return err;
}

static int read_layers(struct symbol_layers *layers, const struct symbol_files *files,
		       const struct elf_file *file, uint64_t max_bytes)
{
	int fd = files->fd;
	const struct origin own = { fd, file, HOLDER_FILE };
	int err = add_go(layers, fd);
	size_t before = layers->count;

	if (!err)
		err = add_table(layers, SHT_SYMTAB, &own, max_bytes);
	if (!err && layers->count == before)
		err = add_mini(layers, fd, file, max_bytes);
	if (!err && layers->count == before && files->debug_fd >= 0)
		err = add_debug_file(layers, files->debug_fd, max_bytes);
	if (!err && layers->count == before)
		err = add_table(layers, SHT_DYNSYM, &own, max_bytes);
	return err ? err : add_plt(layers, fd, file);
}

int symbol_layers_new(struct symbol_layers **out, const struct symbol_files *files,
		      const struct elf_file *file, uint64_t max_symbol_bytes)
{
	AUTO(symbol_layers) layers = calloc(1, sizeof(*layers));
	enum elf_kind kind = elf_file_kind(file);
	int err = 0;

	if (!layers)
		return -ENOMEM;
	layers->mini_fd = -1;
	/* Symbols of other kinds are not addresses. */
	if (kind == ELF_EXECUTABLE || kind == ELF_SHARED)
		err = read_layers(layers, files, file, max_symbol_bytes);
	if (err)
		return err;

	*out = take(layers);
	return 0;
}

static bool read_name(const struct layer *layer, int fd, uint32_t names, char *name)
{
	size_t length;

	if (!symbol_table_name(layer->symbols, fd, names, name))
		return false;
	length = strlen(name);
	if (layer->is_plt && length + sizeof(plt_suffix) <= SYMBOL_NAME_MAX)
		memcpy(name + length, plt_suffix, sizeof(plt_suffix));
	return true;
}

bool symbol_layers_name(const struct symbol_layers *layers, const struct symbol_files *files,
			uint64_t address, char *name)
{
	const int fds[] = {
		[HOLDER_FILE] = files->fd,
		[HOLDER_DEBUG_FILE] = files->debug_fd,
		[HOLDER_MINI] = layers->mini_fd,
	};

	for (size_t i = 0; i < layers->count; i++) {
		const struct layer *layer = &layers->items[i];
		uint32_t names;

		if (symbol_table_find(layer->symbols, address, &names) &&
		    read_name(layer, fds[layer->holder], names, name))
			return true;
	}
	return false;
}

size_t symbol_layers_bytes(const struct symbol_layers *layers)
{
	size_t bytes = sizeof(*layers);

	for (size_t i = 0; i < layers->count; i++)
		bytes += symbol_table_bytes(layers->items[i].symbols);
	return bytes;
}

void symbol_layers_free(struct symbol_layers *layers)
{
	if (!layers)
		return;
	for (size_t i = 0; i < layers->count; i++)
		symbol_table_free(layers->items[i].symbols);
	if (layers->mini_fd >= 0)
		close(layers->mini_fd);
	free(layers);
}
