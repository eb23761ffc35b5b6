/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <stdio.h>

/*
 * cpu_time_busy() - CPU time that this machine has used since it started, as the kernel accounts it.
 * @stat: text laid out as /proc/stat (proc(5)), or NULL for that file
 *
 * User, system and interrupt time; not idle, waiting, or stolen by the host. In steps of 10 ms.
 * Return: 0, -EINVAL for other text, or -errno.
 */
int cpu_time_busy(uint64_t *ret_ns, FILE *stat);
