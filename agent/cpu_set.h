/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * cpu_set - which CPUs there are, as sysfs lists them ("0-3,8").
 *
 * A plain value that owns nothing.
 */
enum {
	CPU_SET_MAX = 8192
}; /* CONFIG_NR_CPUS of the largest distribution kernels */

struct cpu_set {
	uint64_t words[CPU_SET_MAX / 64];
};

/* cpu_set_parse() - 0, or -EINVAL for anything but a list of numbers below CPU_SET_MAX. */
int cpu_set_parse(struct cpu_set *ret, const char *list);

/* cpu_set_read() - from a file of /sys/devices/system/cpu. 0 or -errno. */
int cpu_set_read(struct cpu_set *ret, const char *path);

static inline bool cpu_set_has(const struct cpu_set *set, size_t cpu)
{
	return set->words[cpu / 64] >> (cpu % 64) & 1;
}

/* cpu_set_limit() - one more than the highest CPU in the set. */
size_t cpu_set_limit(const struct cpu_set *set);
