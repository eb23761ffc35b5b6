// SPDX-License-Identifier: Apache-2.0
#include "agent/file_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

static int identity_of(struct abi_file *ret, int fd, const char *path, int flags)
{
	struct statx status;

	if (statx(fd, path, flags | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &status))
		return -errno;
	*ret = (struct abi_file){
		.inode = status.stx_ino,
		.ctime_ns =
			(uint64_t)status.stx_ctime.tv_sec * 1000000000 + status.stx_ctime.tv_nsec,
		.size = status.stx_size,
		.device = status.stx_dev_major << 20 | status.stx_dev_minor,
	};
	return 0;
}

int file_identity_of_path(struct abi_file *ret, const char *path)
{
	return identity_of(ret, AT_FDCWD, path, 0);
}

int file_identity_of_fd(struct abi_file *ret, int fd)
{
	return identity_of(ret, fd, "", AT_EMPTY_PATH);
}
