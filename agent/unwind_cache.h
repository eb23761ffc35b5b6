/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/base/cleanup.h"
#include "bpf/abi.h"
#include "symbolizer/unwind_table.h"

/*
 * unwind_cache - compiled unwind tables in a directory, so that a restart need not compile them again.
 *
 * One file for each executable. It is found by what makes the executable that file to the kernel (device, inode,
 * generation, change time, size) within this boot of the machine, and only by the
 * very program of wick that made it. Not by its
 * build id: that is in the file, and whoever writes a file in a container could claim the id of another
 * one, and so give that one wrong rows. None of what is used here can be chosen by
 * those who write files. A file that changed within the last seconds is not kept, since its next
 * change might not be seen in its change time.
 *
 * The directory must be ours alone. What is in it is checked all the same, with a checksum over everything: whatever
 * is wrong with an entry, it is as if it were not there. Bounded in bytes, what was not used for
 * longest goes first. Several processes may use one directory. Safe to use from several threads.
 */
struct unwind_cache;

/*
 * unwind_cache_new() - use @path, an absolute or relative directory, which is made if only its last part is missing.
 * @max_bytes: of all entries together, nearly
 *
 * Return: 0; -EPERM if others than us can write there or own it; or another -errno.
 */
int unwind_cache_new(struct unwind_cache **out, const char *path, uint64_t max_bytes);

/* unwind_cache_load() - the table of @file; 0, -ENOENT, or -ENOMEM. */
int unwind_cache_load(struct unwind_cache *cache, const struct abi_file *file,
		      struct unwind_table **out);

/*
 * unwind_cache_store() - keep @table, which was compiled from @fd.
 *
 * Return: 0; -EAGAIN if the file changed just now, or has other bytes than @file by now; or another
 * -errno: then it is not kept.
 */
int unwind_cache_store(struct unwind_cache *cache, const struct abi_file *file, int fd,
		       const struct unwind_table *table);

void unwind_cache_free(struct unwind_cache *cache);
DEFINE_AUTO(unwind_cache);
