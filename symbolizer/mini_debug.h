/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/elf_file.h"

/*
 * mini_debug - the small ELF file with symbols that some distributions put into .gnu_debugdata.
 *
 * Compressed by xz. It has the functions that .dynsym does not have.
 *
 * Source: the gdb manual, "MiniDebugInfo".
 */

/*
 * mini_debug_open() - unpack it into a file in memory.
 * @file, @fd: that it is in, borrowed
 * @ret_fd: owned by the caller
 *
 * Return: 0; -ENOENT if there is none, or it is damaged or absurdly large; -ENOMEM.
 */
int mini_debug_open(int *ret_fd, int fd, const struct elf_file *file);
