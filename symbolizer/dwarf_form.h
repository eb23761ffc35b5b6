/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_cursor.h"

/*
 * dwarf_form - how the value of an attribute is stored.
 *
 * Source: DWARF 5, 7.5.6; DWARF 4, 7.5.4; the GNU forms of split DWARF 4 and of dwz.
 */

/* What the size of some forms depends on. */
struct dwarf_encoding {
	uint16_t version;
	uint8_t address_size; /* bytes: 4 or 8 */
	uint8_t offset_size;  /* bytes: 4, or 8 in 64-bit DWARF */
};

/* What a stored number is. */
enum dwarf_class {
	DWARF_NONE, /* nothing that is used here, such as a block */
	DWARF_CONSTANT,
	DWARF_ADDRESS,
	DWARF_ADDRESS_INDEX, /* into .debug_addr */
	DWARF_OFFSET,        /* into the section that the attribute is about */
	DWARF_LIST_INDEX,    /* into the offsets of .debug_rnglists */
	DWARF_REF_UNIT,      /* a DIE, from the start of its unit */
	DWARF_REF_INFO,      /* a DIE, from the start of .debug_info */
	DWARF_REF_SUPPLEMENT,
	DWARF_STRING_HERE, /* inline, at that position in .debug_info or .debug_line */
	DWARF_STRING,      /* in .debug_str */
	DWARF_STRING_LINE, /* in .debug_line_str */
	DWARF_STRING_INDEX,
	DWARF_STRING_SUPPLEMENT,
};

struct dwarf_value {
	uint64_t number;
	enum dwarf_class class;
};

/* dwarf_form_size() - bytes, of a form of fixed size; -1 of another one. */
int dwarf_form_size(uint32_t form, const struct dwarf_encoding *encoding);

/* dwarf_form_skip() - past a value; an unknown form breaks the cursor. */
void dwarf_form_skip(struct dwarf_cursor *cursor, uint32_t form,
		     const struct dwarf_encoding *encoding);

/*
 * dwarf_form_read() - the next value.
 * @implicit: of DW_FORM_implicit_const
 */
struct dwarf_value dwarf_form_read(struct dwarf_cursor *cursor, uint32_t form, int64_t implicit,
				   const struct dwarf_encoding *encoding);
