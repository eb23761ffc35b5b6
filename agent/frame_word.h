/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "bpf/abi.h"

/* frame_word - the u64 that stands for a frame in a stack; see abi.h. */

static inline uint64_t frame_kind(uint64_t word)
{
	return word >> ABI_FRAME_KIND_SHIFT;
}

/* The number of the executable, for ABI_FRAME_FILE. */
static inline uint32_t frame_executable(uint64_t word)
{
	return (uint32_t)(word >> ABI_FRAME_OFFSET_BITS) & ((1U << ABI_FRAME_ID_BITS) - 1);
}

/* Offset in the file or the vDSO, or an address, by kind. */
static inline uint64_t frame_place(uint64_t word)
{
	switch (frame_kind(word)) {
	case ABI_FRAME_FILE:
		return word & ((1ULL << ABI_FRAME_OFFSET_BITS) - 1);
	case ABI_FRAME_KERNEL:
		return word;
	default:
		return word & ((1ULL << ABI_FRAME_KIND_SHIFT) - 1);
	}
}

/*
 * The place of frame @index of @stack, leaf first. The kernel reports its own callers by return
 * address; one byte back lies in the call, as user frames come already.
 */
static inline uint64_t frame_of_stack(const struct abi_stack *stack, uint32_t index)
{
	uint64_t word = ABI_STACK_FRAMES(stack)[index];

	return index > 0 && index < stack->kernel_frames ? word - 1 : word;
}
