// SPDX-License-Identifier: Apache-2.0

package main

/*
#include <pthread.h>
#include <stdint.h>

extern uint64_t back(uint64_t n);
extern uint64_t backAgain(uint64_t n);
extern void threadBack(void);

static volatile uint64_t spun;

static __attribute__((noinline)) uint64_t c_leaf(uint64_t n)
{
	for (int i = 0; i < 100; i++)
		n = n * 6364136223846793005ULL + 1442695040888963407ULL;
	return spun = n;
}

// Its frame is found by rbp, for all that compilers leave out elsewhere.
static __attribute__((noinline)) uint64_t c_call_back(uint64_t n)
{
	volatile char *room = __builtin_alloca(64 + n % 64);

	room[0] = 1;
	return c_leaf(n) + back(n) + room[0];
}

static __attribute__((noinline)) uint64_t c_nest(uint64_t n)
{
	return backAgain(n) + c_leaf(n);
}

static void *c_thread(void *unused)
{
	for (;;)
		threadBack();
	return unused;
}

static void c_start_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, 0, c_thread, 0);
}
*/
import "C"

//export back
func back(n C.uint64_t) C.uint64_t { return C.uint64_t(middle(uint64(n))) }

//export backAgain
func backAgain(n C.uint64_t) C.uint64_t { return C.c_call_back(n) }

//export threadBack
func threadBack() { sink += middle(sink) + uint64(grow(20)) }

//go:noinline
func pathC() {
	for {
		sink += uint64(C.c_leaf(C.uint64_t(sink)))
	}
}

//go:noinline
func pathBack() {
	for {
		sink += uint64(C.c_call_back(C.uint64_t(sink)))
	}
}

//go:noinline
func pathNest() {
	for {
		sink += uint64(C.c_nest(C.uint64_t(sink)))
	}
}

func startC() {
	go pathC()
	go pathBack()
	go pathNest()
	C.c_start_thread()
}
