// SPDX-License-Identifier: Apache-2.0
/* Ways to have a stack, each run once. For being stepped through, so it does little of each. */
#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#ifdef __GLIBC__
#include <ucontext.h>
#endif

#define NOINLINE __attribute__((noinline))

static volatile uint64_t sink;
static char big_memory[65536];

/* Said to who steps us; for everybody else an error. */
enum {
	SAY_STACK = 0x77690001, /* another stack, from here to there */
	SAY_LINKED =
		0x77690003, /* the same, whose first function has its caller on the stack left */
	SAY_SIGNAL = 0x77690002, /* signals of this number are welcome from now on; 0: no more */
};

static void announce(const void *start, size_t size)
{
	prctl(SAY_STACK, start, (const char *)start + size);
}

NOINLINE static void work(void)
{
	for (int i = 0; i < 3; i++)
		sink += (uint64_t)i * 7;
}

NOINLINE static void recurse(int depth)
{
	volatile char frame[40];

	frame[0] = (char)depth;
	if (depth)
		recurse(depth - 1);
	else
		work();
	sink += (uint64_t)frame[0];
}

NOINLINE static void with_alloca(size_t size)
{
	char *memory = alloca(size);

	memset(memory, 1, size);
	work();
	sink += (uint64_t)memory[size / 2];
}

NOINLINE static void with_big_frame(void)
{
	volatile char frame[20000];

	frame[0] = 1;
	work();
	sink += (uint64_t)frame[0];
}

/* Needs more alignment than a caller gives, and a variable part: found through memory only. */
NOINLINE static void realigned(size_t size)
{
	volatile char frame[64] __attribute__((aligned(64)));
	char *memory = alloca(size);

	frame[0] = 2;
	memory[0] = frame[0];
	work();
	sink += (uint64_t)frame[0] + (uint64_t)memory[0];
}

NOINLINE static void tail_callee(int x)
{
	sink += (uint64_t)x;
	work();
}

NOINLINE static void tail_caller(int x)
{
	tail_callee(x + 1);
}

static int by_value(const void *a, const void *b)
{
	work();
	return *(const int *)a - *(const int *)b;
}

NOINLINE static void sort(void)
{
	int values[] = { 5, 3, 9, 1, 7 };

	qsort(values, sizeof(values) / sizeof(*values), sizeof(*values), by_value);
	sink += (uint64_t)values[0];
}

/* Hand-written code of the C library. */
NOINLINE static void strings(void)
{
	char *a = big_memory, *b = big_memory + 4096;

	memset(a, 'x', 300);
	a[300] = 0;
	memcpy(b, a, 301);
	memmove(b + 5, b, 200);
	sink += strlen(a) + (uint64_t)strcmp(a, b) + (strchr(a, 'y') != NULL) +
		(memchr(b, 'z', 300) != NULL);
}

NOINLINE static void print(void)
{
	printf("%d %s %.3f\n", 42, "text", 1.5);
	free(malloc(100));
}

NOINLINE static void ask_the_time(void)
{
	struct timespec now;

	for (int i = 0; i < 3; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	sink += (uint64_t)time(NULL) + (uint64_t)now.tv_nsec;
}

static jmp_buf there;

NOINLINE static void jump(int depth)
{
	if (depth)
		jump(depth - 1);
	else
		longjmp(there, 1);
	sink++;
}

NOINLINE static void jump_back(void)
{
	if (!setjmp(there))
		jump(3);
	work();
}

static void on_signal(int number)
{
	sink += (uint64_t)number;
	work();
}

NOINLINE static void signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

/* The alternate stack is below the stack of the process, as memory of a program is. */
NOINLINE static void signals_on_another_stack(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_sp = big_memory, .ss_size = 16384 };

	announce(stack.ss_sp, stack.ss_size);
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
}

#ifdef __GLIBC__
static ucontext_t main_context, coroutine_context;

NOINLINE static void coroutine(void)
{
	for (int i = 0; i < 3; i++) {
		work();
		swapcontext(&coroutine_context, &main_context);
	}
}

NOINLINE static void coroutines(void)
{
	char *stack = big_memory + 32768;

	announce(stack, 16384);
	getcontext(&coroutine_context);
	coroutine_context.uc_stack.ss_sp = stack;
	coroutine_context.uc_stack.ss_size = 16384;
	coroutine_context.uc_link = &main_context;
	makecontext(&coroutine_context, coroutine, 0);
	for (int i = 0; i < 4; i++)
		swapcontext(&main_context, &coroutine_context);
}
#else
static void coroutines(void)
{
}
#endif

/* Calls @function on the stack that ends at @top, as code does that needs more of it. */
void call_on(void *top, void (*function)(void));
__asm__(".text\n"
	".type call_on, @function\n"
	"call_on:\n"
	"	.cfi_startproc\n"
	"	push %rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbp, -16\n"
	"	mov %rsp, %rbp\n"
	"	.cfi_def_cfa_register %rbp\n"
	"	mov %rdi, %rsp\n"
	"	call *%rsi\n"
	"	leave\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size call_on, . - call_on\n");

static char two_stacks[2][8192] __attribute__((aligned(16)));

/* From the lower one to the upper one, so that the callers are further down. */
NOINLINE static void on_the_upper_stack(void)
{
	recurse(1);
	sink++;
}

NOINLINE static void on_the_lower_stack(void)
{
	call_on(two_stacks[1] + sizeof(two_stacks[1]), on_the_upper_stack);
	sink++;
}

NOINLINE static void other_stacks(void)
{
	prctl(SAY_LINKED, two_stacks[0], two_stacks[0] + sizeof(two_stacks[0]));
	prctl(SAY_LINKED, two_stacks[1], two_stacks[1] + sizeof(two_stacks[1]));
	call_on(two_stacks[0] + sizeof(two_stacks[0]), on_the_lower_stack);
	sink++;
}

/* Signals come from outside, at any instruction. */
NOINLINE static void be_interrupted(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	prctl(SAY_SIGNAL, SIGUSR1);
	for (int i = 0; i < 5; i++) {
		recurse(2);
		realigned(24);
		sort();
		strings();
		print();
		ask_the_time();
		jump_back();
	}
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 5; i++) {
		recurse(2);
		with_alloca(100);
		print();
	}
	prctl(SAY_SIGNAL, 0);
}

int main(int argc, char **argv)
{
	(void)argv;
	recurse(5);
	with_alloca((size_t)argc * 100);
	with_big_frame();
	realigned((size_t)argc * 24);
	tail_caller(argc);
	sort();
	strings();
	print();
	ask_the_time();
	jump_back();
	signals();
	signals_on_another_stack();
	coroutines();
	other_stacks();
	if (argc > 1)
		be_interrupted();
	return 0;
}
