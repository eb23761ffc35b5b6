/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* What is asked of this machine. */
struct preflight {
	bool allow_unsafe_kernel; /* also a kernel that may freeze, with a warning */
	bool by_process;          /* the target is given by process ids, or started here */
	const char *btf;          /* file with the kernel's types; NULL: the kernel's own */
};

/*
 * preflight_check() - whether this process and kernel can sample at all.
 *
 * Logs one line for what is missing, with the fix; and a warning for each capability without
 * which profiles lack something.
 * Return: 0, -EPERM for a missing capability, -EINVAL for another pid namespace than the initial one, or
 * -EOPNOTSUPP for the kernel.
 */
int preflight_check(const struct preflight *wanted);
