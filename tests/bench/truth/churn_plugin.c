// SPDX-License-Identifier: Apache-2.0
/* A library that is loaded for one burst: NAME is its function's, FRAME_BYTES the size of its frame. */
#include "bursts.h"

extern void churn(void (*function)(long), long units);

static FRAME void NAME(void (*function)(long), long units)
{
	char room[FRAME_BYTES];

	TOUCH(room);
	function(units);
	TOUCH(room);
}

void churn(void (*function)(long), long units)
{
	NAME(function, units);
	AFTER_CALL();
}
