/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bpf/abi.h"

/*
 * file_identity - which file it is, by the numbers that the system tells user space.
 *
 * They are those of the kernel side, but on overlayfs and btrfs, where inode or device are the file system's
 * own; and nobody tells the generation. A server behind the file system is not asked.
 */

/* file_identity_of_path() - of what @path leads to. 0 or -errno. */
int file_identity_of_path(struct abi_file *ret, const char *path);

/* file_identity_of_fd() - of an open file. 0 or -errno. */
int file_identity_of_fd(struct abi_file *ret, int fd);
