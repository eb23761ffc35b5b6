// SPDX-License-Identifier: Apache-2.0
/* The functions of a shared library, called through its PLT. */
#include "paths.h"

uint64_t library_tiny(uint64_t x)
{
	return x * 6364136223846793005 + 1;
}

void library_call(void (*function)(long), long units)
{
	function(units);
	AFTER_CALL();
}
