/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>
#include <time.h>

#include "agent/sampler.h"

/*
 * mapped_file - the file behind a mapping of another process, opened through that mapping.
 *
 * /proc/TID/map_files/START-END leads to the very file that is mapped, whatever its path
 * says today and in whichever mount namespace it lives. On an overlay file system the link
 * leads to the overlay's file, which may have been copied up since: so what comes out is
 * mapped into this process, untouched, and must be the file that the kernel side saw.
 */
struct mapped_file {
	int fd;                   /* owned, open for reading */
	char *path;               /* owned, as the kernel prints it, " (deleted)" cut off */
	struct timespec modified; /* time of the last change of its bytes, from before the check */
	uint32_t id;              /* that the kernel side gave it */
	struct abi_file file;     /* what makes it that file */
};
#define MAPPED_FILE_NONE ((struct mapped_file){ .fd = -1 })

/*
 * mapped_file_open() - open the file that @event is about.
 *
 * Never blocks on a special file: what is not a regular file is not opened, and files on FUSE, whose
 * server may never answer, are left alone.
 *
 * Return: 0; -ENOENT if the mapping or the process is gone; -EACCES or -EPERM if a capability is
 * missing; -ESTALE if what was opened is another file; -ENODEV for a file that is not to be read;
 * or another -errno.
 */
int mapped_file_open(struct mapped_file *ret, struct sampler *sampler,
		     const struct abi_executable_event *event);

/*
 * mapped_file_open_path() - open an executable of which there was no sample yet.
 * @path: any path, a link in /proc too
 *
 * The kernel side gives it an id if it has none.
 * Return: as above; -ENOEXEC if it is no ELF file.
 */
int mapped_file_open_path(struct mapped_file *ret, struct sampler *sampler, const char *path);

/* mapped_file_open_root() - the root directory as process @pid sees it, O_PATH; -1 if it is gone. */
int mapped_file_open_root(pid_t pid);

void mapped_file_close(struct mapped_file *file);
