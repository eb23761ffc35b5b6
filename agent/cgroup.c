// SPDX-License-Identifier: Apache-2.0
#include "agent/cgroup.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"

static bool is_cgroup_directory(const char *path)
{
	struct statfs filesystem;
	struct stat status;

	return !statfs(path, &filesystem) && !stat(path, &status) && S_ISDIR(status.st_mode) &&
	       (filesystem.f_type == CGROUP2_SUPER_MAGIC ||
		filesystem.f_type == CGROUP_SUPER_MAGIC);
}

/* @path below the mount of a hierarchy, the v2 one first. */
static int find_below_mounts(const char *path, const char *type, char *ret)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent entry;
	char strings[PATH_MAX * 2];
	int err = -ENOENT;

	if (!mounts)
		return -errno;
	while (err && getmntent_r(mounts, &entry, strings, sizeof(strings))) {
		if (strcmp(entry.mnt_type, type))
			continue;
		if (snprintf(ret, PATH_MAX, "%s/%s", entry.mnt_dir, path) < PATH_MAX &&
		    is_cgroup_directory(ret))
			err = 0;
	}
	endmntent(mounts);
	return err;
}

/* The first option of a v1 mount that is a controller: "rw,relatime,cpu,cpuacct". */
static void controller_of_options(const char *options, char *ret, size_t size)
{
	static const char known[] = ",cpu,cpuacct,cpuset,memory,pids,blkio,devices,freezer,net_cls,"
				    "net_prio,perf_event,hugetlb,rdma,misc,";
	AUTO_STRING copy = strdup(options);
	char *state = NULL;
	char pattern[64];

	for (char *word = copy ? strtok_r(copy, ",", &state) : NULL; word;
	     word = strtok_r(NULL, ",", &state)) {
		snprintf(pattern, sizeof(pattern), ",%s,", word);
		if (strstr(known, pattern)) {
			snprintf(ret, size, "%s", word);
			return;
		}
	}
}

/* The controller of the v1 mount that @device belongs to. */
static int find_controller(dev_t device, char *ret, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent entry;
	struct stat status;
	char strings[PATH_MAX * 2];

	if (!mounts)
		return -errno;
	*ret = '\0';
	while (!*ret && getmntent_r(mounts, &entry, strings, sizeof(strings))) {
		if (!strcmp(entry.mnt_type, "cgroup") && !stat(entry.mnt_dir, &status) &&
		    status.st_dev == device)
			controller_of_options(entry.mnt_opts, ret, size);
	}
	endmntent(mounts);
	return *ret ? 0 : -EOPNOTSUPP;
}

int cgroup_find(struct cgroup *ret, const char *path)
{
	char found[PATH_MAX];
	struct statfs filesystem;
	struct cgroup group = {};
	struct stat status;
	int err = 0;

	if (is_cgroup_directory(path))
		snprintf(found, sizeof(found), "%s", path);
	else
		err = find_below_mounts(path, "cgroup2", found);
	if (err)
		err = find_below_mounts(path, "cgroup", found);
	if (err || stat(found, &status) || statfs(found, &filesystem))
		return log_error(-ENOENT,
				 "no cgroup \"%s\", neither as a directory nor below a "
				 "mounted hierarchy",
				 path);
	/* kernfs numbers its inodes by the id. */
	group.id = status.st_ino;
	if (filesystem.f_type == CGROUP_SUPER_MAGIC)
		err = find_controller(status.st_dev, group.controller, sizeof(group.controller));
	if (err)
		return log_error(err, "cgroup \"%s\" is in a v1 hierarchy without a controller",
				 found);
	snprintf(group.directory, sizeof(group.directory), "%s", found);
	*ret = group;
	return 0;
}
