// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_form.h"

#include <dwarf.h>

enum {
	MAX_INDIRECTIONS = 4
};

int dwarf_form_size(uint32_t form, const struct dwarf_encoding *encoding)
{
	switch (form) {
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		return 0;
	case DW_FORM_data1:
	case DW_FORM_ref1:
	case DW_FORM_flag:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		return 1;
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		return 2;
	case DW_FORM_strx3:
	case DW_FORM_addrx3:
		return 3;
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		return 4;
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8:
		return 8;
	case DW_FORM_data16:
		return 16;
	case DW_FORM_addr:
		return encoding->address_size;
	case DW_FORM_ref_addr:
		return encoding->version < 3 ? encoding->address_size : encoding->offset_size;
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_sec_offset:
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
	case DW_FORM_GNU_ref_alt:
		return encoding->offset_size;
	default:
		return -1;
	}
}

/* The form in the place of DW_FORM_indirect; one that leads on and on is none. */
static uint32_t direct_form(struct dwarf_cursor *cursor, uint32_t form)
{
	for (unsigned i = 0; form == DW_FORM_indirect && i < MAX_INDIRECTIONS; i++)
		form = (uint32_t)dwarf_read_uleb(cursor);
	return form;
}

void dwarf_form_skip(struct dwarf_cursor *cursor, uint32_t form,
		     const struct dwarf_encoding *encoding)
{
	int size;

	form = direct_form(cursor, form);
	size = dwarf_form_size(form, encoding);
	if (size >= 0) {
		dwarf_skip(cursor, (uint64_t)size);
		return;
	}
	switch (form) {
	case DW_FORM_block1:
		dwarf_skip(cursor, dwarf_read_u8(cursor));
		break;
	case DW_FORM_block2:
		dwarf_skip(cursor, dwarf_read_u16(cursor));
		break;
	case DW_FORM_block4:
		dwarf_skip(cursor, dwarf_read_u32(cursor));
		break;
	case DW_FORM_block:
	case DW_FORM_exprloc:
		dwarf_skip(cursor, dwarf_read_uleb(cursor));
		break;
	case DW_FORM_string:
		dwarf_skip_string(cursor);
		break;
	case DW_FORM_sdata:
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index:
		dwarf_read_uleb(cursor);
		break;
	default:
		dwarf_cursor_seek(cursor, UINT64_MAX);
	}
}

static enum dwarf_class class_of(uint32_t form)
{
	switch (form) {
	case DW_FORM_addr:
		return DWARF_ADDRESS;
	case DW_FORM_addrx:
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
	case DW_FORM_GNU_addr_index:
		return DWARF_ADDRESS_INDEX;
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4: /* also an offset, before DWARF 4 */
	case DW_FORM_data8:
	case DW_FORM_udata:
	case DW_FORM_sdata:
	case DW_FORM_implicit_const:
	case DW_FORM_flag:
	case DW_FORM_flag_present:
		return DWARF_CONSTANT;
	case DW_FORM_sec_offset:
		return DWARF_OFFSET;
	case DW_FORM_rnglistx:
		return DWARF_LIST_INDEX;
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
	case DW_FORM_ref_udata:
		return DWARF_REF_UNIT;
	case DW_FORM_ref_addr:
		return DWARF_REF_INFO;
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
		return DWARF_REF_SUPPLEMENT;
	case DW_FORM_string:
		return DWARF_STRING_HERE;
	case DW_FORM_strp:
		return DWARF_STRING;
	case DW_FORM_line_strp:
		return DWARF_STRING_LINE;
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
	case DW_FORM_GNU_str_index:
		return DWARF_STRING_INDEX;
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
		return DWARF_STRING_SUPPLEMENT;
	default:
		return DWARF_NONE;
	}
}

struct dwarf_value dwarf_form_read(struct dwarf_cursor *cursor, uint32_t form, int64_t implicit,
				   const struct dwarf_encoding *encoding)
{
	struct dwarf_value value = { 0 };
	int size;

	form = direct_form(cursor, form);
	value.class = class_of(form);
	if (form == DW_FORM_implicit_const) {
		value.number = (uint64_t)implicit;
	} else if (form == DW_FORM_flag_present) {
		value.number = 1;
	} else if (form == DW_FORM_sdata) {
		value.number = (uint64_t)dwarf_read_sleb(cursor);
	} else if (value.class == DWARF_NONE) {
		dwarf_form_skip(cursor, form, encoding);
	} else if (value.class == DWARF_STRING_HERE) {
		value.number = dwarf_cursor_position(cursor);
		dwarf_skip_string(cursor);
	} else {
		size = dwarf_form_size(form, encoding);
		value.number = size >= 0 ? dwarf_read_uint(cursor, (unsigned)size)
					 : dwarf_read_uleb(cursor);
	}
	return value;
}
