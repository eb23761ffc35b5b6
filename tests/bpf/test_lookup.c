// SPDX-License-Identifier: Apache-2.0
/* The lock-free lookup of mappings against /proc/self/maps and the kernel's own bpf_find_vma(). */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "lookup.skel.h"
#include "tests/bpf/lookup.h"
#include "tests/harness/test.h"

struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t file_offset;
};

struct maps {
	struct mapping *items;
	size_t count;
};

static struct maps read_maps(void)
{
	AUTO_FILE file = fopen("/proc/self/maps", "re");
	struct maps maps = { .items = calloc(65536, sizeof(struct mapping)) };
	char line[4096];

	while (maps.items && maps.count < 65536 && fgets(line, sizeof(line), file)) {
		struct mapping *item = &maps.items[maps.count];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &item->start, &item->end,
			   &item->file_offset) == 3)
			maps.count++;
	}
	return maps;
}

static const struct mapping *find_mapping(const struct maps *maps, uint64_t addr)
{
	for (size_t i = 0; i < maps->count; i++) {
		if (addr >= maps->items[i].start && addr < maps->items[i].end)
			return &maps->items[i];
	}
	return NULL;
}

/* Thousands of mappings that cannot merge: neighbours differ in protection. */
static char *make_mappings(size_t pages)
{
	char *area = mmap(NULL, pages * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; area != MAP_FAILED && i < pages; i += 2)
		mprotect(area + i * 4096, 4096, PROT_READ | PROT_WRITE);
	return area;
}

/* A fixed sequence, so that a failure can be repeated. */
static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 16;
}

/* Edges and insides of every mapping, and what lies between. */
static size_t choose_addresses(const struct maps *maps, uint64_t *addrs)
{
	uint64_t state = 42;
	size_t count = 0;

	for (size_t i = 0; i < maps->count && count < LOOKUP_MAX - 1500; i++) {
		const struct mapping *item = &maps->items[i];
		uint64_t size = item->end - item->start;

		addrs[count++] =
			i % 3 == 0 ? item->start : item->start + next_random(&state) % size;
		addrs[count++] = i % 3 == 1 ? item->end : item->end - 1;
	}
	/* Behind mappings, and anywhere. */
	for (size_t i = 0; count < LOOKUP_MAX; i++)
		addrs[count++] = i % 2 ? maps->items[next_random(&state) % maps->count].end + 4096
				       : next_random(&state) & 0x7fffffffffff;
	return count;
}

static struct lookup_bpf *load(void)
{
	return lookup_bpf__open_and_load();
}

/* Asks for all addresses at once; results come in the order of the questions. */
static int look_up(struct lookup_bpf *skeleton, const uint64_t *addrs, struct lookup *results)
{
	int map = bpf_map__fd(skeleton->maps.lookups);
	LIBBPF_OPTS(bpf_test_run_opts, run);

	for (uint32_t i = 0; i < LOOKUP_MAX; i++) {
		struct lookup question = { .addr = addrs[i] };

		if (bpf_map_update_elem(map, &i, &question, BPF_ANY))
			return -1;
	}
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.look_all_up), &run))
		return -1;
	for (uint32_t i = 0; i < LOOKUP_MAX; i++) {
		if (bpf_map_lookup_elem(map, &i, &results[i]))
			return -1;
	}
	return 0;
}

static bool same_result(const struct lookup_result *a, const struct lookup_result *b)
{
	return a->is_found == b->is_found &&
	       (!a->is_found ||
		(a->start == b->start && a->end == b->end && a->file_offset == b->file_offset));
}

static uint64_t addrs[LOOKUP_MAX];
static struct lookup results[LOOKUP_MAX];

TEST(every_address_is_found_where_proc_maps_has_it)
{
	struct lookup_bpf *skeleton = load();
	char *area = make_mappings(4000);
	struct maps maps;
	size_t wrong = 0, found = 0;

	CHECK(skeleton);
	CHECK(area != MAP_FAILED);
	maps = read_maps();
	CHECK(maps.count > 3000);
	choose_addresses(&maps, addrs);
	CHECK_EQ(look_up(skeleton, addrs, results), 0);
	for (size_t i = 0; i < LOOKUP_MAX; i++) {
		const struct mapping *mapping = find_mapping(&maps, addrs[i]);
		const struct lookup_result *ours = &results[i].ours;

		/* The page of system calls is listed, but is no mapping of the process. */
		if (mapping && mapping->start >= 0xffffffffff600000)
			mapping = NULL;
		found += ours->is_found;
		wrong += ours->is_found != !!mapping;
		wrong += mapping && (ours->start != mapping->start || ours->end != mapping->end ||
				     ours->file_offset != mapping->file_offset);
	}
	printf("# %zu of %d addresses in one of %zu mappings\n", found, LOOKUP_MAX, maps.count);
	CHECK_EQ(wrong, 0);
	CHECK(found > LOOKUP_MAX / 2 && found < LOOKUP_MAX - 500);
	free(maps.items);
	munmap(area, 4000 * 4096);
	lookup_bpf__destroy(skeleton);
}

TEST(every_address_is_found_as_the_kernel_finds_it)
{
	struct lookup_bpf *skeleton = load();
	char *area = make_mappings(4000);
	struct maps maps = read_maps();
	size_t wrong = 0;

	CHECK(skeleton);
	choose_addresses(&maps, addrs);
	CHECK_EQ(look_up(skeleton, addrs, results), 0);
	for (size_t i = 0; i < LOOKUP_MAX; i++)
		wrong += results[i].kernel_status == -EBUSY ||
			 !same_result(&results[i].ours, &results[i].kernel);
	CHECK_EQ(wrong, 0);
	free(maps.items);
	munmap(area, 4000 * 4096);
	lookup_bpf__destroy(skeleton);
}

static atomic_bool churn_is_over;

/* Another thread that makes and removes mappings all over the same area. */
static void *churn(void *context)
{
	char *area = context;
	uint64_t state = 7;

	while (!atomic_load(&churn_is_over)) {
		char *page = area + next_random(&state) % 4000 * 4096;

		munmap(page, 4096 * 3);
		mmap(page, 4096 * 3, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		mprotect(page + 4096, 4096, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/*
 * While the tree changes, our answers before and after the kernel's must agree with each other for
 * a comparison to mean anything; then they agree with the kernel, but for changes there and back.
 */
TEST(lookups_stay_right_while_mappings_come_and_go)
{
	struct lookup_bpf *skeleton = load();
	char *area = make_mappings(4096);
	struct maps maps = read_maps();
	size_t comparable = 0, wrong = 0;
	pthread_t thread;

	CHECK(skeleton);
	choose_addresses(&maps, addrs);
	atomic_store(&churn_is_over, false);
	CHECK_EQ(pthread_create(&thread, NULL, churn, area), 0);
	for (int round = 0; round < 500 && comparable < 50000; round++) {
		if (look_up(skeleton, addrs, results))
			break;
		for (size_t i = 0; i < LOOKUP_MAX; i++) {
			if (results[i].kernel_status == -EBUSY ||
			    !same_result(&results[i].ours, &results[i].ours_again))
				continue;
			comparable++;
			wrong += !same_result(&results[i].ours, &results[i].kernel);
		}
	}
	atomic_store(&churn_is_over, true);
	pthread_join(thread, NULL);
	printf("# %zu of %zu comparable lookups differ under churn\n", wrong, comparable);
	CHECK(comparable >= 50000);
	CHECK(wrong * 10000 <= comparable);
	free(maps.items);
	munmap(area, 4096 * 4096);
	lookup_bpf__destroy(skeleton);
}
