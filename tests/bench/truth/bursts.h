/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * bursts - a program that knows where its CPU time went.
 *
 * A path is a chain of functions with a name and a weight. run_bursts() takes paths in random order, each
 * for 0.3 to 3 ms, so that no sampling rate can keep step with them, and reads the thread's CPU clock
 * before and after. At the end it prints, as JSON, the seconds of each path, those of the process by
 * its own clock, and the frames that a stack of each path has.
 *
 * Frames, leaf first, joined by commas; alternatives by '|':
 *   name     this function              name*20  it calls itself: so many frames of it
 *   name#    with a digit for the '#'
 *   ~        frames of other files, or of no file, one at least (~1: exactly one; ~*: or none)
 *   ~~       first only: such frames on top of any of the others
 *   ^        last only: a thread's or coroutine's first function; else run_path() and main() follow
 * A sample may come before a function has called the next one, so the beginning up to any frame, as seen
 * from main, is right too.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct path {
	const char *name;
	unsigned int weight; /* of its time, among all paths */
	void (*run)(long units);
	const char *frames;
};

/* A function that is a frame whenever it runs: never inlined, cloned or specialized. */
#ifdef __clang__
#define FRAME __attribute__((noinline))
#else
#define FRAME __attribute__((noinline, noclone, noipa))
#endif

/* Behind a call, it keeps the call from becoming a jump. */
#define AFTER_CALL()   __asm__ volatile("" : : : "memory")
/* Keeps what @pointer points to in memory. */
#define TOUCH(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

/* Computes, @units long; calls nothing. */
void burn(long units);

/* CPU time of the calling thread. */
uint64_t thread_ns(void);

/* To be called by a path's run(): time that it spent in another thread. */
void bursts_add_ns(uint64_t ns);

/* Ends the program with what went wrong: its truth would not be one. */
void bursts_fail(const char *text) __attribute__((noreturn));

/*
 * main: paths SECONDS [NAME,NAME...] with the paths of the program, which the list may restrict.
 * Returns the exit status.
 */
int run_bursts(const struct path *paths, size_t count, int argc, char **argv);

#ifdef __cplusplus
}
#endif
