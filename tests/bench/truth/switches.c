// SPDX-License-Identifier: Apache-2.0
/*
 * switches SECONDS [NAME,...] - what the operating system makes of stacks: signals, system calls,
 * threads, other stacks, code that comes and goes. See bursts.h.
 */
#include "paths.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
	STACK_BYTES = 65536,
	PLUGINS = 8
};

/* ---- signals ------------------------------------------------------------------------------------ */
static long units_in_handler;

static void on_signal(int number)
{
	(void)number;
	burn(units_in_handler);
	AFTER_CALL();
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	if (sigaction(number, &action, NULL))
		bursts_fail("sigaction");
}

/* No frame of its own: the kernel leaves its red zone alone. */
static FRAME void send_signal(long process, long thread)
{
	long result = SYS_tgkill;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(process), "S"(thread), "d"((long)SIGUSR1)
			 : "rcx", "r11", "memory");
}

/* The handler has a stack of its own. */
static FRAME void path_altstack(long units)
{
	static char room[STACK_BYTES];
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };

	sigaltstack(&stack, NULL);
	handle(SIGUSR1, on_signal, SA_ONSTACK);
	units_in_handler = units;
	send_signal(getpid(), syscall(SYS_gettid));
	AFTER_CALL();
}

static void on_trap(int number, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;

	(void)number;
	(void)info;
	burn(units_in_handler);
	interrupted->uc_mcontext.gregs[REG_RIP] += 2; /* behind ud2 */
}

/* What is interrupted is the first instruction of a function: one byte back lies another one. */
static FRAME void path_trap(long units)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	if (sigaction(SIGILL, &action, NULL))
		bursts_fail("sigaction");
	units_in_handler = units;
	asm_trap_first();
	AFTER_CALL();
}

static FRAME uint64_t tiny_leaf(uint64_t x)
{
	return x * 6364136223846793005 + 1;
}

FRAME uint64_t tiny_middle(uint64_t x)
{
	uint64_t y = tiny_leaf(x);

	return y + tiny_leaf(x + y);
}

static void set_timer(long microseconds)
{
	struct itimerval timer = { { 0, microseconds }, { 0, microseconds } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Handlers that come at any instruction, prologues and epilogues among them. */
static FRAME void path_interrupted(long units)
{
	uint64_t x = 1;

	handle(SIGALRM, on_signal, SA_RESTART);
	units_in_handler = 30000;
	set_timer(200);
	for (long i = 0; i < units; i++)
		x = tiny_middle(x);
	set_timer(0);
	TOUCH(&x);
}

/* ... and in the middle of the C library. */
static FRAME void path_interrupted_libc(long units)
{
	static char from[4096], to[4096];
	char text[64];

	handle(SIGALRM, on_signal, SA_RESTART);
	units_in_handler = 30000;
	set_timer(200);
	for (long i = 0; i < units; i++) {
		memcpy(to, from, sizeof(to));
		TOUCH(to);
		snprintf(text, sizeof(text), "%ld %g", i, (double)i);
		TOUCH(text);
	}
	set_timer(0);
}

/* ---- the kernel ----------------------------------------------------------------------------------- */
static FRAME void path_vdso(long units)
{
	struct timespec time;

	for (long i = 0; i < units; i++)
		clock_gettime(CLOCK_MONOTONIC, &time);
}

static FRAME void path_getpid(long units)
{
	for (long i = 0; i < units; i++)
		syscall(SYS_getppid);
}

static FRAME void path_read(long units)
{
	static char bytes[65536];
	static int zero = -1;

	if (zero < 0)
		zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	for (long i = 0; i < units; i++) {
		if (read(zero, bytes, sizeof(bytes)) != sizeof(bytes))
			bursts_fail("/dev/zero");
	}
}

/* Page faults: the kernel is entered anywhere, without a call. */
static FRAME void path_fault(long units)
{
	enum {
		PAGES = 64,
		PAGE_BYTES = 4096
	};

	for (long i = 0; i < units; i++) {
		char *pages = mmap(NULL, (size_t)PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (pages == MAP_FAILED)
			bursts_fail("mmap");
		for (size_t page = 0; page < PAGES; page++)
			((volatile char *)pages)[page * PAGE_BYTES] = 1;
		munmap(pages, (size_t)PAGES * PAGE_BYTES);
	}
}

/* ---- other stacks --------------------------------------------------------------------------------- */
static uint64_t thread_spent_ns;

static FRAME void *thread_work(void *units)
{
	burn(*(long *)units);
	thread_spent_ns = thread_ns();
	return NULL;
}

static FRAME void path_thread(long units)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_work, &units))
		bursts_fail("pthread_create");
	pthread_join(thread, NULL);
	bursts_add_ns(thread_spent_ns);
}

#ifdef __GLIBC__
static ucontext_t resumer, coroutine;

static FRAME void coroutine_body(void)
{
	for (int i = 0; i < 10; i++) {
		burn(units_in_handler / 10);
		swapcontext(&coroutine, &resumer);
	}
}

static FRAME void path_coroutine(long units)
{
	static char room[STACK_BYTES];

	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = room;
	coroutine.uc_stack.ss_size = sizeof(room);
	coroutine.uc_link = &resumer;
	makecontext(&coroutine, coroutine_body, 0);
	units_in_handler = units;
	for (int i = 0; i < 10; i++)
		swapcontext(&resumer, &coroutine);
}
#endif

/* As coroutine libraries do it, without the kernel: the first function has no caller at all. */
static void *switch_from, *switch_to;

static FRAME void switch_body(void)
{
	for (;;) {
		burn(units_in_handler);
		asm_switch(&switch_to, &switch_from);
	}
}

static FRAME void path_asm_switch(long units)
{
	static uint64_t room[STACK_BYTES / 8] __attribute__((aligned(16)));
	enum {
		TOP = STACK_BYTES / 8 - 2,
		SAVED = 6
	};

	if (!switch_to) {
		room[TOP - 1] = (uint64_t)(uintptr_t)
			switch_body; /* room[TOP] is its return address: none */
		switch_to = &room[TOP - 1 - SAVED];
	}
	units_in_handler = units;
	asm_switch(&switch_from, &switch_to);
	AFTER_CALL();
}

/* ---- code that comes and goes --------------------------------------------------------------------- */
static FRAME void path_jit(long units)
{
	/* push %rbp; mov %rsp,%rbp; mov %rsi,%rax; call *%rax; pop %rbp; ret */
	static const unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x89,
					      0xf0, 0xff, 0xd0, 0x5d, 0xc3 };
	static void (*made)(long, void (*)(long));

	if (!made) {
		void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (page == MAP_FAILED)
			bursts_fail("mmap");
		memcpy(page, code, sizeof(code));
		memcpy(&made, &page, sizeof(made));
	}
	made(units, burn);
	AFTER_CALL();
}

#ifdef WITH_PLUGINS
/* The plugins lie beside the directory of this program's files: argv[0] may be gone. */
static FRAME void call_plugin(int number, long units)
{
	char name[sizeof(PLUGIN_PATH) + 16];
	void (*run)(void (*)(long), long);
	void *handle, *symbol;

	snprintf(name, sizeof(name), "%s%d.so", PLUGIN_PATH, number);
	handle = dlopen(name, RTLD_NOW);
	symbol = handle ? dlsym(handle, "churn") : NULL;
	if (!symbol)
		bursts_fail(dlerror());
	memcpy(&run, &symbol, sizeof(run));
	run(burn, units);
	dlclose(handle);
}

static FRAME void path_churn_same(long units)
{
	call_plugin(0, units);
	AFTER_CALL();
}

/* Files whose functions have frames of other sizes, one after the other at the same address. */
static FRAME void path_churn_other(long units)
{
	static int next;

	call_plugin(next++ % PLUGINS, units);
	AFTER_CALL();
}
#define CHURN(path) "burn,churn_#,churn,call_plugin," path "|~~,call_plugin," path
#endif

static const struct path paths[] = {
	{ "altstack", 3, path_altstack,
	  "burn,on_signal,~1,send_signal,path_altstack|~~,path_altstack" },
	{ "trap", 3, path_trap, "burn,on_trap,~1,asm_trap_first,path_trap|~~,path_trap" },
	{ "interrupted", 3, path_interrupted,
	  "burn,on_signal,~1,tiny_leaf,tiny_middle,path_interrupted|"
	  "burn,on_signal,~1,tiny_middle,path_interrupted|burn,on_signal,~,path_interrupted|"
	  "tiny_leaf,tiny_middle,path_interrupted|~1,tiny_leaf,tiny_middle,path_interrupted|"
	  "~1,tiny_middle,path_interrupted|~~,path_interrupted" },
	{ "interrupted_libc", 3, path_interrupted_libc,
	  "burn,on_signal,~,path_interrupted_libc|~~,path_interrupted_libc" },
	{ "vdso", 3, path_vdso, "~*,path_vdso" },
	{ "getpid", 2, path_getpid, "~*,path_getpid" },
	{ "read", 2, path_read, "~*,path_read" },
	{ "fault", 2, path_fault, "~*,path_fault" },
	{ "thread", 3, path_thread, "burn,thread_work,^|~~,thread_work,^|~~,path_thread" },
#ifdef __GLIBC__
	{ "coroutine", 3, path_coroutine,
	  "burn,coroutine_body,^|~~,coroutine_body,^|~~,path_coroutine" },
#endif
	{ "asm_switch", 3, path_asm_switch,
	  "burn,switch_body,^|asm_switch,switch_body,^|asm_switch,path_asm_switch" },
	{ "jit", 3, path_jit, "burn,~1,path_jit" },
#ifdef WITH_PLUGINS
	{ "churn_same", 3, path_churn_same, CHURN("path_churn_same") },
	{ "churn_other", 3, path_churn_other, CHURN("path_churn_other") },
#endif
};

int main(int argc, char **argv)
{
	int status = run_bursts(paths, sizeof(paths) / sizeof(*paths), argc, argv);

	AFTER_CALL();
	return status;
}
