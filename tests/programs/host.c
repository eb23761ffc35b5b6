// SPDX-License-Identifier: Apache-2.0
/* host - calls into the library made of plugin.c; a minute at most. */
#include <stdint.h>
#include <unistd.h>

uint64_t plugin_call(uint64_t x);

static volatile uint64_t sink;

int main(void)
{
	alarm(60);
	for (;;)
		sink = plugin_call(sink);
}
