/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * debug_open - opening files that a program, or a file that came with it, names.
 *
 * The program may be hostile and its file system a container's. No symbolic link leads out of the root,
 * nothing but regular files is opened, and no mount is entered behind which a server may never
 * answer: none but those that lead to a file that is known to be there.
 */

/*
 * debug_open() - open for reading.
 * @root_fd: root directory of whoever sees @path
 * @known: path of a file that is there, or NULL; mounts on the way to it may be crossed. NULL for a
 *         container, which may have mounted something else there since.
 *
 * Return: a descriptor, owned by the caller; or -errno, -ENOENT also for what is no regular file.
 */
int debug_open(int root_fd, const char *known, const char *path);
