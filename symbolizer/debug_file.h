/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * debug_file - the separate file with what was stripped from an executable.
 *
 * Distributions and build systems strip programs and keep what they cut off in a file of its own. A
 * program names it by its build id, or by a file name and a checksum (.gnu_debuglink). It is looked for where
 * gdb looks: below /usr/lib/debug, and beside the program.
 *
 * The directories may be a container's, and so is whatever lies in them: no symbolic link leads out of the root,
 * no other file system is entered there, nothing but regular files is opened, and what is found is believed only if it has the
 * same build id, or the checksum.
 *
 * Source: the gdb manual, "Debugging Information in Separate Files".
 */

/*
 * debug_file_find() - the debug file of the ELF file @fd.
 * @ret_fd: the debug file, owned by the caller
 * @root_fd: root directory as its process sees it, or -1; the host's is asked first
 * @path: of the file, from there; NULL: not known
 *
 * Return: 0; -ENOENT if there is none; -EIO; or -ENOMEM.
 */
int debug_file_find(int *ret_fd, int fd, int root_fd, const char *path);
