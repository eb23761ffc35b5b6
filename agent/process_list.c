// SPDX-License-Identifier: Apache-2.0
#include "agent/process_list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/array.h"
#include "agent/base/clock.h"

enum {
	MAX_PROCESSES = 16384,
	MAX_GROUPS = 1024,
	KERNEL_THREAD = 0x00200000, /* PF_KTHREAD, a flag of proc_pid_stat(5) */
};

struct process {
	pid_t pid;
	double share; /* of a CPU, 0 to the number of CPUs */
};

struct process_list {
	struct process *items;
	size_t count;
	size_t capacity;
};

int process_list_new(struct process_list **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

int process_list_add(struct process_list *list, pid_t pid)
{
	return list->count < MAX_PROCESSES ? array_add(list, ((struct process){ .pid = pid })) : 0;
}

/* ---- all --------------------------------------------------------------------------------------- */

/* What follows the name, which may hold anything. False if it is a kernel thread, or gone. */
static bool read_share(int proc, pid_t pid, double *ret)
{
	unsigned long long user, system, start;
	double ticks = (double)sysconf(_SC_CLK_TCK), age;
	char path[32], text[1024];
	const char *rest;
	AUTO_FD fd = -1;
	unsigned flags;
	ssize_t size;

	snprintf(path, sizeof(path), "%d/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (size <= 0)
		return false;
	text[size] = '\0';
	rest = strrchr(text, ')');
	if (!rest ||
	    sscanf(rest + 1,
		   " %*c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d "
		   "%llu",
		   &flags, &user, &system, &start) != 4 ||
	    flags & KERNEL_THREAD)
		return false;
	/* A tick more, so that nothing is divided by zero. */
	age = (double)clock_ns(CLOCK_BOOTTIME) / 1e9 * ticks - (double)start + 1;
	*ret = (double)(user + system) / (age > 1 ? age : 1);
	return true;
}

static int compare_shares(const void *a, const void *b)
{
	const struct process *left = a, *right = b;

	return (left->share < right->share) - (left->share > right->share);
}

static pid_t pid_of(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	return *end || end == text || number <= 0 || number > INT_MAX ? 0 : (pid_t)number;
}

int process_list_add_all(struct process_list *list)
{
	AUTO_DIR proc = opendir("/proc");
	const struct dirent *found;
	size_t before = list->count;
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && list->count < MAX_PROCESSES && (found = readdir(proc))) {
		struct process process = { .pid = pid_of(found->d_name) };

		if (process.pid && read_share(dirfd(proc), process.pid, &process.share))
			err = array_add(list, process);
	}
	if (list->count > before)
		qsort(list->items + before, list->count - before, sizeof(*list->items),
		      compare_shares);
	return err;
}

/* ---- a cgroup ------------------------------------------------------------------------------------ */

struct groups {
	char **items;
	size_t count;
	size_t capacity;
};

static int add_processes_of(struct process_list *list, const char *directory)
{
	AUTO_STRING path = NULL;
	AUTO_FILE file = NULL;
	long pid;
	int err = 0;

	if (asprintf(&path, "%s/cgroup.procs", directory) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	file = fopen(path, "re");
	while (!err && file && fscanf(file, "%ld", &pid) == 1) {
		if (pid > 0 && pid <= INT_MAX)
			err = process_list_add(list, (pid_t)pid);
	}
	return err;
}

static int add_groups_below(struct groups *groups, const char *directory)
{
	AUTO_DIR open = opendir(directory);
	const struct dirent *found;
	int err = 0;

	while (!err && open && groups->count < MAX_GROUPS && (found = readdir(open))) {
		char *path;

		if (found->d_type != DT_DIR || found->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s", directory, found->d_name) < 0)
			return -ENOMEM;
		err = array_add(groups, path);
		if (err)
			free(path);
	}
	return err;
}

int process_list_add_cgroup(struct process_list *list, const char *directory)
{
	struct groups groups = {};
	int err = add_processes_of(list, directory);

	if (!err)
		err = add_groups_below(&groups, directory);
	/* Those below them are added while we go. */
	for (size_t i = 0; !err && i < groups.count; i++) {
		err = add_processes_of(list, groups.items[i]);
		if (!err)
			err = add_groups_below(&groups, groups.items[i]);
	}
	for (size_t i = 0; i < groups.count; i++)
		free(groups.items[i]);
	free(groups.items);
	return err;
}

size_t process_list_count(const struct process_list *list)
{
	return list->count;
}

pid_t process_list_get(const struct process_list *list, size_t number)
{
	return list->items[number].pid;
}

void process_list_free(struct process_list *list)
{
	if (!list)
		return;
	free(list->items);
	free(list);
}
