// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_units.h"

#include <errno.h>

#include "agent/base/array.h"

enum {
	MAX_UNITS = 1 << 22 /* of one file: 32 MB of offsets; browsers have some 30,000 */
};

/* Reads one more header. */
static int scan(struct dwarf_units *units)
{
	struct dwarf_header header;
	int err;

	if (units->has_all)
		return -ENOENT;
	if (!debug_budget_spend(units->image->budget, 8) || units->offsets.count == MAX_UNITS ||
	    dwarf_header_read(&header, units->image, units->scanned)) {
		units->has_all = true;
		return -ENOENT;
	}
	err = array_add(&units->offsets, header.offset);
	if (!err)
		units->scanned = header.end;
	return err;
}

int dwarf_units_nth(struct dwarf_units *units, size_t number, uint64_t *ret_offset)
{
	while (units->offsets.count <= number) {
		int err = scan(units);

		if (err)
			return err;
	}
	*ret_offset = units->offsets.items[number];
	return 0;
}

int dwarf_units_add(struct dwarf_units *units, struct dwarf_unit *unit)
{
	unit->last_use = ++units->uses;
	return array_add(&units->read, unit);
}

int dwarf_units_get(struct dwarf_units *units, uint64_t offset, struct dwarf_unit **ret)
{
	AUTO(dwarf_unit) unit = NULL;
	int err;

	for (size_t i = units->read.count; i; i--) {
		struct dwarf_unit *known = units->read.items[i - 1];

		if (known->header.offset != offset || known->image != units->image)
			continue;
		known->last_use = ++units->uses;
		*ret = known;
		return 0;
	}
	err = dwarf_unit_new(&unit, units->image, offset);
	if (!err)
		err = dwarf_units_add(units, unit);
	if (err)
		return err;
	*ret = take(unit);
	return 0;
}

int dwarf_units_containing(struct dwarf_units *units, uint64_t position, struct dwarf_unit **ret)
{
	size_t low = 0, high;
	int err = 0;

	while (units->scanned <= position && !err)
		err = scan(units);
	if (err)
		return err == -ENOENT ? -EBADMSG : err;
	high = units->offsets.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (units->offsets.items[middle] <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? dwarf_units_get(units, units->offsets.items[low - 1], ret) : -EBADMSG;
}

static size_t read_bytes(const struct dwarf_units *units)
{
	size_t bytes = 0;

	for (size_t i = 0; i < units->read.count; i++)
		bytes += units->read.items[i]->bytes;
	return bytes;
}

void dwarf_units_trim(struct dwarf_units *units, size_t max_bytes)
{
	size_t bytes = read_bytes(units);

	while (units->read.count && bytes > max_bytes) {
		size_t oldest = 0;

		for (size_t i = 1; i < units->read.count; i++) {
			if (units->read.items[i]->last_use < units->read.items[oldest]->last_use)
				oldest = i;
		}
		bytes -= units->read.items[oldest]->bytes;
		dwarf_unit_free(units->read.items[oldest]);
		units->read.items[oldest] = units->read.items[--units->read.count];
	}
}

size_t dwarf_units_bytes(const struct dwarf_units *units)
{
	return read_bytes(units) + units->offsets.capacity * sizeof(*units->offsets.items) +
	       units->read.capacity * sizeof(*units->read.items);
}

void dwarf_units_fini(struct dwarf_units *units)
{
	dwarf_units_trim(units, 0);
	free(units->offsets.items);
	free(units->read.items);
}
