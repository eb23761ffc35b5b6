// SPDX-License-Identifier: Apache-2.0
#include "tests/replay/tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/array.h"
#include "tests/replay/kernel/native_sampler.h"

enum {
	PAGE_BYTES = 4096,
	CACHED_PAGES = 256, /* direct-mapped by number */
	MAX_INSTRUCTION_BYTES = 16,
};

struct page {
	uint64_t number;
	uint64_t turn; /* in which it was read */
	bool is_constant;
	unsigned char bytes[PAGE_BYTES];
};

struct area {
	struct native_mapping place;
	bool is_writable;
	char *path;
};

struct known_path {
	char *path;
	uint32_t file;
};

struct tracee {
	pid_t pid;     /* of the thread that is followed */
	pid_t process; /* the first one */
	int signal;    /* to be delivered with the next step */
	bool is_changed;
	uint64_t turn;
	struct user_regs_struct registers;
	struct user_regs_struct interrupted; /* by the signal that was delivered last */
	struct area *areas;
	size_t area_count, area_capacity;
	struct known_path *paths;
	size_t path_count, path_capacity;
	struct page pages[CACHED_PAGES];
};

/* ---- memory ------------------------------------------------------------------------------------ */

static const struct area *area_of(const struct tracee *tracee, uint64_t addr)
{
	size_t low = 0, high = tracee->area_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tracee->areas[middle].place.end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == tracee->area_count || addr < tracee->areas[low].place.start)
		return NULL;
	return &tracee->areas[low];
}

/* The page is read again when the child has run, unless nobody can write to it. */
static const unsigned char *page_of(struct tracee *tracee, uint64_t number)
{
	struct page *page = &tracee->pages[number % CACHED_PAGES];
	struct iovec to = { page->bytes, PAGE_BYTES };
	struct iovec from = { (void *)(number * PAGE_BYTES), PAGE_BYTES };
	const struct area *area;

	if (page->number == number && page->turn &&
	    (page->is_constant || page->turn == tracee->turn))
		return page->bytes;
	page->turn = 0;
	area = area_of(tracee, number * PAGE_BYTES);
	if (!area || process_vm_readv(tracee->pid, &to, 1, &from, 1, 0) != PAGE_BYTES)
		return NULL;
	page->number = number;
	page->turn = tracee->turn;
	page->is_constant = !area->is_writable;
	return page->bytes;
}

long tracee_read(void *context, void *to, uint32_t size, uint64_t addr)
{
	struct tracee *tracee = context;
	unsigned char *out = to;

	while (size) {
		uint32_t in_page = addr % PAGE_BYTES;
		uint32_t part = size < PAGE_BYTES - in_page ? size : PAGE_BYTES - in_page;
		const unsigned char *page = page_of(tracee, addr / PAGE_BYTES);

		if (!page)
			return -EFAULT;
		memcpy(out, page + in_page, part);
		out += part;
		addr += part;
		size -= part;
	}
	return 0;
}

uint64_t tracee_word(struct tracee *tracee, uint64_t addr)
{
	uint64_t word = 0;

	return tracee_read(tracee, &word, sizeof(word), addr) ? 0 : word;
}

/* ---- mappings ---------------------------------------------------------------------------------- */

/* The number of the file at @path, whose table is made if it is new. */
static int file_number(struct tracee *tracee, const char *path, uint32_t *ret)
{
	AUTO_FD fd = -1;
	int err;

	for (size_t i = 0; i < tracee->path_count; i++) {
		if (!strcmp(tracee->paths[i].path, path)) {
			*ret = tracee->paths[i].file;
			return 0;
		}
	}
	err = array_grow(&tracee->paths, &tracee->path_capacity, tracee->path_count,
			 sizeof(*tracee->paths));
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = native_add_file(fd, ret);
	if (err)
		return err;
	tracee->paths[tracee->path_count++] = (struct known_path){ strdup(path), *ret };
	return 0;
}

static int add_area(struct tracee *tracee, const char *line)
{
	unsigned long start, end, offset;
	char flags[5];
	int at = 0, err;
	struct area *area;

	if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %n", &start, &end, flags, &offset, &at) < 4 ||
	    !at)
		return -EINVAL;
	err = array_grow(&tracee->areas, &tracee->area_capacity, tracee->area_count,
			 sizeof(*tracee->areas));
	if (err)
		return err;
	area = &tracee->areas[tracee->area_count];
	*area = (struct area){
		.place = { .start = start,
			   .end = end,
			   .file_offset = offset,
			   .file = NATIVE_NO_FILE,
			   .is_executable = flags[2] == 'x' },
		.is_writable = flags[1] == 'w',
		.path = strndup(line + at, strcspn(line + at, "\n")),
	};
	tracee->area_count++;
	if (!strcmp(area->path, "[vdso]"))
		area->place.file = NATIVE_VDSO;
	else if (area->path[0] == '/' && area->place.is_executable)
		return file_number(tracee, area->path, &area->place.file);
	return 0;
}

static void forget_areas(struct tracee *tracee)
{
	while (tracee->area_count)
		free(tracee->areas[--tracee->area_count].path);
	for (size_t i = 0; i < CACHED_PAGES; i++)
		tracee->pages[i].turn = 0;
}

static int give_mappings(const struct tracee *tracee)
{
	struct native_mapping *all = calloc(tracee->area_count + 1, sizeof(*all));
	int err = -ENOMEM;

	for (size_t i = 0; all && i < tracee->area_count; i++)
		all[i] = tracee->areas[i].place;
	if (all)
		err = native_set_mappings(all, (uint32_t)tracee->area_count);
	free(all);
	return err;
}

static int read_mappings(struct tracee *tracee)
{
	char path[32], line[512];
	FILE *maps;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", tracee->pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	forget_areas(tracee);
	while (!err && fgets(line, sizeof(line), maps))
		err = add_area(tracee, line);
	fclose(maps);
	tracee->is_changed = true;
	return err ? err : give_mappings(tracee);
}

bool tracee_mappings_changed(struct tracee *tracee)
{
	bool is_changed = tracee->is_changed;

	tracee->is_changed = false;
	return is_changed;
}

const char *tracee_file_of(const struct tracee *tracee, uint64_t addr, uint64_t *ret_offset)
{
	const struct area *area = area_of(tracee, addr);
	const char *slash = area ? strrchr(area->path, '/') : NULL;

	*ret_offset = area ? addr - area->place.start + area->place.file_offset : addr;
	return slash ? slash + 1 : area ? area->path : "";
}

/* ---- running ----------------------------------------------------------------------------------- */

/* Both on one CPU: to wake the other one takes four times as long as a step. */
static void share_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void run_child(char *const argv[])
{
	char locale[] = "LC_ALL=C";
	char *const environment[] = { locale, NULL };
	int nowhere = open("/dev/null", O_RDWR);

	dup2(nowhere, STDIN_FILENO);
	dup2(nowhere, STDOUT_FILENO);
	personality(ADDR_NO_RANDOMIZE);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execve(argv[0], argv, environment);
	_exit(127);
}

/* Waits for a stop; its status as waitpid() gives it, or 0 when the child has ended. */
static int wait_for_stop(struct tracee *tracee)
{
	int status;

	if (waitpid(tracee->pid, &status, __WALL) != tracee->pid || !WIFSTOPPED(status)) {
		tracee->pid = tracee->process == tracee->pid ? 0 : tracee->process;
		return 0;
	}
	tracee->turn++;
	if (ptrace(PTRACE_GETREGS, tracee->pid, NULL, &tracee->registers))
		return 0;
	return status >> 8;
}

/* Goes on with the new thread, which waits for us before its first instruction. */
static enum tracee_event follow_thread(struct tracee *tracee)
{
	unsigned long thread;

	if (ptrace(PTRACE_GETEVENTMSG, tracee->pid, NULL, &thread))
		return TRACEE_FAILED;
	tracee->pid = (pid_t)thread;
	if (!wait_for_stop(tracee) || read_mappings(tracee))
		return TRACEE_FAILED;
	return TRACEE_CLONED;
}

int tracee_start(struct tracee **out, char *const argv[])
{
	AUTO(tracee) tracee = calloc(1, sizeof(*tracee));
	int err;

	if (!tracee)
		return -ENOMEM;
	share_cpu();
	fflush(stdout);
	tracee->pid = fork();
	if (!tracee->pid)
		run_child(argv);
	if (tracee->pid < 0)
		return -errno;
	if (wait_for_stop(tracee) != SIGTRAP)
		return -ECHILD;
	tracee->process = tracee->pid;
	ptrace(PTRACE_SETOPTIONS, tracee->pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE);
	native_set_start_stack(tracee->registers.rsp);
	err = read_mappings(tracee);
	if (!err)
		*out = take(tracee);
	return err;
}

enum tracee_instruction tracee_instruction(struct tracee *tracee)
{
	static const unsigned char prefixes[] = { 0x66, 0xf2, 0xf3, 0x2e, 0x36,
						  0x3e, 0x26, 0x64, 0x65, 0x67 };
	unsigned char code[MAX_INSTRUCTION_BYTES] = {};
	size_t at = 0;

	for (uint32_t i = 0; i < sizeof(code); i++) {
		if (tracee_read(tracee, &code[i], 1, tracee->registers.rip + i))
			break;
	}
	while (at < sizeof(code) - 2 && memchr(prefixes, code[at], sizeof(prefixes)))
		at++;
	if ((code[at] & 0xf0) == 0x40) /* REX */
		at++;
	if (code[at] == 0xe8 || (code[at] == 0xff && (code[at + 1] >> 3 & 7) == 2))
		return TRACEE_CALL;
	if (code[at] == 0xc3 || code[at] == 0xc2)
		return TRACEE_RETURN;
	if (code[at] == 0x0f && code[at + 1] == 0x05)
		return TRACEE_SYSCALL;
	return TRACEE_OTHER;
}

static bool changes_mappings(uint64_t number)
{
	switch (number) {
	case SYS_mmap:
	case SYS_mprotect:
	case SYS_munmap:
	case SYS_brk:
	case SYS_mremap:
	case SYS_execve:
		return true;
	default:
		return false;
	}
}

/* A stop with a signal comes before its delivery, and is no step of its own. */
enum tracee_event tracee_step(struct tracee *tracee)
{
	bool is_change = tracee_instruction(tracee) == TRACEE_SYSCALL &&
			 changes_mappings(tracee->registers.rax);

	for (;;) {
		int delivered = tracee->signal;
		int stop;

		tracee->signal = 0;
		tracee->interrupted = tracee->registers;
		if (ptrace(PTRACE_SINGLESTEP, tracee->pid, NULL, delivered))
			return TRACEE_FAILED;
		stop = wait_for_stop(tracee);
		if (!stop)
			return TRACEE_EXITED;
		if (stop == (SIGTRAP | PTRACE_EVENT_CLONE << 8))
			return follow_thread(tracee);
		if (stop != SIGTRAP) {
			tracee->signal = stop;
			continue;
		}
		is_change |= !area_of(tracee, tracee->registers.rsp); /* the stack has grown */
		if (is_change && read_mappings(tracee))
			return TRACEE_FAILED;
		return delivered ? TRACEE_SIGNALED : TRACEE_STEPPED;
	}
}

void tracee_interrupt(struct tracee *tracee, int number)
{
	tracee->signal = number;
}

const struct user_regs_struct *tracee_registers(const struct tracee *tracee)
{
	return &tracee->registers;
}

const struct user_regs_struct *tracee_interrupted(const struct tracee *tracee)
{
	return &tracee->interrupted;
}

pid_t tracee_pid(const struct tracee *tracee)
{
	return tracee->pid;
}

void tracee_free(struct tracee *tracee)
{
	if (!tracee)
		return;
	if (tracee->pid > 0) {
		kill(tracee->process, SIGKILL);
		waitpid(tracee->process, NULL, __WALL);
	}
	forget_areas(tracee);
	while (tracee->path_count)
		free(tracee->paths[--tracee->path_count].path);
	free(tracee->areas);
	free(tracee->paths);
	free(tracee);
	native_clear();
}
