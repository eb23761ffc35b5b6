// SPDX-License-Identifier: Apache-2.0
/* paths SECONDS [NAME,...] - what C compilers make of stacks; see bursts.h. */
#include "paths.h"

#include <alloca.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/* ---- ordinary frames --------------------------------------------------------------------------- */
static FRAME void plain_inner(long units)
{
	burn(units);
	AFTER_CALL();
}

static FRAME void path_plain(long units)
{
	plain_inner(units);
	AFTER_CALL();
}

/* So short that many samples fall into prologues and epilogues. */
static FRAME uint64_t tiny_leaf(uint64_t x)
{
	return x * 6364136223846793005 + 1;
}

FRAME uint64_t tiny_middle(uint64_t x)
{
	uint64_t y = tiny_leaf(x);

	return y + tiny_leaf(x + y);
}

static FRAME void path_calls(long units)
{
	uint64_t x = 1;

	for (long i = 0; i < units; i++)
		x = tiny_middle(x);
	TOUCH(&x);
}

/* ---- frames whose size is not a constant, or is large, or aligned ------------------------------- */
static FRAME void alloca_inner(long units)
{
	char *room = alloca(64 + (size_t)units % 4000);

	TOUCH(room);
	burn(units);
	TOUCH(room);
}

static FRAME void path_alloca(long units)
{
	alloca_inner(units);
	AFTER_CALL();
}

static FRAME void frame20k_inner(long units)
{
	char room[20000];

	TOUCH(room);
	burn(units);
	TOUCH(room);
}

static FRAME void path_frame20k(long units)
{
	frame20k_inner(units);
	AFTER_CALL();
}

static FRAME void realign_inner(long units)
{
	_Alignas(64) char room[192];

	TOUCH(room);
	burn(units);
	TOUCH(room);
}

static FRAME void path_realign(long units)
{
	realign_inner(units);
	AFTER_CALL();
}

/* Arguments on the stack as well: gcc then keeps where they are in a register of its own. */
static FRAME void realign_alloca_inner(long units, long b, long c, long d, long e, long f, long g)
{
	_Alignas(64) char room[192];
	char *more = alloca(16 + (size_t)(b + c + d + e + f + g) % 512);

	TOUCH(room);
	TOUCH(more);
	burn(units + g - g);
	TOUCH(room);
}

static FRAME void path_realign_alloca(long units)
{
	realign_alloca_inner(units, units, 2, 3, 4, 5, units / 3);
	AFTER_CALL();
}

/* ---- recursion --------------------------------------------------------------------------------- */
static FRAME void recurse(long depth, long units)
{
	if (depth > 1)
		recurse(depth - 1, units);
	else
		burn(units);
	AFTER_CALL();
}

#define RECURSION(depth)                                  \
	static FRAME void path_recurse##depth(long units) \
	{                                                 \
		recurse(depth, units);                    \
		AFTER_CALL();                             \
	}
RECURSION(20)
RECURSION(110)
RECURSION(300)
RECURSION(400)

/* ---- calls that are none, and calls that do not return ------------------------------------------ */
static FRAME void tail_first(long units);

static FRAME void tail_second(long units)
{
	/* A call would return into tail_first, which is nothing but a jump. */
	if ((uintptr_t)__builtin_return_address(0) - (uintptr_t)tail_first < 16)
		bursts_fail("the compiler made a call of a tail call");
	burn(units);
	AFTER_CALL();
}

static FRAME void tail_first(long units)
{
	tail_second(units + 1);
}

static FRAME void path_tail(long units)
{
	tail_first(units);
	AFTER_CALL();
}

static jmp_buf back;

static FRAME void jump_deep(long units)
{
	burn(units);
	longjmp(back, 1);
}

static FRAME void jump_middle(long units)
{
	jump_deep(units);
	AFTER_CALL();
}

/* A thousand jumps in a burst: setjmp and longjmp themselves are sampled. */
static FRAME void path_longjmp(long units)
{
	for (volatile long i = 0; i < units; i++) {
		if (!setjmp(back))
			jump_middle(20);
	}
}

/* Its call is its last instruction: the return address belongs to whatever comes next. */
static __attribute__((noreturn)) FRAME void leave(long units)
{
	burn(units);
	longjmp(back, 1);
}

static FRAME void noreturn_inner(long units)
{
	leave(units);
}

static FRAME void path_noreturn(long units)
{
	if (!setjmp(back))
		noreturn_inner(units);
}

/* The unlikely part of a function lies elsewhere, and begins with a frame. */
static __attribute__((cold)) FRAME void unlikely(long units)
{
	burn(units);
	AFTER_CALL();
}

static FRAME void cold_inner(long units, long is_likely)
{
	char room[100];

	TOUCH(room);
	if (__builtin_expect(is_likely, 1)) {
		TOUCH(room);
		return;
	}
	unlikely(units);
	TOUCH(room);
}

static FRAME void path_cold(long units)
{
	cold_inner(units, 0);
	AFTER_CALL();
}

/* ---- library functions -------------------------------------------------------------------------- */
static FRAME void path_plt(long units)
{
	uint64_t x = 1;

	for (long i = 0; i < units; i++)
		x = library_tiny(x);
	TOUCH(&x);
}

static FRAME void path_library(long units)
{
	library_call(burn, units);
	AFTER_CALL();
}

static FRAME void path_memory(long units)
{
	static char from[4096], to[4096];

	for (long i = 0; i < units; i++) {
		memcpy(to, from, sizeof(to) - (size_t)i % 512);
		memset(from, (int)i, sizeof(from) - (size_t)i % 1024);
		TOUCH(to);
	}
}

static FRAME void path_print(long units)
{
	char text[100];

	for (long i = 0; i < units; i++) {
		snprintf(text, sizeof(text), "%ld %.17g %s", i, (double)i / 7, "text");
		TOUCH(text);
	}
}

static FRAME int compare(const void *a, const void *b)
{
	burn(20);
	return *(const int *)a - *(const int *)b;
}

static FRAME void path_qsort(long units)
{
	int items[64];

	for (long i = 0; i < units; i++) {
		for (int k = 0; k < 64; k++)
			items[k] = (int)((k * 2654435761U + (unsigned int)i) % 1000);
		qsort(items, 64, sizeof(*items), compare);
	}
}

/* ---- assembler ---------------------------------------------------------------------------------- */
static FRAME void path_asm_cfi(long units)
{
	asm_cfi_call(burn, units);
	AFTER_CALL();
}

static FRAME void path_asm_fp(long units)
{
	asm_fp_call(burn, units);
	AFTER_CALL();
}

static FRAME void path_asm_leaf(long units)
{
	asm_spin(units);
	AFTER_CALL();
}

static const struct path paths[] = {
	{ "plain", 4, path_plain, "burn,plain_inner,path_plain" },
	{ "calls", 4, path_calls, "tiny_leaf,tiny_middle,path_calls" },
	{ "alloca", 2, path_alloca, "burn,alloca_inner,path_alloca" },
	{ "frame20k", 2, path_frame20k, "burn,frame20k_inner,path_frame20k" },
	{ "realign", 2, path_realign, "burn,realign_inner,path_realign" },
	{ "realign_alloca", 2, path_realign_alloca,
	  "burn,realign_alloca_inner,path_realign_alloca" },
	{ "recurse20", 2, path_recurse20, "burn,recurse*20,path_recurse20" },
	{ "recurse110", 2, path_recurse110, "burn,recurse*110,path_recurse110" },
	{ "recurse300", 2, path_recurse300, "burn,recurse*300,path_recurse300" },
	{ "recurse400", 2, path_recurse400, "burn,recurse*400,path_recurse400" },
	{ "tail", 3, path_tail, "burn,tail_second,path_tail" },
	{ "longjmp", 3, path_longjmp, "~~,burn,jump_deep,jump_middle,path_longjmp" },
	{ "noreturn", 2, path_noreturn, "~~,burn,leave,noreturn_inner,path_noreturn" },
	{ "cold", 2, path_cold, "burn,unlikely,cold_inner,path_cold" },
	{ "plt", 3, path_plt, "library_tiny,path_plt|~~,path_plt" },
	{ "library", 2, path_library, "burn,library_call,path_library" },
	{ "memory", 2, path_memory, "~*,path_memory" },
	{ "print", 2, path_print, "~*,path_print" },
	{ "qsort", 3, path_qsort, "burn,compare,~,path_qsort" },
	{ "asm_cfi", 2, path_asm_cfi, "burn,asm_cfi_call,path_asm_cfi" },
	{ "asm_fp", 2, path_asm_fp, "burn,asm_fp_call,path_asm_fp" },
	{ "asm_leaf", 2, path_asm_leaf, "asm_spin,path_asm_leaf" },
};

int main(int argc, char **argv)
{
	int status = run_bursts(paths, sizeof(paths) / sizeof(*paths), argc, argv);

	AFTER_CALL();
	return status;
}
