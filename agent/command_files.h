/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/base/intern.h"

/*
 * command_files - the executables that a command will map when it starts, as far as can be told beforehand.
 *
 * The program as execvp(3) would find it, the interpreters of scripts, the dynamic loader, and
 * the libraries that they need, found as the loader does: RUNPATH, LD_LIBRARY_PATH,
 * /etc/ld.so.cache, the usual directories. What is opened with dlopen(3) later cannot be told.
 *
 * Source of the cache's layout: what ldconfig writes; see command_files.c.
 */

/* command_files_find() - adds their paths to @paths, the program first. 0 or -ENOMEM. */
int command_files_find(struct intern *paths, char *const *command);
