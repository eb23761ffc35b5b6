// SPDX-License-Identifier: Apache-2.0
/*
 * count_insns - preloaded into a program, it writes what each BPF program cost the verifier.
 *
 * A line "name instructions" for each one loaded goes to the file that $WICK_INSNS names. It asks
 * the kernel for statistics where the program did not ask for a log itself, so what is counted is
 * what the program really loads, as it configures it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOG_STATISTICS 4 /* BPF_LOG_STATS of the kernel */

typedef long syscall_function(long number, ...);

long syscall(long number, ...);

static void write_line(const char *name, const char *log)
{
	const char *path = getenv("WICK_INSNS");
	const char *counted = strstr(log, "processed ");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	if (counted)
		dprintf(fd, "%s %lu\n", name, strtoul(counted + strlen("processed "), NULL, 10));
	close(fd);
}

/* A program from an object file has its functions described; libbpf's probes have not. */
static int is_real_program(long number, const long *args)
{
	const union bpf_attr *attr = (const union bpf_attr *)args[1];

	return number == SYS_bpf && args[0] == BPF_PROG_LOAD &&
	       (size_t)args[2] >= offsetof(union bpf_attr, func_info_cnt) + sizeof(__u32) &&
	       attr->func_info_cnt && !attr->log_level;
}

static long load_counted(syscall_function *next, long *args)
{
	static char log[1 << 16];
	union bpf_attr *attr = (union bpf_attr *)args[1];
	long fd;
	int err;

	log[0] = '\0';
	attr->log_level = LOG_STATISTICS;
	attr->log_buf = (uintptr_t)log;
	attr->log_size = sizeof(log);
	fd = next(SYS_bpf, args[0], args[1], args[2]);
	err = errno;
	attr->log_level = 0;
	attr->log_buf = 0;
	attr->log_size = 0;
	if (fd >= 0)
		write_line(attr->prog_name, log);
	errno = err;
	return fd;
}

/* In place of libc's, through which libbpf makes its system calls. */
long syscall(long number, ...)
{
	syscall_function *next = (syscall_function *)dlsym(RTLD_NEXT, "syscall");
	long args[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	if (is_real_program(number, args))
		return load_counted(next, args);
	return next(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}
