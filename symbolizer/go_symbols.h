/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/symbol_list.h"

/*
 * go_symbols - the functions of a Go program, by the table that its own runtime goes by.
 *
 * It is in every Go program, also in a stripped one, and has what the symbol table has and more.
 */

/*
 * go_symbols_read() - fill an empty list; the names are in the table.
 *
 * Nothing from what is no Go program, or of a version that is not known. What is damaged is skipped.
 * Return: 0 or -ENOMEM, with the list still to be freed.
 */
int go_symbols_read(struct symbol_list *list, int fd);
