/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/symbol_list.h"

/*
 * plt_symbols - the stubs through which a program calls functions of its libraries.
 *
 * They have no symbols. Each jumps to an address in the global offset table, and a relocation says of which
 * function that is: so the stub is called by it, with "@plt" behind the name by whoever shows it.
 *
 * Source: the System V ABI for x86-64, 5.2; the gABI for relocations. Other machines have none here.
 */

/*
 * plt_symbols_read() - fill an empty list; the names are in the strings of .dynsym.
 *
 * What is damaged is skipped. Return: 0 or -ENOMEM, with the list still to be freed.
 */
int plt_symbols_read(struct symbol_list *list, int fd, const struct elf_file *file);
