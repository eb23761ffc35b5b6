// SPDX-License-Identifier: Apache-2.0
#include "bursts.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	MAX_PATHS = 64,
	SHORTEST_NS = 300000,
	LONGEST_NS = 3000000,
	TRIAL_NS = 200000
};

struct account {
	const struct path *path;
	uint64_t spent_ns;
	double units_per_ns;
	unsigned long bursts;
};

static struct account accounts[MAX_PATHS];
static size_t account_count;
static struct account *current;
static uint64_t random_state;

void bursts_fail(const char *text)
{
	fprintf(stderr, "no truth: %s\n", text);
	exit(2);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t thread_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void bursts_add_ns(uint64_t ns)
{
	current->spent_ns += ns;
}

FRAME void burn(long units)
{
	uint64_t x = 88172645463325252;

	for (long i = 0; i < units; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	TOUCH(&x);
}

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* One burst, charged to its path. */
static FRAME uint64_t run_path(struct account *account, long units)
{
	uint64_t begin = thread_ns(), before = account->spent_ns;

	current = account;
	account->path->run(units);
	account->spent_ns += thread_ns() - begin;
	account->bursts++;
	return account->spent_ns - before;
}

/* How many units a nanosecond is; what that takes is charged like any other burst. */
static inline __attribute__((always_inline)) void calibrate(struct account *account)
{
	uint64_t ns = 0;
	long units = 1;

	while (units < 1L << 40) {
		ns = run_path(account, units);
		if (ns >= TRIAL_NS)
			break;
		units *= 2;
	}
	/* Once more: the first call of anything is slow. */
	ns = (ns + run_path(account, units)) / 2;
	account->units_per_ns = (double)units / (double)(ns + 1);
}

static struct account *pick(uint64_t total_weight)
{
	uint64_t at = next_random() % total_weight;

	for (size_t i = 0; i < account_count; i++) {
		if (at < accounts[i].path->weight)
			return &accounts[i];
		at -= accounts[i].path->weight;
	}
	abort();
}

static bool is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += length) {
		if ((at == list || at[-1] == ',') && (at[length] == ',' || !at[length]))
			return true;
	}
	return false;
}

static void print_truth(uint64_t seed)
{
	uint64_t process = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	printf("{\"seed\": %llu, \"process_seconds\": %.9f, \"tail\": \"run_path,run_bursts,main\",\n",
	       (unsigned long long)seed, (double)process / 1e9);
	printf(" \"paths\": [");
	for (size_t i = 0; i < account_count; i++) {
		const struct path *path = accounts[i].path;

		printf("%s\n  {\"name\": \"%s\", \"seconds\": %.9f, \"bursts\": %lu, \"frames\": \"%s\"}",
		       i ? "," : "", path->name, (double)accounts[i].spent_ns / 1e9,
		       accounts[i].bursts, path->frames);
	}
	printf("]}\n");
}

FRAME int run_bursts(const struct path *paths, size_t count, int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 10;
	uint64_t seed = clock_ns(CLOCK_REALTIME) | 1, total_weight = 0;
	uint64_t end = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + (uint64_t)(seconds * 1e9);

	random_state = seed;
	for (size_t i = 0; i < count && account_count < MAX_PATHS; i++) {
		if (argc > 2 && !is_listed(argv[2], paths[i].name))
			continue;
		accounts[account_count].path = &paths[i];
		total_weight += paths[i].weight;
		calibrate(&accounts[account_count++]);
	}
	if (!account_count)
		bursts_fail("no such path");
	while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < end) {
		struct account *account = pick(total_weight);
		uint64_t ns = SHORTEST_NS + next_random() % (LONGEST_NS - SHORTEST_NS);
		long units = (long)((double)ns * account->units_per_ns);

		run_path(account, units > 0 ? units : 1);
	}
	print_truth(seed);
	return 0;
}
