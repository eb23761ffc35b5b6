// SPDX-License-Identifier: Apache-2.0
#include "agent/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	BAR_WIDTH = 24
};

struct progress progress_start(bool wanted, uint64_t total_ns)
{
	return (struct progress){
		.is_shown = wanted && isatty(STDERR_FILENO),
		.total_ns = total_ns,
	};
}

void progress_draw(const struct progress *progress, uint64_t elapsed_ns, uint64_t samples)
{
	char bar[BAR_WIDTH + 1];
	size_t filled;

	if (!progress->is_shown)
		return;
	if (!progress->total_ns) {
		fprintf(stderr, "\r\033[Ksampling  %.1f s  %llu samples  (Ctrl-C ends)",
			(double)elapsed_ns / 1e9, (unsigned long long)samples);
		return;
	}
	if (elapsed_ns > progress->total_ns)
		elapsed_ns = progress->total_ns;
	filled = (size_t)(elapsed_ns * BAR_WIDTH / progress->total_ns);
	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r\033[Ksampling [%s] %.1f of %.1f s  %llu samples", bar,
		(double)elapsed_ns / 1e9, (double)progress->total_ns / 1e9,
		(unsigned long long)samples);
}

void progress_end(const struct progress *progress)
{
	if (progress->is_shown)
		fputs("\r\033[K", stderr);
}
