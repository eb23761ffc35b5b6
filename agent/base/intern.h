/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"

/*
 * intern - a set of byte strings, numbered 0, 1, 2, ... in the order they first came.
 *
 * One structure for everything here that is "the same again": stacks, strings, locations.
 * The copy it keeps is 8-byte aligned, followed by a NUL that is not part of it, and stays at
 * its address until the table goes. Not thread-safe.
 */
struct intern;

/*
 * intern_new() - an empty table.
 * @max_bytes: what the table may hold in all, indexes included; adding beyond it fails
 *
 * Return: 0 or -ENOMEM.
 */
int intern_new(struct intern **out, size_t max_bytes);

/*
 * intern_add() - the number of @bytes, which are copied if they are new.
 *
 * Return: 0, -ENOSPC when the table is full, or -ENOMEM.
 */
int intern_add(struct intern *table, const void *bytes, size_t length, uint32_t *ret_index);

/* intern_find() - 0 and the number of @bytes, or -ENOENT if they never came. */
int intern_find(const struct intern *table, const void *bytes, size_t length, uint32_t *ret_index);

/* intern_count() - how many there are; the numbers are 0 to count - 1. */
uint32_t intern_count(const struct intern *table);

/* intern_get() - the copy with number @index, borrowed until the table goes. */
const void *intern_get(const struct intern *table, uint32_t index, size_t *ret_length);

/* intern_bytes() - memory in use, indexes included. */
size_t intern_bytes(const struct intern *table);

void intern_free(struct intern *table);
DEFINE_AUTO(intern);
