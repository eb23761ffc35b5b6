/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * maps_line - one mapping of a process, as /proc/PID/maps prints it; see proc_pid_maps(5).
 *
 * A plain value; the path points into the text.
 */
struct maps_line {
	uint64_t start;
	uint64_t end;
	uint32_t flags; /* MAPS_READ and so on */
	uint64_t file_offset;
	uint32_t device; /* as the kernel numbers it: major << 20 | minor */
	uint64_t inode;  /* 0: no file backs it */
	const char *path;
	size_t path_length; /* without the end of the line */
};

/* The kernel's VM_READ, VM_WRITE, VM_EXEC and VM_MAYSHARE: all that a line tells. */
enum maps_flag {
	MAPS_READ = 1,
	MAPS_WRITE = 2,
	MAPS_EXECUTABLE = 4,
	MAPS_SHARED = 0x80,
};

/*
 * maps_line_parse() - the line that begins at @text, of @size bytes.
 * @ret_next: what comes after it; @text + @size at the end
 *
 * False if it is no such line, with @ret_next set all the same.
 */
bool maps_line_parse(struct maps_line *ret, const char *text, size_t size, const char **ret_next);
