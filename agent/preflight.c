// SPDX-License-Identifier: Apache-2.0
#include "agent/preflight.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/base/log.h"
#include "agent/kernel_version.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON            38
#define CAP_BPF                39
#define CAP_CHECKPOINT_RESTORE 40
#endif

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

/* PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h: fixed, unlike those of other namespaces. */
#define INITIAL_PID_NAMESPACE 0xeffffffcU

struct requirement {
	int capability;
	int or_capability; /* which does as well */
	const char *name;
	const char *without; /* what is missing then; NULL: everything */
};

static const struct requirement requirements[] = {
	{ CAP_BPF, CAP_SYS_ADMIN, "CAP_BPF", NULL },
	{ CAP_PERFMON, CAP_SYS_ADMIN, "CAP_PERFMON", NULL },
	{ CAP_SYS_PTRACE, CAP_SYS_PTRACE, "CAP_SYS_PTRACE",
	  "files of other users' processes cannot be opened, their functions have no names" },
	{ CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, "CAP_DAC_READ_SEARCH",
	  "files of other users' processes cannot be opened, their functions have no names" },
	{ CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN, "CAP_CHECKPOINT_RESTORE",
	  "mapped libraries cannot be opened, their functions have no names" },
	{ CAP_SYSLOG, CAP_SYS_ADMIN, "CAP_SYSLOG", "kernel functions have no names" },
};

static int effective_capabilities(uint64_t *ret)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*ret = data[0].effective | (uint64_t)data[1].effective << 32;
	return 0;
}

static bool is_met(const struct requirement *requirement, uint64_t capabilities)
{
	return (capabilities >> requirement->capability |
		capabilities >> requirement->or_capability) &
	       1;
}

static int check_capabilities(void)
{
	uint64_t capabilities = 0;
	int err = effective_capabilities(&capabilities);

	if (err)
		return log_error(err, "cannot read the capabilities of this process");
	for (size_t i = 0; i < sizeof(requirements) / sizeof(*requirements); i++) {
		const struct requirement *requirement = &requirements[i];

		if (is_met(requirement, capabilities))
			continue;
		if (requirement->without)
			log_warn(0, "without %s, %s", requirement->name, requirement->without);
		else if (geteuid())
			return log_error(-EPERM, "wick needs root or %s: run it with sudo",
					 requirement->name);
		else
			return log_error(-EPERM,
					 "root, but without %s: add it to the "
					 "container's or service's capabilities",
					 requirement->name);
	}
	return 0;
}

static int check_types(const char *file)
{
	if (file)
		return access(file, R_OK) ? log_error(-errno, "--btf: cannot read %s", file) : 0;
	if (access(KERNEL_BTF, R_OK))
		return log_error(-EOPNOTSUPP, "this kernel has no " KERNEL_BTF ": wick needs one "
					      "built with CONFIG_DEBUG_INFO_BTF=y");
	return 0;
}

static int check_kernel(bool allow_unsafe)
{
	struct kernel_version version;

	if (kernel_version_running(&version) || !kernel_version_is_unsafe(&version))
		return 0;
	if (allow_unsafe)
		return log_warn(0, "Linux %u.%u.%u may freeze while it is sampled", version.major,
				version.minor, version.patch);
	return log_error(
		-EOPNOTSUPP,
		"Linux %u.%u.%u may freeze when stacks are read from an interrupt; use 6.1.36, "
		"6.3.10 or newer (--allow-unsafe-kernel if its vendor has the fix)",
		version.major, version.minor, version.patch);
}

/*
 * Samples name processes by their ids in the initial namespace: elsewhere those that were asked for
 * have other ids, and /proc does not have the ones that were found.
 */
static int check_pid_namespace(bool by_process)
{
	struct stat own;

	if (stat("/proc/self/ns/pid", &own) || own.st_ino == INITIAL_PID_NAMESPACE)
		return 0;
	if (by_process)
		return log_error(-EINVAL,
				 "wick runs in a pid namespace of its own, where processes "
				 "have other ids than the kernel samples them by: run it "
				 "on the host (Kubernetes: hostPID: true, docker: "
				 "--pid=host)");
	return log_warn(0, "wick runs in a pid namespace of its own: files of processes cannot be "
			   "opened, their functions have no names; run it on the host "
			   "(Kubernetes: hostPID: true, docker: --pid=host)");
}

int preflight_check(const struct preflight *wanted)
{
	int err = check_capabilities();

	if (!err)
		err = check_types(wanted->btf);
	if (!err)
		err = check_kernel(wanted->allow_unsafe_kernel);
	return err ? err : check_pid_namespace(wanted->by_process);
}
