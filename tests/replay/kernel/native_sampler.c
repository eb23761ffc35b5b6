// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/replay/kernel/address_space.h"
#include "tests/replay/kernel/native_sampler.h"
#include "tests/replay/kernel/replay_maps.h"

/* Its global functions have prototypes for nobody: they are so for the verifier's sake. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "bpf/sampler.bpf.c"

#include "agent/unwind_memory.h"
#include "agent/vdso.h"

enum {
	WORDS = 8 << 20, /* 64 MiB of unwind memory: libjvm's table and all others */
	MAX_FILES = 256,
	RECORD_BYTES = sizeof(struct abi_sample) + MAX_FRAMES * sizeof(__u64),
	FILES_DEVICE = 7,
	MAX_SWITCHES = 256, /* of stacks in a walk, of all kinds together */
};

/* A file as the kernel knows it, and its table. */
struct known_file {
	struct inode inode;
	struct file file;
	struct loaded_table table;
	struct unwind_table *compiled; /* owned; NULL if it was made by hand */
};

static struct {
	uint64_t *words;
	struct abi_rule *rules;
	struct unwind_memory *memory;
	struct unwind_table *vdso;
	struct known_file files[MAX_FILES];
	uint32_t file_count;
	struct native_mapping *mappings;
	uint32_t mapping_count;
	uint64_t start_stack;
	struct address_space space;
	native_reader *read;
	void *read_context;
} machine;

/* ---- the kernel's helpers ------------------------------------------------------------------------ */

static union {
	char bytes[RECORD_BYTES];
	struct abi_sample sample;
	struct abi_executable_event event;
} record;

static struct super_block all_files = { .s_dev = FILES_DEVICE };
static struct kernfs_node root_node = { .id = 1 };
static struct cgroup root_group = { .kn = &root_node };
static struct css_set groups = { .dfl_cgrp = &root_group };
static struct arch_registers kernel_registers; /* not of user mode: there are none of a user */
static struct task_struct task = { .mm = &machine.space.mm, .cgroups = &groups };

long replay_ring_output(const void *data, uint64_t size)
{
	if (size > sizeof(record))
		return -ENOSPC;
	memcpy(&record, data, size);
	return 0;
}

void *replay_ring_reserve(uint64_t size)
{
	return size > sizeof(record) ? NULL : &record;
}

/* As in the kernel, what cannot be read is zero. */
long bpf_probe_read_user(void *to, uint32_t size, const void *from)
{
	long err = machine.read(machine.read_context, to, size, (uint64_t)from);

	if (err)
		memset(to, 0, size);
	return err;
}

long bpf_probe_read_kernel(void *to, uint32_t size, const void *from)
{
	memcpy(to, from, size);
	return 0;
}

long bpf_probe_read_kernel_str(void *to, uint32_t size, const void *from)
{
	return snprintf(to, size, "%s", (const char *)from);
}

uint64_t bpf_ktime_get_ns(void)
{
	return 1;
}

uint32_t bpf_get_smp_processor_id(void)
{
	return 0;
}

uint64_t bpf_get_current_pid_tgid(void)
{
	return 1ULL << 32 | 1;
}

uint64_t bpf_get_current_cgroup_id(void)
{
	return root_node.id;
}

uint64_t bpf_get_current_task(void)
{
	return (uint64_t)&task;
}

void *bpf_get_current_task_btf(void)
{
	return &task;
}

long bpf_task_pt_regs(void *of)
{
	(void)of;
	return (long)&kernel_registers;
}

long bpf_get_current_comm(void *to, uint32_t size)
{
	memset(to, 0, size);
	return 0;
}

/* Ticks come in user mode. */
long bpf_get_stack(void *context, void *to, uint32_t size, uint64_t flags)
{
	(void)context, (void)to, (void)size, (void)flags;
	return -EFAULT;
}

/* ---- files and mappings ---------------------------------------------------------------------------- */

static uint64_t *open_words(void *context, uint32_t first, uint32_t count)
{
	(void)context, (void)count;
	return machine.words + first;
}

static void close_words(void *context, uint64_t *words, uint32_t first, uint32_t count)
{
	(void)context, (void)words, (void)first, (void)count;
}

/* The vDSO of this process is that of all. */
static int load_vdso(void)
{
	static const struct unwind_options options = { .follow_code = true };
	struct unwind_table *compiled = NULL;
	AUTO_FD fd = vdso_open();
	struct loaded_table loaded;
	__u32 zero = 0;
	int err;

	if (fd < 0)
		return fd;
	err = unwind_table_compile(&compiled, fd, &options);
	if (!err)
		err = unwind_memory_load(machine.memory, compiled, &loaded);
	machine.vdso = compiled;
	if (err)
		return err;
	bpf_map_update_elem(&vdso_table, &zero, &loaded.place, BPF_ANY);
	free(loaded.rules); /* held for good */
	return 0;
}

static int start(void)
{
	const struct unwind_words words = { .count = WORDS,
					    .open = open_words,
					    .close = close_words };
	int err;

	if (machine.memory)
		return 0;
	machine.words = calloc(WORDS, sizeof(*machine.words));
	machine.rules = calloc(ABI_MAX_RULES, sizeof(*machine.rules));
	if (!machine.words || !machine.rules)
		return -ENOMEM;
	replay_map_bind(REPLAY_MAP(&unwind_memory), machine.words, WORDS);
	replay_map_bind(REPLAY_MAP(&unwind_rules), machine.rules, ABI_MAX_RULES);
	err = unwind_memory_new(&machine.memory, &words, machine.rules);
	return err ? err : load_vdso();
}

/* What the agent tells the kernel side about a file when its table is loaded. */
static void announce(struct known_file *known)
{
	struct abi_file key = file_identity(&known->file);
	struct abi_executable executable = {
		.id = (__u32)(known - machine.files) + 1,
		.ready = 1,
		.table = known->table.place,
	};

	executable.table.check = ABI_FILE_CHECK(&key);
	bpf_map_update_elem(&executables, &key, &executable, BPF_ANY);
	tables_changed++;
}

int native_add_table(const struct unwind_table *table, uint32_t *ret_file)
{
	struct known_file *known = &machine.files[machine.file_count];
	int err = start();

	if (err || machine.file_count == MAX_FILES)
		return err ? err : -ENOSPC;
	err = unwind_memory_load(machine.memory, table, &known->table);
	if (err)
		return err;
	known->inode = (struct inode){
		.i_sb = &all_files,
		.i_ino = machine.file_count + 1,
		.i_size = 1LL << 40,
	};
	known->file.f_inode = &known->inode;
	announce(known);
	*ret_file = machine.file_count++;
	return 0;
}

int native_add_file(int fd, uint32_t *ret_file)
{
	static const struct unwind_options options = { .follow_code = true };
	AUTO(unwind_table) compiled = NULL;
	int err = unwind_table_compile(&compiled, fd, &options);

	if (!err)
		err = native_add_table(compiled, ret_file);
	if (!err)
		machine.files[*ret_file].compiled = take(compiled);
	return err;
}

static struct file *file_of(const struct native_mapping *mapping)
{
	return mapping->file < machine.file_count ? &machine.files[mapping->file].file : NULL;
}

void native_set_start_stack(uint64_t sp)
{
	machine.start_stack = sp;
}

int native_set_mappings(const struct native_mapping *mappings, uint32_t count)
{
	struct address_space *space = &machine.space;
	size_t bytes = count * sizeof(*mappings);

	address_space_clear(space);
	free(machine.mappings);
	machine.mappings = malloc(bytes);
	space->areas = calloc(count, sizeof(*space->areas));
	if (!machine.mappings || !space->areas)
		return -ENOMEM;
	memcpy(machine.mappings, mappings, bytes);
	machine.mapping_count = space->area_count = count;
	for (uint32_t i = 0; i < count; i++) {
		space->areas[i] = (struct vm_area_struct){
			.vm_start = mappings[i].start,
			.vm_end = mappings[i].end,
			.vm_mm = &space->mm,
			.vm_flags = mappings[i].is_executable ? VMA_EXECUTABLE : 0,
			.vm_pgoff = mappings[i].file_offset >> 12,
			.vm_file = file_of(&mappings[i]),
		};
		if (mappings[i].file == NATIVE_VDSO)
			space->mm.context.vdso = (void *)mappings[i].start;
	}
	space->mm.start_stack = machine.start_stack;
	return address_space_build(space);
}

/* ---- ticks ----------------------------------------------------------------------------------------- */

const struct abi_sample *native_tick(const struct user_regs_struct *registers, native_reader *read,
				     void *context)
{
	struct perf_tick tick = {};

	_Static_assert(sizeof(tick.regs) <= sizeof(*registers), "begin alike");
	memcpy(&tick.regs, registers, sizeof(tick.regs));
	machine.read = read;
	machine.read_context = context;
	record.sample.type = 0;
	on_tick(&tick);
	return record.sample.type == ABI_RECORD_SAMPLE ? &record.sample : NULL;
}

/* What is left of a walk went down from @was to @now. */
static bool is_nearer(const struct unwind *was, const struct unwind *now)
{
	if (now->switches != was->switches)
		return now->switches > was->switches && now->switches <= MAX_SWITCHES;
	return UNWIND_SP(now) > UNWIND_SP(was) ||
	       (UNWIND_SP(now) == UNWIND_SP(was) && was->is_leaf && !now->is_leaf);
}

/* After a tick, which leaves all but these as it is for the first frame of another in this process. */
bool native_walk_makes_progress(const struct user_regs_struct *registers, native_reader *read,
				void *context)
{
	struct tick *tick = this_tick();
	struct arch_registers regs;

	if (!native_tick(registers, read, context))
		return false;
	memcpy(&regs, registers, sizeof(regs));
	tick->unwind = (struct unwind){ .pc = regs.ip,
					.is_leaf = true,
					.known = (1 << ARCH_REGISTERS) - 1 };
	NUMBER_REGISTERS(tick->unwind.registers, &regs);
	tick->sample.stack.user_frames = 0;
	for (;;) {
		struct unwind was = tick->unwind;

		if (!walk_one_frame())
			return true;
		if (!is_nearer(&was, &tick->unwind))
			return false;
	}
}

struct native_caller native_step(const struct user_regs_struct *registers, native_reader *read,
				 void *context)
{
	const struct abi_sample *sample = native_tick(registers, read, context);
	struct unwind *at = &this_tick()->unwind;
	struct native_caller caller = {};
	__u64 fp, bx;

	if (!sample || sample->stack.user_frames != 1)
		return caller;
	caller.is_root = sample->stack.verdict == ABI_VERDICT_WHOLE;
	caller.is_found = !caller.is_root && at->pc != registers->rip;
	caller.pc = at->pc;
	caller.sp = UNWIND_SP(at);
	caller.fp_is_known = register_value(at, ARCH_REGISTER_FP, &fp);
	caller.bx_is_known = register_value(at, ARCH_REGISTER_BX, &bx);
	caller.fp = fp;
	caller.bx = bx;
	return caller;
}

static const struct native_mapping *mapping_of(uint64_t addr)
{
	for (uint32_t i = 0; i < machine.mapping_count; i++) {
		if (addr >= machine.mappings[i].start && addr < machine.mappings[i].end)
			return &machine.mappings[i];
	}
	return NULL;
}

const struct unwind_rule *native_rule_of(uint64_t addr)
{
	const struct native_mapping *mapping = mapping_of(addr);
	const struct unwind_table *table = NULL;

	if (mapping && mapping->file == NATIVE_VDSO)
		table = machine.vdso;
	else if (mapping && mapping->file < machine.file_count)
		table = machine.files[mapping->file].compiled;
	return table ? unwind_table_find(table, addr - mapping->start + mapping->file_offset)
		     : NULL;
}

uint64_t native_frame_word(uint64_t addr)
{
	const struct native_mapping *mapping = mapping_of(addr);

	if (mapping && mapping->file == NATIVE_VDSO)
		return ABI_FRAME_VDSO << ABI_FRAME_KIND_SHIFT | (addr - mapping->start);
	if (!mapping || mapping->file >= machine.file_count)
		return addr;
	return ABI_FRAME_FILE << ABI_FRAME_KIND_SHIFT |
	       (uint64_t)(mapping->file + 1) << ABI_FRAME_OFFSET_BITS |
	       (addr - mapping->start + mapping->file_offset);
}

void native_clear(void)
{
	while (machine.file_count) {
		struct known_file *known = &machine.files[--machine.file_count];

		unwind_memory_unload(machine.memory, &known->table);
		unwind_table_free(take(known->compiled));
	}
	for (int turn = 0; machine.memory && turn < 3; turn++)
		unwind_memory_turn(machine.memory);
	replay_map_empty(REPLAY_MAP(&executables));
	tables_changed++; /* ids are given again */
	address_space_clear(&machine.space);
	free(machine.mappings);
	machine.mappings = NULL;
	machine.mapping_count = 0;
}
