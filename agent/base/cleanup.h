/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * cleanup - owners that release themselves when they leave scope.
 *
 * A variable declared with AUTO(x), AUTO_STRING, AUTO_FILE, AUTO_DIR or AUTO_FD owns what it
 * holds. Ownership leaves it only through take() or take_fd(), so a function can be read for
 * leaks on its own. Every destructor accepts an empty owner.
 */

/* An owning pointer to struct @type; needs DEFINE_AUTO(type) beside type_free(). */
#define AUTO(type) __attribute__((cleanup(type##_freep))) struct type *

#define DEFINE_AUTO(type)                                   \
	static inline void type##_freep(struct type **slot) \
	{                                                   \
		type##_free(*slot);                         \
	}                                                   \
	_Static_assert(1, "takes the semicolon")

/* Yields @owner's pointer and leaves NULL behind. */
#define take(owner)                                 \
	({                                          \
		__typeof__(owner) taken_ = (owner); \
		(owner) = NULL;                     \
		taken_;                             \
	})

static inline void auto_string_free(char **slot)
{
	free(*slot);
}

static inline void auto_file_close(FILE **slot)
{
	if (*slot)
		fclose(*slot);
}

static inline void auto_dir_close(DIR **slot)
{
	if (*slot)
		closedir(*slot);
}

static inline void auto_fd_close(const int *slot)
{
	if (*slot >= 0)
		close(*slot);
}

#define AUTO_STRING __attribute__((cleanup(auto_string_free))) char *
#define AUTO_FILE   __attribute__((cleanup(auto_file_close))) FILE *
#define AUTO_DIR    __attribute__((cleanup(auto_dir_close))) DIR *
#define AUTO_FD     __attribute__((cleanup(auto_fd_close))) int

/* Yields the descriptor in @owner and leaves -1 behind. */
static inline int take_fd(int *owner)
{
	int fd = *owner;

	*owner = -1;
	return fd;
}
