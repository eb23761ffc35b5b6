/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "symbolizer/dwarf_form.h"

/*
 * dwarf_abbrev - the shapes of the DIEs of a unit, made for reading past most of them.
 *
 * Of all attributes only those below matter here. The others are folded: neighbours
 * of fixed size become one step over their bytes.
 */
#define DWARF_ATTRIBUTES(X) \
	X(NAME)             \
	X(LINKAGE_NAME)     \
	X(LOW_PC)           \
	X(HIGH_PC)          \
	X(RANGES)           \
	X(ABSTRACT_ORIGIN)  \
	X(SPECIFICATION)    \
	X(CALL_FILE)        \
	X(CALL_LINE)        \
	X(SIBLING)          \
	X(STMT_LIST)        \
	X(COMP_DIR)         \
	X(LANGUAGE)         \
	X(STR_OFFSETS_BASE) \
	X(ADDR_BASE)        \
	X(RNGLISTS_BASE)    \
	X(GNU_RANGES_BASE)  \
	X(DWO_NAME)         \
	X(GNU_DWO_ID)

enum dwarf_attribute {
#define DWARF_ATTRIBUTE_NUMBER(name) DWARF_##name,
	DWARF_ATTRIBUTES(DWARF_ATTRIBUTE_NUMBER)
#undef DWARF_ATTRIBUTE_NUMBER
	DWARF_ATTRIBUTE_COUNT,
};
_Static_assert(DWARF_ATTRIBUTE_COUNT <= 32, "their presence is a bit each");

enum {
	DWARF_SKIP_BYTES = DWARF_ATTRIBUTE_COUNT, /* go over @size bytes */
	DWARF_SKIP_FORM,                          /* go over a value of @form */
};

struct dwarf_step {
	uint8_t attribute; /* enum dwarf_attribute, or DWARF_SKIP_... */
	uint16_t form;
	uint32_t size;
	int64_t implicit;
};

struct dwarf_abbrev {
	uint64_t code;
	uint16_t tag;
	bool has_children;
	uint32_t first_step;
	uint32_t step_count;
};

struct dwarf_abbrevs {
	struct dwarf_abbrev *items; /* owned, ascending by code */
	size_t count;
	size_t capacity;
	struct {
		struct dwarf_step *items; /* owned */
		size_t count;
		size_t capacity;
	} steps;
};

/*
 * dwarf_abbrevs_read() - the table at @offset of .debug_abbrev.
 * @section: NULL if there is none
 *
 * Return: 0, -EBADMSG if it is damaged, or -ENOMEM; then nothing is held.
 */
int dwarf_abbrevs_read(struct dwarf_abbrevs *ret, struct debug_section *section, uint64_t offset,
		       const struct dwarf_encoding *encoding);

/* dwarf_abbrevs_find() - borrowed from @abbrevs; NULL if there is none of that code. */
const struct dwarf_abbrev *dwarf_abbrevs_find(const struct dwarf_abbrevs *abbrevs, uint64_t code);

void dwarf_abbrevs_fini(struct dwarf_abbrevs *abbrevs);
