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

static inline void lookup_bpf_freep(struct lookup_bpf **skeleton)
{
	lookup_bpf__destroy(*skeleton);
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

static struct lookup_bpf *load(bool with_kernel)
{
	AUTO(lookup_bpf) skeleton = lookup_bpf__open();

	if (!skeleton)
		return NULL;
	bpf_program__set_autoload(skeleton->progs.compare_all, with_kernel);
	return lookup_bpf__load(skeleton) ? NULL : take(skeleton);
}

static bool kernel_can_look_up(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_find_vma, NULL) == 1;
}

static int run_program(struct bpf_program *program, uint64_t argument)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &argument, .ctx_size_in = sizeof(argument));

	return bpf_prog_test_run_opts(bpf_program__fd(program), &run);
}

/* By the program that was loaded. */
static int run_all(struct lookup_bpf *skeleton)
{
	int err = 0;

	if (bpf_program__autoload(skeleton->progs.compare_all))
		return run_program(skeleton->progs.compare_all, 0);
	for (uint64_t first = 0; !err && first < LOOKUP_MAX; first += LOOKUP_AT_ONCE)
		err = run_program(skeleton->progs.look_some_up, first);
	return err;
}

/* Asks for all addresses at once; results come in the order of the questions. */
static int look_up(struct lookup_bpf *skeleton, const uint64_t *addrs, struct lookup *results)
{
	int map = bpf_map__fd(skeleton->maps.lookups);
	static uint32_t indexes[LOOKUP_MAX];
	uint32_t count = LOOKUP_MAX, next;

	for (uint32_t i = 0; i < LOOKUP_MAX; i++) {
		indexes[i] = i;
		results[i] = (struct lookup){ .addr = addrs[i] };
	}
	if (bpf_map_update_batch(map, indexes, results, &count, NULL) || run_all(skeleton))
		return -1;
	/* At the end of the map the kernel says so, and has copied all. */
	if (bpf_map_lookup_batch(map, NULL, &next, indexes, results, &count, NULL) &&
	    errno != ENOENT)
		return -1;
	return count == LOOKUP_MAX ? 0 : -1;
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
	AUTO(lookup_bpf) skeleton = load(false);
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
}

TEST(every_address_is_found_as_the_kernel_finds_it)
{
	AUTO(lookup_bpf) skeleton = NULL;
	char *area = make_mappings(4000);
	struct maps maps = read_maps();
	size_t wrong = 0;

	if (!kernel_can_look_up())
		SKIP("this kernel has no bpf_find_vma()");
	skeleton = load(true);
	CHECK(skeleton);
	choose_addresses(&maps, addrs);
	CHECK_EQ(look_up(skeleton, addrs, results), 0);
	for (size_t i = 0; i < LOOKUP_MAX; i++)
		wrong += results[i].kernel_status == -EBUSY ||
			 !same_result(&results[i].ours, &results[i].kernel);
	CHECK_EQ(wrong, 0);
	free(maps.items);
	munmap(area, 4000 * 4096);
}

static atomic_bool churn_is_over;

/* Another thread that makes and removes mappings all over the same area. */
static void *churn(void *context)
{
	char *area = context;
	uint64_t state = 7;

	while (!atomic_load(&churn_is_over)) {
		char *page = area + next_random(&state) % 512 * 8 * 4096;

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
	AUTO(lookup_bpf) skeleton = NULL;
	char *area = make_mappings(4096);
	struct maps maps = read_maps();
	size_t comparable = 0, wrong = 0;
	pthread_t thread;

	if (!kernel_can_look_up())
		SKIP("this kernel has no bpf_find_vma()");
	skeleton = load(true);
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
}

/*
 * Of every eight pages, churn() leaves the last ones alone: each of two of them stays a mapping of
 * its own, whatever happens to the tree around it.
 */
TEST(mappings_that_stay_are_found_while_others_come_and_go)
{
	AUTO(lookup_bpf) skeleton = load(false);
	char *area = make_mappings(4096);
	size_t asked = 0, missed = 0, wrong = 0;
	pthread_t thread;

	CHECK(skeleton);
	for (size_t i = 0; i < LOOKUP_MAX; i++)
		addrs[i] = (uint64_t)area + (i / 2 % 512 * 8 + 5 + i % 2) * 4096 + i / 1024;
	atomic_store(&churn_is_over, false);
	CHECK_EQ(pthread_create(&thread, NULL, churn, area), 0);
	for (int round = 0; round < 25 && !look_up(skeleton, addrs, results); round++) {
		for (size_t i = 0; i < LOOKUP_MAX; i++) {
			uint64_t start = addrs[i] & ~0xfffULL;
			const struct lookup_result *ours = &results[i].ours;

			asked++;
			missed += !ours->is_found;
			wrong += ours->is_found &&
				 (ours->start != start || ours->end != start + 4096);
		}
	}
	atomic_store(&churn_is_over, true);
	pthread_join(thread, NULL);
	printf("# %zu of %zu lookups missed a mapping, %zu found another\n", missed, asked, wrong);
	CHECK(asked == 25 * LOOKUP_MAX);
	CHECK_EQ(wrong, 0);
	/* A tree that is being rebuilt may hide one; the frame is lost then, never wrong. */
	CHECK(missed * 1000 <= asked);
	munmap(area, 4096 * 4096);
}
