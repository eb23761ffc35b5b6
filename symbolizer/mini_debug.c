// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/mini_debug.h"

#include <errno.h>
#include <lzma.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PIECE_BYTES = 64 * 1024,
	MAX_UNPACKED = 64 << 20,   /* distributions' largest have some MB */
	MAX_DICTIONARY = 80 << 20, /* memory for xz -9 */
};

struct unpacking {
	lzma_stream lzma;
	int in;
	uint64_t offset; /* in the file, of the next piece */
	uint64_t left;   /* packed bytes from there on */
	int out;
	uint64_t written;
	uint8_t input[PIECE_BYTES];
	uint8_t output[PIECE_BYTES];
};

static void auto_unpacking_free(struct unpacking **slot)
{
	if (*slot)
		lzma_end(&(*slot)->lzma);
	free(*slot);
}

#define AUTO_UNPACKING __attribute__((cleanup(auto_unpacking_free))) struct unpacking *

static int fill(struct unpacking *state)
{
	size_t wanted = state->left < PIECE_BYTES ? (size_t)state->left : PIECE_BYTES;
	ssize_t size = pread(state->in, state->input, wanted, (off_t)state->offset);

	if (size <= 0)
		return -ENOENT;
	state->lzma.next_in = state->input;
	state->lzma.avail_in = (size_t)size;
	state->offset += (uint64_t)size;
	state->left -= (uint64_t)size;
	return 0;
}

static int flush(struct unpacking *state)
{
	size_t size = PIECE_BYTES - state->lzma.avail_out;

	if (state->written + size > MAX_UNPACKED)
		return -ENOENT;
	if (size && write(state->out, state->output, size) != (ssize_t)size)
		return -ENOMEM;
	state->written += size;
	state->lzma.next_out = state->output;
	state->lzma.avail_out = PIECE_BYTES;
	return 0;
}

static int unpack(struct unpacking *state)
{
	lzma_ret status = LZMA_OK;
	int err = 0;

	state->lzma.next_out = state->output;
	state->lzma.avail_out = PIECE_BYTES;
	while (!err && status == LZMA_OK) {
		if (!state->lzma.avail_in && state->left)
			err = fill(state);
		if (err)
			break;
		status = lzma_code(&state->lzma, state->left ? LZMA_RUN : LZMA_FINISH);
		if (!state->lzma.avail_out || status != LZMA_OK)
			err = flush(state);
	}
	return err || status == LZMA_STREAM_END ? err : -ENOENT;
}

int mini_debug_open(int *ret_fd, int fd, const struct elf_file *file)
{
	const struct elf_section *section = elf_file_find_section(file, ".gnu_debugdata");
	AUTO_UNPACKING state = NULL;
	AUTO_FD memory = -1;
	int err;

	if (!section)
		return -ENOENT;
	state = calloc(1, sizeof(*state));
	memory = memfd_create("wick-debugdata", MFD_CLOEXEC);
	if (!state || memory < 0 || lzma_stream_decoder(&state->lzma, MAX_DICTIONARY, 0) != LZMA_OK)
		return -ENOMEM;
	state->in = fd;
	state->offset = section->offset;
	state->left = section->size;
	state->out = memory;
	err = unpack(state);
	if (err)
		return err;
	*ret_fd = take_fd(&memory);
	return 0;
}
