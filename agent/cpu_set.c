// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu_set.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"

/* A number at @at; -EINVAL if there is none or it is out of range. */
static int parse_cpu(const char **at)
{
	char *end;
	unsigned long cpu;

	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	errno = 0;
	cpu = strtoul(*at, &end, 10);
	if (errno || cpu >= CPU_SET_MAX)
		return -EINVAL;
	*at = end;
	return (int)cpu;
}

/* "3" or "0-3" at @at, added to @set. */
static int parse_range(struct cpu_set *set, const char **at)
{
	int first = parse_cpu(at);
	int last = first;

	if (first >= 0 && **at == '-') {
		(*at)++;
		last = parse_cpu(at);
	}
	if (first < 0 || last < first)
		return -EINVAL;
	for (int cpu = first; cpu <= last; cpu++)
		set->words[cpu / 64] |= 1ULL << (cpu % 64);
	return 0;
}

int cpu_set_parse(struct cpu_set *ret, const char *list)
{
	struct cpu_set set = {};

	while (*list && *list != '\n') {
		int err = parse_range(&set, &list);

		if (err)
			return err;
		if (*list == ',')
			list++;
		else if (*list && *list != '\n')
			return -EINVAL;
	}
	*ret = set;
	return 0;
}

int cpu_set_read(struct cpu_set *ret, const char *path)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	char list[4096];
	ssize_t size;

	if (fd < 0)
		return -errno;
	size = read(fd, list, sizeof(list) - 1);
	if (size < 0)
		return -errno;
	list[size] = '\0';
	return cpu_set_parse(ret, list);
}

size_t cpu_set_limit(const struct cpu_set *set)
{
	size_t limit = 0;

	for (size_t i = 0; i < CPU_SET_MAX / 64; i++) {
		if (set->words[i])
			limit = i * 64 + 64 - (size_t)__builtin_clzll(set->words[i]);
	}
	return limit;
}
