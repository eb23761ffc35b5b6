/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "bpf/kernel.h"

/*
 * address_space - a process's mappings as the kernel keeps them since 6.1: a maple tree.
 *
 * See bpf/vma.bpf.h for the layout. Built once from all mappings, nodes as full as they can be.
 */
struct address_space {
	struct mm_struct mm;
	struct vm_area_struct *areas; /* ascending, set by the user before address_space_build() */
	uint32_t area_count;
	void *nodes;
};

/* address_space_build() - the tree over the areas. 0 or -ENOMEM. */
int address_space_build(struct address_space *space);

void address_space_clear(struct address_space *space);
