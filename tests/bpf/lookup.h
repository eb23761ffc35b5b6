/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <linux/types.h>

/* What the lookup test asks its program, and what it gets back; one entry for each address. */
#define LOOKUP_MAX     8192
#define LOOKUP_AT_ONCE 1024

struct lookup_result {
	__u64 is_found;
	__u64 start;
	__u64 end;
	__u64 file_offset;
};

struct lookup {
	__u64 addr;
	struct lookup_result ours;       /* walking the tree */
	struct lookup_result kernel;     /* bpf_find_vma(), where the kernel has it */
	struct lookup_result ours_again; /* and once more after the kernel's answer */
	__s64 kernel_status;             /* 0, or -ENOENT; -EBUSY: it could not get the lock */
};
