// SPDX-License-Identifier: Apache-2.0
#include "tests/replay/dwfl_referee.h"

#include <elfutils/libdwfl.h>
#include <errno.h>

struct dwfl_referee {
	Dwfl *dwfl;
	pid_t pid;
	struct shadow_frame *frames;
	size_t count, limit;
};

/* No separate debug files: what the program itself carries is what is compared. */
static int find_no_debuginfo(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
			     const char *file, const char *link, GElf_Word check, char **ret)
{
	(void)module, (void)user, (void)name, (void)base;
	(void)file, (void)link, (void)check, (void)ret;
	return -1;
}

int dwfl_referee_new(struct dwfl_referee **out, pid_t pid)
{
	static const Dwfl_Callbacks callbacks = { .find_elf = dwfl_linux_proc_find_elf,
						  .find_debuginfo = find_no_debuginfo };
	AUTO(dwfl_referee) referee = calloc(1, sizeof(*referee));

	if (!referee)
		return -ENOMEM;
	referee->pid = pid;
	referee->dwfl = dwfl_begin(&callbacks);
	if (!referee->dwfl || dwfl_linux_proc_report(referee->dwfl, pid) ||
	    dwfl_report_end(referee->dwfl, NULL, NULL) ||
	    dwfl_linux_proc_attach(referee->dwfl, pid, true))
		return -EIO;
	*out = take(referee);
	return 0;
}

static int add_frame(Dwfl_Frame *frame, void *argument)
{
	struct dwfl_referee *referee = argument;
	Dwarf_Addr pc;
	bool is_exact;

	if (referee->count == referee->limit || !dwfl_frame_pc(frame, &pc, &is_exact))
		return DWARF_CB_ABORT;
	referee->frames[referee->count++] = (struct shadow_frame){ pc, is_exact };
	return DWARF_CB_OK;
}

size_t dwfl_referee_chain(struct dwfl_referee *referee, struct shadow_frame *ret_frames,
			  size_t limit)
{
	referee->frames = ret_frames;
	referee->count = 0;
	referee->limit = limit;
	dwfl_getthread_frames(referee->dwfl, referee->pid, add_frame, referee);
	return referee->count;
}

const char *dwfl_referee_name(struct dwfl_referee *referee, uint64_t pc)
{
	Dwfl_Module *module = dwfl_addrmodule(referee->dwfl, pc);
	const char *name = module ? dwfl_module_addrname(module, pc) : NULL;

	return name ? name : "?";
}

void dwfl_referee_free(struct dwfl_referee *referee)
{
	if (!referee)
		return;
	dwfl_end(referee->dwfl);
	free(referee);
}
