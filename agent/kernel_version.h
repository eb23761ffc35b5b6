/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * kernel_version - which upstream release a kernel is, for the one thing that no probe can tell.
 *
 * Reading user memory from an interrupt, as every sampler does, can freeze x86 machines with Linux
 * 5.19, 6.0, 6.1 before .36, 6.2, and 6.3 before .10. A plain value.
 */
struct kernel_version {
	unsigned int major;
	unsigned int minor;
	unsigned int patch;
};

/*
 * kernel_version_parse() - from what uname(2) says, and Ubuntu's /proc/version_signature.
 * @release: "6.1.0-18-amd64"
 * @version: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)", where Debian has the patch level
 * @signature: "Ubuntu 6.2.0-39.40-generic 6.2.16", "" on other distributions
 *
 * Return: 0, or -EINVAL for a release that is no version.
 */
int kernel_version_parse(struct kernel_version *ret, const char *release, const char *version,
			 const char *signature);

/* kernel_version_running() - of this machine. 0 or -EINVAL. */
int kernel_version_running(struct kernel_version *ret);

/* kernel_version_is_unsafe() - whether sampling may freeze a machine with this kernel. */
bool kernel_version_is_unsafe(const struct kernel_version *version);
