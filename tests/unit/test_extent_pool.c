// SPDX-License-Identifier: Apache-2.0
#include "agent/extent_pool.h"

#include "tests/harness/test.h"

TEST(what_is_given_back_is_free_after_two_turns_and_not_before)
{
	AUTO(extent_pool) pool = NULL;
	uint32_t first, again;

	CHECK_EQ(extent_pool_new(&pool, 1, 11), 0);
	CHECK(extent_pool_take(pool, 10, &first));
	CHECK_EQ(first, 1);
	CHECK_EQ(extent_pool_used(pool), 10);
	CHECK_EQ(extent_pool_give(pool, first, 10), 0);
	CHECK_EQ(extent_pool_pending(pool), 10);
	CHECK(!extent_pool_take(pool, 1, &again));
	extent_pool_turn(pool);
	CHECK(!extent_pool_take(pool, 1, &again));
	extent_pool_turn(pool);
	CHECK(extent_pool_take(pool, 10, &again));
	CHECK_EQ(again, 1);
	CHECK_EQ(extent_pool_pending(pool), 0);
}

TEST(neighbours_become_one_whatever_the_order)
{
	AUTO(extent_pool) pool = NULL;
	uint32_t parts[4], whole;

	CHECK_EQ(extent_pool_new(&pool, 0, 40), 0);
	for (size_t i = 0; i < 4; i++)
		CHECK(extent_pool_take(pool, 10, &parts[i]));
	CHECK_EQ(extent_pool_give(pool, parts[2], 10), 0);
	CHECK_EQ(extent_pool_give(pool, parts[0], 10), 0);
	CHECK_EQ(extent_pool_give(pool, parts[3], 10), 0);
	CHECK_EQ(extent_pool_give(pool, parts[1], 10), 0);
	extent_pool_turn(pool);
	extent_pool_turn(pool);
	CHECK(extent_pool_take(pool, 40, &whole));
	CHECK_EQ(whole, 0);
}

TEST(the_first_place_that_fits_is_taken)
{
	AUTO(extent_pool) pool = NULL;
	uint32_t parts[3], small, large;

	CHECK_EQ(extent_pool_new(&pool, 0, 30), 0);
	for (size_t i = 0; i < 3; i++)
		CHECK(extent_pool_take(pool, 10, &parts[i]));
	CHECK_EQ(extent_pool_give(pool, parts[0], 10), 0);
	extent_pool_turn(pool);
	extent_pool_turn(pool);
	CHECK(!extent_pool_take(pool, 11, &large));
	CHECK(extent_pool_take(pool, 3, &small));
	CHECK_EQ(small, 0);
	CHECK(extent_pool_take(pool, 7, &large));
	CHECK_EQ(large, 3);
}
