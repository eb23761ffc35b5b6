// SPDX-License-Identifier: Apache-2.0
#include "agent/file_limit.h"

#include <sys/resource.h>

enum {
	MAX_OPEN_FILES = 4096,
	RESERVED_FILES = 256, /* for everything else */
};

size_t file_limit_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return RESERVED_FILES;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) || getrlimit(RLIMIT_NOFILE, &limit))
		return RESERVED_FILES;
	if (limit.rlim_cur > MAX_OPEN_FILES + RESERVED_FILES)
		return MAX_OPEN_FILES;
	return limit.rlim_cur > 2 * RESERVED_FILES ? limit.rlim_cur - RESERVED_FILES
						   : RESERVED_FILES;
}
