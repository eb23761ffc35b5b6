// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/checksum.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"

enum {
	WORD = 8, /* bytes that are taken at a time */
	BLOCK_BYTES = 256 * 1024,
};
#define MAX_FILE_BYTES (2ULL << 30)
#define POLYNOMIAL     0xedb88320U

/* tables[n][b]: what byte b does to the sum when n bytes follow it in its word. */
static uint32_t tables[WORD][256];
static pthread_once_t tables_are_made = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t sum = byte;

		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? POLYNOMIAL : 0);
		tables[0][byte] = sum;
	}
	for (int n = 1; n < WORD; n++) {
		for (uint32_t byte = 0; byte < 256; byte++) {
			uint32_t before = tables[n - 1][byte];

			tables[n][byte] = before >> 8 ^ tables[0][before & 0xff];
		}
	}
}

uint32_t checksum_add(uint32_t sum, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	pthread_once(&tables_are_made, make_tables);
	sum = ~sum;
	for (; size >= WORD; at += WORD, size -= WORD) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		word ^= sum;
		sum = 0;
		for (int i = 0; i < WORD; i++)
			sum ^= tables[WORD - 1 - i][word >> 8 * i & 0xff];
	}
	for (; size; at++, size--)
		sum = sum >> 8 ^ tables[0][(sum ^ *at) & 0xff];
	return ~sum;
}

int checksum_of_file(int fd, uint32_t *ret)
{
	AUTO_STRING block = malloc(BLOCK_BYTES);
	uint64_t position = 0;
	ssize_t got;

	if (!block)
		return -ENOMEM;
	*ret = 0;
	while ((got = pread(fd, block, BLOCK_BYTES, (off_t)position)) > 0) {
		*ret = checksum_add(*ret, block, (size_t)got);
		position += (uint64_t)got;
		if (position > MAX_FILE_BYTES)
			return -EFBIG;
	}
	return got < 0 ? -EIO : 0;
}
