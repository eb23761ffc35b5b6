/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * checksum - the CRC of .gnu_debuglink: 32 bits, the polynomial 0xedb88320 with its bits reversed, as of
 * ISO 3309 and zip files.
 */

/* checksum_add() - @sum of what came before (0: nothing) to that with these bytes behind it. */
uint32_t checksum_add(uint32_t sum, const void *bytes, size_t size);

/*
 * checksum_of_file() - of all bytes of @fd, read with pread.
 *
 * Return: 0; -EFBIG beyond 2 GiB; -EIO; or -ENOMEM.
 */
int checksum_of_file(int fd, uint32_t *ret);
