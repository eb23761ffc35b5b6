// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/go_code.h"

#include <stdbool.h>
#include <string.h>

/* The rest of a function's code. */
struct code {
	const uint8_t *at;
	size_t left;
};

static bool starts_with(struct code code, const char *bytes, size_t size)
{
	return code.left >= size && !memcmp(code.at, bytes, size);
}
#define STARTS_WITH(code, bytes) starts_with(code, bytes, sizeof(bytes) - 1)

static int32_t i32_at(struct code code, size_t offset)
{
	int32_t value;

	memcpy(&value, code.at + offset, sizeof(value));
	return value;
}

/* ---- instructions: each gives its length if it is the one at @code, or 0 -------------------------- */

/* mov from memory or a register to rsp */
static size_t sp_write(struct code code)
{
	static const uint8_t lengths[] = { 3, 4, 7, 3 };
	uint8_t modrm;

	if (code.left < 8)
		return 0;
	modrm = code.at[2];
	if ((code.at[0] == 0x48 || code.at[0] == 0x4c) && code.at[1] == 0x89 &&
	    (modrm & 0xc7) == 0xc4)
		return 3;
	if ((code.at[0] != 0x48 && code.at[0] != 0x49) || code.at[1] != 0x8b ||
	    (modrm & 0x38) != 0x20 || (modrm & 7) == 4)
		return 0;
	return (modrm & 0xc7) == 5 ? 7 : lengths[modrm >> 6]; /* 5: counted from rip */
}

/* mov rsp, rbp or lea n(rsp), rbp: the frame is complete */
static size_t frame_set(struct code code)
{
	if (STARTS_WITH(code, "\x48\x89\xe5"))
		return 3;
	if (STARTS_WITH(code, "\x48\x8d\x2c\x24"))
		return 4;
	if (STARTS_WITH(code, "\x48\x8d\x6c\x24"))
		return 5;
	return STARTS_WITH(code, "\x48\x8d\xac\x24") ? 8 : 0;
}

/* mov n(rsp), rbp: the frame is left, before 1.21; afterwards it is a pop, which the sizes tell */
static size_t frame_restored(struct code code)
{
	if (STARTS_WITH(code, "\x48\x8b\x2c\x24"))
		return 4;
	if (STARTS_WITH(code, "\x48\x8b\x6c\x24"))
		return 5;
	return STARTS_WITH(code, "\x48\x8b\xac\x24") ? 8 : 0;
}

/* mov of a register to n(rsp); @ret_offset is n */
static size_t store_at_sp(struct code code, uint8_t number, int32_t *ret_offset)
{
	uint8_t short_form = (uint8_t)(0x04 | number << 3);

	if (code.left < 5 || code.at[0] != 0x48 || code.at[1] != 0x89 || code.at[3] != 0x24)
		return 0;
	*ret_offset = 0;
	if (code.at[2] == short_form)
		return 4;
	*ret_offset = (int8_t)code.at[4];
	return code.at[2] == (short_form | 0x40) ? 5 : 0;
}

enum {
	NUMBER_RDX = 2, /* as instructions number registers */
	NUMBER_RDI = 7,
};

/* ---- changes ----------------------------------------------------------------------------------- */

static void add_change(struct go_changes *changes, size_t at, enum go_state state)
{
	if (changes->count < GO_MAX_CHANGES)
		changes->items[changes->count++] = (struct go_change){ (uint32_t)at, state };
}

static enum go_state last_state(const struct go_changes *changes)
{
	return changes->items[changes->count - 1].state;
}

/* From the first write to the stack pointer on, @state; where @comes_back, until the next one. */
static void read_switches(struct go_changes *changes, struct code code, enum go_state state,
			  bool comes_back)
{
	size_t size = code.left;

	for (; code.left; code.at++, code.left--) {
		size_t length = sp_write(code);

		if (!length)
			continue;
		if (last_state(changes) == state && !comes_back)
			return;
		add_change(changes, size - code.left + length,
			   last_state(changes) == state ? GO_STATE_PLAIN : state);
	}
}

/* A ret that follows the end of a frame; 0 if there is none. */
static size_t distance_to_return(struct code code)
{
	for (size_t i = 0; i < code.left && i < 16; i++) {
		if (code.at[i] == 0xc3)
			return i + 1;
	}
	return 0;
}

static void read_frame(struct go_changes *changes, struct code code)
{
	const struct code all = code;

	for (; code.left; code.at++, code.left--) {
		size_t at = all.left - code.left;
		bool has_frame = last_state(changes) == GO_STATE_FRAME;
		size_t length = has_frame ? frame_restored(code) : 0;
		size_t rest;

		if (!has_frame && changes->count == 1 && frame_set(code))
			add_change(changes, at + frame_set(code), GO_STATE_FRAME);
		if (!length || length > code.left)
			continue;
		rest = distance_to_return((struct code){ code.at + length, code.left - length });
		if (!rest)
			continue;
		add_change(changes, at + length, GO_STATE_PLAIN);
		add_change(changes, at + length + rest, GO_STATE_FRAME);
	}
	if (changes->count == 1)
		read_switches(changes, all, GO_STATE_NO_FRAME, true);
}

/* What asmcgocall stores to come back: two numbers through rdi, or one from rdx, which counts twice. */
static size_t stored_to_come_back(struct code code, size_t *ret_length)
{
	int32_t offset;

	*ret_length = store_at_sp(code, NUMBER_RDI, &offset);
	if (*ret_length)
		return 1;
	*ret_length = store_at_sp(code, NUMBER_RDX, &offset);
	return *ret_length ? 2 : 0;
}

/*
 * asmcgocall: on the new stack, rdx has the old stack pointer until it, or how deep it was, is
 * stored. The second way, for a thread that is on its own stack already, makes room by sub.
 */
static void read_call_of_c(struct go_changes *changes, struct code code)
{
	size_t size = code.left, stores = 0;

	for (; code.left; code.at++, code.left--) {
		size_t at = size - code.left;
		size_t length = sp_write(code);
		enum go_state state = last_state(changes);

		if (length && state == GO_STATE_PLAIN) {
			add_change(changes, at + length, GO_STATE_RDX);
		} else if (length && state == GO_STATE_CALL_C) {
			add_change(changes, at + length, GO_STATE_PLAIN);
		} else if (state == GO_STATE_PLAIN && changes->count > 1 &&
			   STARTS_WITH(code, "\x48\x83\xec")) {
			add_change(changes, at, GO_STATE_RDX);
		} else if (state == GO_STATE_RDX) {
			stores += stored_to_come_back(code, &length);
			if (stores < 2)
				continue;
			add_change(changes, at + length, GO_STATE_CALL_C);
			stores = 0;
		}
	}
}

static void read_resume(struct go_changes *changes, struct code code)
{
	size_t size = code.left;

	for (; code.left; code.at++, code.left--) {
		size_t at = size - code.left;

		if (STARTS_WITH(code, "\x48\x8b\x23") && changes->count == 1)
			add_change(changes, at + 3, GO_STATE_RBX);
		else if (STARTS_WITH(code, "\x48\x8b\x5b\x08") && changes->count == 2)
			add_change(changes, at + 4, GO_STATE_RBX_IS_PC);
	}
}

void go_code_read_changes(struct go_changes *out, enum go_kind kind, const uint8_t *bytes,
			  size_t size)
{
	struct code code = { bytes, size };

	*out = (struct go_changes){ .count = 1 };
	switch (kind) {
	case GO_KIND_ROOT:
		out->items[0].state = GO_STATE_ROOT;
		break;
	case GO_KIND_INTERRUPT:
		out->items[0].state = GO_STATE_INTERRUPT;
		break;
	case GO_KIND_SIGNAL:
		out->items[0].state = GO_STATE_SIGNAL;
		break;
	case GO_KIND_FRAME:
		read_frame(out, code);
		break;
	case GO_KIND_LEAVE:
		read_switches(out, code, GO_STATE_ROOT, false);
		break;
	case GO_KIND_GROW:
		read_switches(out, code, GO_STATE_GROW, false);
		break;
	case GO_KIND_BORROW:
		read_switches(out, code, GO_STATE_SAVED, true);
		break;
	case GO_KIND_CALL_C:
		read_call_of_c(out, code);
		break;
	case GO_KIND_RESUME:
		read_resume(out, code);
		break;
	case GO_KIND_CALLED:
	case GO_KIND_VFORK:
		break;
	}
}

/* ---- offsets ----------------------------------------------------------------------------------- */

/* mov fs:n, rax; or, in code that can run anywhere, mov n, rcx and mov fs:(rcx), rax. */
static bool read_g(struct code code, int32_t *ret)
{
	if (code.left < 11)
		return false;
	if (STARTS_WITH(code, "\x64\x48\x8b\x04\x25"))
		*ret = i32_at(code, 5);
	else if (STARTS_WITH(code, "\x48\xc7\xc1") && !memcmp(code.at + 7, "\x64\x48\x8b\x01", 4))
		*ret = i32_at(code, 3);
	else
		return false;
	return true;
}

/* The way back: mov g.m(rax), rbx; mov m.curg(rbx), rax; ... mov g.sched.sp(rax), rsp. */
static void read_way_back(struct go_offsets *offsets, struct code code)
{
	int32_t g = 0;

	for (; code.left >= 11; code.at++, code.left--) {
		int32_t curg;

		if (!g)
			read_g(code, &g);
		if (STARTS_WITH(code, "\x48\x8b\x60"))
			offsets->saved_sp = (int8_t)code.at[3];
		if (!STARTS_WITH(code, "\x48\x8b\x58") ||
		    memcmp(code.at + 4, "\x48\x8b\x83", 3) != 0)
			continue;
		curg = i32_at(code, 7);
		if (curg <= 0 || curg % 8 || curg / 8 > UINT8_MAX || code.at[3] % 8)
			continue;
		offsets->m_word = code.at[3] / 8;
		offsets->curg_word = (uint8_t)(curg / 8);
		offsets->g = g;
	}
}

/* mov rbp, g.sched.bp(rsi or rdi) */
static void read_saved_fp(struct go_offsets *offsets, struct code code)
{
	for (; code.left >= 4; code.at++, code.left--) {
		if (STARTS_WITH(code, "\x48\x89\x6e") || STARTS_WITH(code, "\x48\x89\x6f")) {
			offsets->saved_fp = (int8_t)code.at[3];
			return;
		}
	}
}

/* After the switch, rdi is stored twice: the goroutine, then the depth. */
static void read_called(struct go_offsets *offsets, struct code code)
{
	bool is_switched = false;
	size_t stores = 0;

	for (; code.left && stores < 2; code.at++, code.left--) {
		int32_t offset;

		is_switched = is_switched || sp_write(code);
		if (!is_switched || !store_at_sp(code, NUMBER_RDI, &offset))
			continue;
		if (stores++)
			offsets->called_depth = offset;
		else
			offsets->called_g = offset;
	}
}

void go_code_read_offsets(struct go_offsets *offsets, enum go_kind kind, const uint8_t *bytes,
			  size_t size)
{
	struct code code = { bytes, size };

	if (kind == GO_KIND_BORROW)
		read_way_back(offsets, code);
	else if (kind == GO_KIND_GROW)
		read_saved_fp(offsets, code);
	else if (kind == GO_KIND_CALL_C)
		read_called(offsets, code);
}
