// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu_time.h"

#include <errno.h>

#include "agent/base/cleanup.h"

int cpu_time_busy(uint64_t *ret_ns, FILE *stat)
{
	unsigned long long user, nice, system, idle, iowait, irq, softirq;
	AUTO_FILE file = NULL;
	long ticks = sysconf(_SC_CLK_TCK);

	if (!stat) {
		stat = file = fopen("/proc/stat", "re");
		if (!file)
			return -errno;
	}
	if (ticks <= 0 || fscanf(stat, "cpu%*1[ ]%llu %llu %llu %llu %llu %llu %llu", &user, &nice,
				 &system, &idle, &iowait, &irq, &softirq) != 7)
		return -EINVAL;
	*ret_ns = (user + nice + system + irq + softirq) * (1000000000ULL / (unsigned long)ticks);
	return 0;
}
