/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * preflight_check() - whether this process and kernel can sample at all.
 * @allow_unsafe_kernel: also on a kernel that may freeze, with a warning
 *
 * Logs one line for what is missing, with the fix; and a warning for each capability without
 * which profiles lack something.
 * Return: 0, -EPERM for a missing capability, or -EOPNOTSUPP for the kernel.
 */
int preflight_check(bool allow_unsafe_kernel);
