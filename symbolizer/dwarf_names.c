// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_names.h"

enum {
	MAX_REFERENCES = 16 /* one after another; compilers need three */
};

/* An entry, and whose references it has. */
struct place {
	struct dwarf_units *units;
	struct dwarf_unit *unit;
	uint64_t position;
};

static const uint32_t wanted = DWARF_BIT(NAME) | DWARF_BIT(LINKAGE_NAME) |
			       DWARF_BIT(ABSTRACT_ORIGIN) | DWARF_BIT(SPECIFICATION);

/* Goes to where @value refers to; false if that is nowhere. */
static bool follow(const struct dwarf_names *names, struct place *place, struct dwarf_value value)
{
	uint64_t position = value.number;
	bool is_elsewhere = true;

	switch (value.class) {
	case DWARF_REF_UNIT:
		position += place->unit->header.offset;
		is_elsewhere = false;
		break;
	case DWARF_REF_INFO:
		is_elsewhere = position < place->unit->header.offset ||
			       position >= place->unit->header.end;
		break;
	case DWARF_REF_SUPPLEMENT:
		place->units = names->supplement;
		break;
	default:
		return false;
	}
	if (is_elsewhere &&
	    (!place->units || dwarf_units_containing(place->units, position, &place->unit)))
		return false;
	place->position = position;
	return position >= place->unit->header.dies && position < place->unit->header.end;
}

static void read_string(const struct dwarf_names *names, const struct place *place,
			struct dwarf_value value, char *name)
{
	struct dwarf_image *supplement = names->supplement ? names->supplement->image : NULL;

	dwarf_unit_string(place->unit, supplement, value, name, DWARF_NAME_MAX);
}

/* Reads what the entry says of its name; true when there is nothing better to be found. */
static bool read_names(const struct dwarf_names *names, const struct place *place,
		       const struct dwarf_die *die, char *name)
{
	char linkage[DWARF_NAME_MAX] = "";

	if (dwarf_die_has(die, DWARF_NAME) && !*name)
		read_string(names, place, die->values[DWARF_NAME], name);
	if (dwarf_die_has(die, DWARF_LINKAGE_NAME))
		read_string(names, place, die->values[DWARF_LINKAGE_NAME], linkage);
	if (*linkage)
		memcpy(name, linkage, strlen(linkage) + 1);
	return *linkage;
}

/* On to the entry that this one refers to. */
static bool follow_entry(const struct dwarf_names *names, struct place *place,
			 const struct dwarf_die *die)
{
	if (dwarf_die_has(die, DWARF_ABSTRACT_ORIGIN))
		return follow(names, place, die->values[DWARF_ABSTRACT_ORIGIN]);
	return dwarf_die_has(die, DWARF_SPECIFICATION) &&
	       follow(names, place, die->values[DWARF_SPECIFICATION]);
}

void dwarf_names_find(const struct dwarf_names *names, struct dwarf_unit *unit,
		      const struct dwarf_call *call, char *name)
{
	struct place place = { .units = names->units, .unit = unit, .position = call->die };

	*name = '\0';
	if (call->origin.class != DWARF_NONE && !follow(names, &place, call->origin))
		return;
	for (unsigned i = 0; i < MAX_REFERENCES; i++) {
		struct dwarf_cursor cursor = dwarf_unit_cursor(place.unit, place.position);
		struct dwarf_die die;

		if (!dwarf_unit_read_die(place.unit, &cursor, wanted, &die) ||
		    read_names(names, &place, &die, name) || !follow_entry(names, &place, &die))
			return;
	}
}
