// SPDX-License-Identifier: Apache-2.0
#include "agent/vdso.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "agent/base/cleanup.h"

int vdso_open(void)
{
	const Elf64_Ehdr *image = (const void *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	AUTO_FD fd = -1;
	size_t size;

	if (!image)
		return -ENOENT;
	/* The image ends with its section headers: the linker puts them last. */
	size = image->e_shoff + (size_t)image->e_shentsize * image->e_shnum;
	fd = memfd_create("vdso", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, image, size) != (ssize_t)size)
		return -EIO;
	return take_fd(&fd);
}
