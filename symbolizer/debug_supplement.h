/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * debug_supplement - the file into which dwz moved what the debug information of several files has
 * in common.
 *
 * Named by .gnu_debugaltlink: a path, which may be relative to the file that has the link, and a build
 * id. Nothing is believed that has not the build id.
 *
 * Source: the dwz manual page; the gdb manual for directories by build id.
 */

/*
 * debug_supplement_find() - the supplement of @fd, which is a file with debug information.
 * @ret_fd: owned by the caller
 * @root_fd: root directory of the process that @fd belongs to, or -1; the host's is asked first
 *
 * Return: 0; -ENOENT if there is none; -EIO; or -ENOMEM.
 */
int debug_supplement_find(int *ret_fd, int fd, int root_fd);
