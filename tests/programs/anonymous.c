// SPDX-License-Identifier: Apache-2.0
/*
 * anonymous - main calls code in memory that no file backs, as a just-in-time compiler would.
 * That code keeps a frame pointer. Runs until killed, a minute at most.
 */
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the machine code below is for x86-64"
#endif

static const unsigned char spin[] = {
	0x55,             /* push %rbp */
	0x48, 0x89, 0xe5, /* mov %rsp,%rbp */
	0x48, 0xff, 0xc8, /* 1: dec %rax */
	0x75, 0xfb,       /* jnz 1b */
	0x5d,             /* pop %rbp */
	0xc3,             /* ret */
};

int main(void)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void (*volatile call)(void) = (void (*)(void))code;

	if (code == MAP_FAILED)
		return 1;
	memcpy(code, spin, sizeof(spin));
	alarm(60);
	call();
	return 0;
}
