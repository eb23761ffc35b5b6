/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "agent/executable_table.h"
#include "symbolizer/symbolizer.h"

/*
 * debug_files - the files beside an executable that say more of it: debug file, supplement, package.
 *
 * Looked for on this host and where the executable's process sees its files, as long as that process
 * lives. The process of a container may name any file: see symbolizer/debug_open.h.
 */
struct debug_files {
	struct symbol_files files; /* what is in there is owned, but for the executable's */
	const char *path;          /* of the executable, borrowed */
	int host_fd;               /* owned: root directory of this host */
	int root_fd;               /* owned: that of the process, or -1 */
};

/* debug_files_open() - what there is for @executable, whose descriptor is open. */
void debug_files_open(struct debug_files *ret, const struct executable *executable);

void debug_files_close(struct debug_files *files);
