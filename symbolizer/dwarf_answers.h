/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "agent/base/intern.h"
#include "symbolizer/dwarf_file.h"

/*
 * dwarf_answers - what was found at addresses, for whoever asks again.
 *
 * Full tables take nothing more in; dwarf_answers_make_room() empties them between two questions.
 */
struct dwarf_answers;

/* dwarf_answers_new() - @max_bytes: of strings, and of everything else. Return: 0 or -ENOMEM. */
int dwarf_answers_new(struct dwarf_answers **out, size_t max_bytes);

/* dwarf_answers_make_room() - forget everything, if there might be no room for @count more. 0 or -ENOMEM. */
int dwarf_answers_make_room(struct dwarf_answers *answers, size_t count);

/* dwarf_answers_has() - whether there is one for @address. */
bool dwarf_answers_has(const struct dwarf_answers *answers, uint64_t address);

/*
 * dwarf_answers_add() - @count frames at @address, copied. Nothing without room for all.
 *
 * Return: 0 or -ENOMEM.
 */
int dwarf_answers_add(struct dwarf_answers *answers, uint64_t address,
		      const struct dwarf_frame *frames, size_t count);

/* dwarf_answers_get() - as dwarf_file_get(). */
size_t dwarf_answers_get(const struct dwarf_answers *answers, uint64_t address,
			 struct dwarf_frame *ret_frames, size_t max_frames);

/* dwarf_answers_bytes() - memory held. */
size_t dwarf_answers_bytes(const struct dwarf_answers *answers);

void dwarf_answers_free(struct dwarf_answers *answers);
DEFINE_AUTO(dwarf_answers);
