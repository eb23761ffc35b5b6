/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <stdint.h>

/*
 * cgroup - a control group as a user names it, found in the mounted hierarchies.
 *
 * A plain value that owns nothing.
 */
struct cgroup {
	uint64_t id;
	char controller[32]; /* of its v1 hierarchy; empty for the v2 one */
	char directory[PATH_MAX];
};

/*
 * cgroup_find() - the group at @path.
 * @path: a directory of a cgroup file system, or the group's path below the root of the hierarchy
 *
 * Logs what is wrong, if it fails.
 * Return: 0; -ENOENT if there is no such group; -EOPNOTSUPP for a hierarchy without controller.
 */
int cgroup_find(struct cgroup *ret, const char *path);
