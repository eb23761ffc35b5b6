// SPDX-License-Identifier: Apache-2.0
/* Lists of mappings of processes that live in a directory of ours. */
#include "agent/process_maps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/harness/test.h"

#define LINE(start, end, flags, inode) \
	start "-" end " " flags " 00000000 08:01 " inode " /bin/program\n"

/* A world with a directory of processes; process 7 executed its program at image_ns. */
struct world {
	char proc[64];
	struct process_maps *maps;
	uint64_t image_ns;
	uint64_t now_ns;  /* goes on by itself, a nanosecond each time it is read */
	size_t placed;    /* mappings that were asked about */
	uint64_t slow_ns; /* that each of them takes */
};

static uint64_t now_ns(void *context)
{
	struct world *world = context;

	return world->now_ns++;
}

static int place(void *context, uint32_t tid, const struct maps_line *line, uint64_t *ret_word)
{
	struct world *world = context;

	(void)tid;
	world->placed++;
	world->now_ns += world->slow_ns;
	*ret_word = line->inode << 32;
	return 0;
}

static uint64_t image_start(void *context, uint32_t tgid)
{
	const struct world *world = context;

	return tgid == 7 ? world->image_ns : 0;
}

/* What the maps of a process or thread say from now on; NULL: it is gone. */
static void set_maps(const struct world *world, unsigned int pid, const char *text)
{
	char path[128];
	AUTO_FILE file = NULL;

	snprintf(path, sizeof(path), "%s/%u", world->proc, pid);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%u/maps", world->proc, pid);
	if (!text) {
		unlink(path);
		return;
	}
	file = fopen(path, "we");
	fputs(text, file);
}

static void tear_down(struct world *world)
{
	char command[96];

	process_maps_free(world->maps);
	snprintf(command, sizeof(command), "rm -rf %s", world->proc);
	if (system(command))
		perror(command);
}

#define AUTO_WORLD __attribute__((cleanup(tear_down))) struct world

static int set_up(struct world *world)
{
	struct process_maps_options options = {
		.proc = world->proc,
		.context = world,
		.now_ns = now_ns,
		.place = place,
		.image_start = image_start,
	};

	world->now_ns = 1000000000000;
	strcpy(world->proc, "/tmp/wick-process-maps.XXXXXX");
	return mkdtemp(world->proc) ? process_maps_new(&world->maps, &options) : -errno;
}

/* The word of an address for a sample of process 7 at @time_ns; 1: no code, 2: not known. */
static uint64_t word_at(struct world *world, uint64_t time_ns, uint64_t addr)
{
	struct process_moment moment = { .tgid = 7, .tid = 7, .time_ns = time_ns };
	const struct mapping_list *list = NULL;
	uint64_t word = 0;

	if (process_maps_get(world->maps, &moment, &list))
		return 3;
	if (!list)
		return 2;
	return mapping_list_find(list, addr, &word) ? word : 1;
}

#define WORD(inode, offset) ((uint64_t)(inode) << 32 | (offset))

TEST(an_address_is_found_in_the_code_that_holds_it)
{
	AUTO_WORLD world = {};

	CHECK_EQ(set_up(&world), 0);
	set_maps(&world, 7,
		 LINE("1000", "3000", "r-xp", "5") LINE("3000", "4000", "r--p", "5")
			 LINE("8000", "9000", "r-xp", "6"));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x2fff), WORD(5, 0x1fff));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x3000), 1);
	CHECK_EQ(word_at(&world, now_ns(&world), 0x8123), WORD(6, 0x123));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x9000), 1);
	CHECK_EQ(word_at(&world, now_ns(&world), 0xfff), 1);
	CHECK_EQ(world.placed, 2);
}

TEST(a_process_that_is_gone_is_not_known)
{
	AUTO_WORLD world = {};

	CHECK_EQ(set_up(&world), 0);
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), 2);
	set_maps(&world, 7, ""); /* as of one that is going */
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), 2);
}

TEST(what_was_known_of_a_process_remains_when_it_is_gone)
{
	AUTO_WORLD world = {};

	CHECK_EQ(set_up(&world), 0);
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "5"));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
	set_maps(&world, 7, NULL);
	world.now_ns += 110000000;
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
}

TEST(a_list_is_read_again_when_it_is_old)
{
	AUTO_WORLD world = {};

	CHECK_EQ(set_up(&world), 0);
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "5") LINE("3000", "4000", "r-xp", "5"));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "6") LINE("3000", "4000", "r-xp", "5"));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
	world.now_ns += 110000000;
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(6, 0));
	/* Only what changed was asked about. */
	CHECK_EQ(world.placed, 3);
}

TEST(a_list_is_not_read_again_for_a_sample_that_is_older)
{
	AUTO_WORLD world = {};
	uint64_t before;

	CHECK_EQ(set_up(&world), 0);
	before = now_ns(&world);
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "5"));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "6"));
	world.now_ns += 110000000;
	CHECK_EQ(word_at(&world, before, 0x1000), WORD(5, 0));
}

TEST(a_missing_address_renews_the_list_early)
{
	AUTO_WORLD world = {};
	struct process_moment moment = { .tgid = 7, .tid = 7 };
	const struct mapping_list *list = NULL;
	uint64_t word;

	CHECK_EQ(set_up(&world), 0);
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "5"));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "5") LINE("3000", "4000", "r-xp", "6"));
	world.now_ns += 20000000;
	CHECK_EQ(word_at(&world, now_ns(&world), 0x3000), 1);
	moment.time_ns = now_ns(&world);
	CHECK_EQ(process_maps_renew(world.maps, &moment, &list), 0);
	CHECK(list && mapping_list_find(list, 0x3000, &word));
	CHECK_EQ(word, WORD(6, 0));
}

TEST(a_program_that_was_executed_is_not_taken_for_the_one_before)
{
	AUTO_WORLD world = {};
	uint64_t in_old, in_new;

	CHECK_EQ(set_up(&world), 0);
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "5"));
	in_old = now_ns(&world);
	CHECK_EQ(word_at(&world, in_old, 0x1000), WORD(5, 0));
	world.image_ns = now_ns(&world);
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "6"));
	in_new = now_ns(&world);
	/* At once, however young the list is; and what was sampled before keeps its own. */
	CHECK_EQ(word_at(&world, in_new, 0x1000), WORD(6, 0));
	CHECK_EQ(word_at(&world, in_old, 0x1000), WORD(5, 0));
}

TEST(a_program_whose_list_was_never_read_is_not_known_afterwards)
{
	AUTO_WORLD world = {};
	uint64_t in_old;

	CHECK_EQ(set_up(&world), 0);
	in_old = now_ns(&world);
	world.image_ns = now_ns(&world);
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "6"));
	CHECK_EQ(word_at(&world, in_old, 0x1000), 2);
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(6, 0));
	CHECK_EQ(word_at(&world, in_old, 0x1000), 2);
	/* And gone before it was read. */
	world.image_ns = now_ns(&world);
	set_maps(&world, 7, NULL);
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), 2);
}

TEST(the_other_threads_tell_when_one_is_gone)
{
	AUTO_WORLD world = {};
	struct process_moment moment = { .tgid = 7, .tid = 9 };
	const struct mapping_list *list = NULL;

	CHECK_EQ(set_up(&world), 0);
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "5"));
	moment.time_ns = now_ns(&world);
	CHECK_EQ(process_maps_get(world.maps, &moment, &list), 0);
	CHECK(list);
}

/* More than fits into the buffer, with a line across its end, and one that is longer than all of it. */
TEST(a_long_list_is_read_to_its_end_and_is_bounded)
{
	AUTO_WORLD world = {};
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	CHECK_EQ(set_up(&world), 0);
	for (unsigned int i = 1; i <= 9000; i++)
		fprintf(stream, "%x000-%x000 r-xp 00000000 08:01 %u /bin/program\n", 2 * i,
			2 * i + 1, i);
	fprintf(stream, "10000000-20000000 r-xp 00000000 08:01 1 /%0100000d\n", 0);
	fclose(stream);
	set_maps(&world, 7, text);
	free(text);
	CHECK_EQ(word_at(&world, now_ns(&world), 2 * 4096), WORD(1, 0));
	CHECK_EQ(word_at(&world, now_ns(&world), 2 * 8192 * 4096ULL), WORD(8192, 0));
	CHECK_EQ(word_at(&world, now_ns(&world), 2 * 8193 * 4096ULL), 1);
	CHECK_EQ(world.placed, 8192);
}

TEST(more_processes_than_are_kept_are_known_each)
{
	AUTO_WORLD world = {};

	CHECK_EQ(set_up(&world), 0);
	for (unsigned int pid = 10; pid < 10 + 1100; pid++) {
		struct process_moment moment = { .tgid = pid,
						 .tid = pid,
						 .time_ns = now_ns(&world) };
		const struct mapping_list *list = NULL;
		uint64_t word;

		set_maps(&world, pid, LINE("1000", "2000", "r-xp", "5"));
		CHECK_EQ(process_maps_get(world.maps, &moment, &list), 0);
		CHECK(list && mapping_list_find(list, 0x1000, &word));
	}
	CHECK_EQ(world.placed, 1100);
}

TEST(a_process_that_is_not_asked_for_is_forgotten)
{
	AUTO_WORLD world = {};

	CHECK_EQ(set_up(&world), 0);
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "5"));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
	set_maps(&world, 7, NULL);
	world.now_ns += 5000000000;
	process_maps_turn(world.maps);
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
	world.now_ns += 10000000000;
	process_maps_turn(world.maps);
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), 2);
}

/* Each reading takes 50 ms by this clock, so that half a second passes before the next one. */
TEST(a_list_that_is_slow_to_read_is_read_more_seldom)
{
	AUTO_WORLD world = { .slow_ns = 50000000 };

	CHECK_EQ(set_up(&world), 0);
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "5"));
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
	set_maps(&world, 7, LINE("1000", "2000", "r-xp", "6"));
	world.now_ns += 300000000;
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(5, 0));
	world.now_ns += 300000000;
	CHECK_EQ(word_at(&world, now_ns(&world), 0x1000), WORD(6, 0));
}
