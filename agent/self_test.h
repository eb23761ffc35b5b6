/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

/*
 * self_test - whether the kernel side finds mappings where /proc/self/maps has them.
 *
 * For a moment this process has thousands of mappings, so that the kernel's tree of them is as deep as
 * that of a large program. Every mapping is asked for, and every gap between two of them; start, end, flags,
 * offset, and for a file made for it device, inode, size and change time must be right. A kernel whose
 * structures are not as known is found out here and not in wrong profiles.
 */
struct self_test_door {
	void *context;
	struct abi_lookup *lookups; /* ABI_LOOKUPS, shared with the kernel side */
	/* Has the first @count answered. 0 or -errno. */
	int (*look_up)(void *context, uint32_t count);
};

enum {
	SELF_TEST_REASON_BYTES = 160
};

struct self_test {
	size_t mappings;
	size_t asked; /* addresses */
	size_t wrong; /* of them */
	uint64_t took_ns;
	char reason[SELF_TEST_REASON_BYTES]; /* the first wrong answer, in words */
};

/* self_test_run() - 0, whatever the answers were, or -errno if it could not be run. */
int self_test_run(struct self_test *ret, const struct self_test_door *door);
