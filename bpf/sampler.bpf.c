// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * sampler - what runs on every timer tick of every CPU.
 *
 * A tick becomes a record in the ring: who ran, the kernel's stack, and the user's stack as places
 * in files. It takes no lock, waits for nothing, and keeps nothing about processes.
 */
#include "bpf/abi.h"
#include "bpf/kernel.h"
#include "bpf/counters.bpf.h"
#include "bpf/ring.bpf.h"
#include "bpf/vma.bpf.h"
#include "bpf/executable.bpf.h"
#include "bpf/code_cache.bpf.h"
#include "bpf/raw_stack.bpf.h"
#include "bpf/rules.bpf.h"
#include "bpf/rule_cache.bpf.h"
#include "bpf/self_test.bpf.h"
#include "bpf/target.bpf.h"
#include "bpf/unwind.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 max_user_frames = 512; /* set before load, at most ABI_MAX_USER_FRAMES */

#define MAX_FRAMES (ABI_MAX_KERNEL_FRAMES + ABI_MAX_USER_FRAMES)

/* What perf hands to the program (struct bpf_perf_event_data, with our name for the registers). */
struct perf_tick {
	struct arch_registers regs;
	__u64 sample_period;
	__u64 addr;
};

#define CODES 4 /* mappings that a tick remembers: most stacks go back and forth among so many */

/* One tick in the making. The record is sample and as many frames as there are. */
struct tick {
	struct vma vma;                   /* of find_code(), which has no stack to spare, */
	struct abi_executable executable; /* nor for this */
	struct arch_registers saved;      /* of the user, for a tick that hit kernel code */
	struct mm_struct *mm;
	struct code_key key; /* of mm */
	__u32 codes_found;
	__u32 code; /* index of the current frame's */
	struct code codes[CODES];
	struct unwind unwind;
	struct abi_sample sample;
	__u64 frames[MAX_FRAMES]; /* those of sample.stack */
};
_Static_assert(__builtin_offsetof(struct tick, frames) ==
		       __builtin_offsetof(struct tick, sample) + sizeof(struct abi_sample),
	       "no gap between header and frames");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct tick);
	__uint(max_entries, 1);
} ticks SEC(".maps");

static long read_user(void *to, __u32 size, __u64 addr)
{
	return bpf_probe_read_user(to, size, (void *)addr);
}

/* Notes what is known of the file of tick->vma: its frame word, its table. True if that is to last. */
static __always_inline bool note_file(struct tick *tick, struct code *code)
{
	if (!executable_of_vma(&tick->vma, SEEN_BY_TICK, &tick->executable) ||
	    tick->vma.file_offset >> ABI_FRAME_OFFSET_BITS) {
		code->word = ABI_FRAME_UNKNOWN << ABI_FRAME_KIND_SHIFT | tick->vma.start;
		code->table.page_count = 0;
		return false;
	}
	code->word = ABI_FRAME_FILE << ABI_FRAME_KIND_SHIFT |
		     (__u64)tick->executable.id << ABI_FRAME_OFFSET_BITS | tick->vma.file_offset;
	code->table = tick->executable.table;
	if (tick->executable.ready != ABI_READY_YES)
		tick->sample.stack.flags |= ABI_STACK_PENDING;
	return tick->executable.ready == ABI_READY_YES;
}

/* The same for code that no file backs: the vDSO, or made at run time. */
static __always_inline bool note_memory(struct tick *tick, struct code *code)
{
	struct mm_struct *mm = tick->mm;
	struct abi_unwind_table *table;
	__u32 zero = 0;

	code->word = tick->vma.start;
	code->table.page_count = 0;
	if ((__u64)BPF_CORE_READ(mm, context.vdso) != tick->vma.start)
		return true;
	code->word = ABI_FRAME_VDSO << ABI_FRAME_KIND_SHIFT;
	table = bpf_map_lookup_elem(&vdso_table, &zero);
	if (table)
		code->table = *table;
	return true;
}

static __always_inline struct tick *this_tick(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ticks, &zero);
}

static __always_inline struct code *current_code(struct tick *tick)
{
	return &tick->codes[tick->code & (CODES - 1)];
}

/* For all that is known, any address is in one mapping that holds code. */
static __always_inline bool note_raw_address(struct tick *tick, __u64 addr)
{
	tick->code = 0;
	tick->codes[0] = (struct code){
		.end = RAW_ADDRESS_END,
		.word = ABI_FRAME_ADDRESS << ABI_FRAME_KIND_SHIFT,
	};
	return addr < RAW_ADDRESS_END;
}

/* The mapping of @addr into @code, by way of the kernel's tree; false if there is none that holds code. */
static __always_inline bool look_up_code(struct tick *tick, __u64 addr, struct code *code)
{
	if (!vma_find(tick->mm, addr, &tick->vma) || !(tick->vma.flags & VMA_EXECUTABLE))
		return false;
	code->start = tick->vma.start;
	code->end = tick->vma.end;
	if (tick->vma.file ? note_file(tick, code) : note_memory(tick, code))
		code_cache_add(&tick->key, addr, code, tick->vma.file);
	return true;
}

/*
 * Makes the mapping of @addr the current one; false if there is none, or none that holds code.
 *
 * Not static, like walk_one_frame(): so the verifier looks at it once, and not again at each call in
 * each turn of a loop. Before 5.13 such functions take numbers only, hence this_tick().
 */
__noinline int find_code(__u64 addr)
{
	struct tick *tick = this_tick();
	struct code *code;

	if (!tick)
		return false;
	if (!reads_mappings)
		return note_raw_address(tick, addr);
	for (__u32 i = 0; i < CODES; i++) {
		if (code_holds(&tick->codes[i], addr)) {
			tick->code = i;
			return true;
		}
	}
	code = &tick->codes[tick->codes_found & (CODES - 1)];
	if (!code_cache_find(&tick->key, addr, code) && !look_up_code(tick, addr, code))
		return false;
	tick->code = tick->codes_found++;
	return true;
}

/* The frame word of an address in @code. */
static __always_inline __u64 word_of(const struct code *code, __u64 addr)
{
	return code->word + (addr - code->start);
}

/* Adds the current frame; false if its address is not code, so that it cannot be a frame. */
static __always_inline bool add_user_frame(struct tick *tick)
{
	__u64 addr = tick->unwind.pc - !tick->unwind.is_leaf;
	__u32 at = tick->sample.stack.kernel_frames + tick->sample.stack.user_frames;
	__u64 word;

	if (code_holds(current_code(tick), addr) || find_code(addr))
		word = word_of(current_code(tick), addr);
	else if (tick->unwind.is_leaf)
		word = addr & ((1ULL << ABI_FRAME_KIND_SHIFT) - 1);
	else
		return false;
	if (at >= MAX_FRAMES)
		return false;
	tick->frames[at] = word;
	tick->sample.stack.user_frames++;
	return true;
}

/* The rule at @addr, as rule_cache_find() returns it; it may be in no code, or not in the current one. */
static __always_inline __u32 rule_at(struct tick *tick, __u64 addr)
{
	struct code *code = current_code(tick);

	if (!code_holds(code, addr) || !code->table.page_count)
		return ABI_RULE_NONE;
	return rule_cache_find(&code->table, tick->key.tables, word_of(code, addr));
}

/*
 * Where the thread's variables are: asked for by the rules of Go's stack switches only. The kernel
 * keeps it when a thread sets it by arch_prctl or is made with it, which is how C libraries and Go
 * do it; of one that has set it by an instruction alone (FSGSBASE) it is as of its last switch.
 */
static __always_inline void note_thread_pointer(struct tick *tick)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (!tick->unwind.thread_pointer)
		tick->unwind.thread_pointer = BPF_CORE_READ(task, thread.fsbase);
}

static __always_inline enum unwind_step step_without_rule(struct tick *tick)
{
	struct mm_struct *mm = tick->mm;
	struct unwind_offer offer;
	enum unwind_step step;

	if (tick->unwind.is_leaf && unwind_leaf_without_frame(&tick->unwind, &offer) &&
	    (reads_mappings ? find_code(offer.pc - 1) : raw_is_return_address(offer.pc))) {
		unwind_accept(&tick->unwind, &offer);
		return UNWIND_CALLER;
	}
	if (!tick->unwind.is_leaf && unwind_is_signal_return(&tick->unwind))
		return unwind_signal(&tick->unwind);
	/* No call returns to the first byte of a function: makecontext() ends a stack so. */
	if (!tick->unwind.is_leaf && rule_at(tick, tick->unwind.pc))
		return UNWIND_ROOT;
	step = unwind_frame_pointer(&tick->unwind);
	/* Where a process begins there is often neither rule nor frame, as in the dynamic loader. */
	if (reads_mappings && step != UNWIND_CALLER &&
	    UNWIND_SP(&tick->unwind) == BPF_CORE_READ(mm, start_stack))
		return UNWIND_ROOT;
	return step;
}

static __always_inline enum unwind_step step(struct tick *tick)
{
	__u32 number = rule_at(tick, tick->unwind.pc - !tick->unwind.is_leaf);
	const struct abi_rule *rule;

	if (number & ABI_COMPACT_RULE)
		return unwind_by_compact_rule(&tick->unwind, number);
	rule = number ? bpf_map_lookup_elem(&unwind_rules, &number) : NULL;
	if (rule && rule->cfa == ABI_CFA_GO)
		note_thread_pointer(tick);
	return rule ? unwind_by_rule(&tick->unwind, rule) : step_without_rule(tick);
}

/* Goes to the caller; false, with the verdict, when the stack ends here. */
static __always_inline bool step_to_caller(struct tick *tick)
{
	switch (step(tick)) {
	case UNWIND_CALLER:
		return true;
	case UNWIND_ROOT:
		tick->sample.stack.verdict = ABI_VERDICT_WHOLE;
		return false;
	case UNWIND_END:
		tick->sample.stack.verdict = ABI_VERDICT_CHAIN_END;
		return false;
	case UNWIND_UNREADABLE:
		tick->sample.stack.verdict = ABI_VERDICT_UNREADABLE;
		return false;
	default:
		tick->sample.stack.verdict = ABI_VERDICT_NO_UNWIND_INFO;
		return false;
	}
}

/* Adds the current frame and goes to its caller; false when the stack ends here. */
__noinline int walk_one_frame(void)
{
	struct tick *tick = this_tick();

	if (!tick)
		return false;
	if (!add_user_frame(tick)) {
		tick->sample.stack.verdict = ABI_VERDICT_NO_UNWIND_INFO;
		return false;
	}
	return step_to_caller(tick);
}

/* The registers by their numbers. A macro, since context and memory are read by different means. */
#define NUMBER_REGISTERS(to, regs)                              \
	do {                                                    \
		(to)[0] = (regs)->ax, (to)[1] = (regs)->dx;     \
		(to)[2] = (regs)->cx, (to)[3] = (regs)->bx;     \
		(to)[4] = (regs)->si, (to)[5] = (regs)->di;     \
		(to)[6] = (regs)->bp, (to)[7] = (regs)->sp;     \
		(to)[8] = (regs)->r8, (to)[9] = (regs)->r9;     \
		(to)[10] = (regs)->r10, (to)[11] = (regs)->r11; \
		(to)[12] = (regs)->r12, (to)[13] = (regs)->r13; \
		(to)[14] = (regs)->r14, (to)[15] = (regs)->r15; \
	} while (0)

/* Where the current task's user registers were saved when it entered the kernel. */
static __always_inline __u64 saved_registers(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return bpf_task_pt_regs(bpf_get_current_task_btf());
	return arch_saved_registers((__u64)BPF_CORE_READ(task, stack));
}

/* User registers of a tick that hit kernel code. */
static __always_inline bool read_saved_registers(struct tick *tick)
{
	__u64 saved = saved_registers();

	return !bpf_probe_read_kernel(&tick->saved, sizeof(tick->saved), (void *)saved) &&
	       arch_in_user_mode(&tick->saved);
}

/* What was found of the mappings of another tick says nothing of this one. */
static __always_inline void forget_codes(struct tick *tick)
{
	if (reads_mappings)
		tick->key = code_cache_key(tick->mm);
	tick->codes_found = 0;
	for (__u32 i = 0; i < CODES; i++)
		tick->codes[i].end = 0;
}

/* How much of a user stack there is. */
enum user_stack {
	USER_STACK_NONE,
	USER_STACK_ALL,
	USER_STACK_COMPAT, /* 32-bit code: its leaf alone */
	USER_STACK_NEW,    /* of a thread that has not run yet: there are no callers */
};

static __always_inline void walk_user_stack(struct tick *tick, enum user_stack kind)
{
	bool may_be_new = arch_may_be_new(tick->unwind.pc, tick->unwind.registers);

	tick->unwind.is_leaf = true;
	tick->unwind.known = (1 << ARCH_REGISTERS) - 1;
	tick->unwind.is_saved = 0;
	tick->unwind.switches = 0;
	tick->unwind.thread_pointer = 0;
	forget_codes(tick);
	tick->sample.stack.verdict = ABI_VERDICT_DEPTH_LIMIT;
	/* Not bpf_loop(), which came with 5.17. A turn is a few instructions to the verifier. */
	for (__u32 i = 0; i < max_user_frames && !(kind != USER_STACK_ALL && i); i++) {
		if (!walk_one_frame())
			break;
	}
	if (kind == USER_STACK_COMPAT)
		tick->sample.stack.verdict = ABI_VERDICT_COMPAT;
	/* Anything else that is behind a system call has a caller. */
	if (kind == USER_STACK_NEW || (may_be_new && tick->sample.stack.user_frames == 1))
		tick->sample.stack.verdict = ABI_VERDICT_WHOLE;
}

/*
 * In the middle of exec: what the registers say is of the program that was, whose memory is gone. The new one
 * has not begun, so that all there is is the kernel's stack.
 */
static __always_inline bool program_is_gone(struct tick *tick)
{
	struct mm_struct *mm = tick->mm;

	if (!arch_is_exec(&tick->saved))
		return false;
	forget_codes(tick);
	return !BPF_CORE_READ(mm, start_code) || !find_code(tick->saved.ip);
}

/* A thread on its way out of clone() or clone3(), with a stack of its own: there is no return address on it. */
static __always_inline bool thread_is_new(const struct arch_registers *regs)
{
	__u64 stack = 0;

	if (regs->ax)
		return false;
	if (regs->orig_ax == ARCH_CLONE)
		return regs->si;
	return regs->orig_ax == ARCH_CLONE3 &&
	       !read_user(&stack, sizeof(stack), regs->di + ARCH_CLONE3_STACK) && stack;
}

/*
 * The instruction that entered the kernel. The saved program counter stands behind that of a system call, which
 * may be the last one of its function.
 */
static __always_inline __u64 entering_instruction(const struct arch_registers *regs)
{
	__u64 before = regs->ip - ARCH_SYSCALL_BYTES;
	__u16 code = 0;

	if (!arch_is_system_call(regs) || read_user(&code, sizeof(code), before))
		return regs->ip;
	return code == ARCH_SYSCALL_CODE ? before : regs->ip;
}

/*
 * User registers of a tick that hit kernel code into tick->unwind; returns enum user_stack. A function of its
 * own like find_code(), so that no pointer is one to the context here and one to the map there.
 */
__noinline int enter_from_kernel(void)
{
	struct tick *tick = this_tick();

	if (!tick || !read_saved_registers(tick) || program_is_gone(tick))
		return USER_STACK_NONE;
	tick->unwind.pc = entering_instruction(&tick->saved);
	NUMBER_REGISTERS(tick->unwind.registers, &tick->saved);
	if (arch_is_compat(&tick->saved))
		return USER_STACK_COMPAT;
	return thread_is_new(&tick->saved) ? USER_STACK_NEW : USER_STACK_ALL;
}

static __always_inline void add_user_stack(struct tick *tick, struct perf_tick *context)
{
	enum user_stack kind;

	if (!tick->mm)
		return; /* a kernel thread, or a process that is almost gone */
	if (arch_in_user_mode(&context->regs)) {
		tick->unwind.pc = context->regs.ip;
		NUMBER_REGISTERS(tick->unwind.registers, &context->regs);
		kind = arch_is_compat(&context->regs) ? USER_STACK_COMPAT : USER_STACK_ALL;
	} else {
		kind = enter_from_kernel();
	}
	if (kind != USER_STACK_NONE)
		walk_user_stack(tick, kind);
}

static __always_inline void add_kernel_stack(struct tick *tick, struct perf_tick *context)
{
	long bytes;

	if (arch_in_user_mode(&context->regs))
		return;
	bytes = bpf_get_stack(context, tick->frames, ABI_MAX_KERNEL_FRAMES * sizeof(__u64), 0);
	if (bytes <= 0) {
		tick->frames[0] = context->regs.ip;
		tick->sample.stack.kernel_frames = 1;
		tick->sample.stack.flags |= ABI_STACK_KERNEL_CUT;
		return;
	}
	tick->sample.stack.kernel_frames = bytes / sizeof(__u64);
	if (tick->sample.stack.kernel_frames == ABI_MAX_KERNEL_FRAMES)
		tick->sample.stack.flags |= ABI_STACK_KERNEL_CUT;
}

static __always_inline void send_sample(struct tick *tick)
{
	__u32 frames = tick->sample.stack.kernel_frames + tick->sample.stack.user_frames;
	__u64 flags = ring_wakeup_flags();

	if (!reads_mappings && raw_is_first_sample(tick->sample.tgid))
		flags = BPF_RB_FORCE_WAKEUP;
	if (frames > MAX_FRAMES ||
	    bpf_ringbuf_output(&ring, &tick->sample, sizeof(tick->sample) + frames * sizeof(__u64),
			       flags))
		count_drop(ABI_DROP_RING_FULL);
}

static __always_inline void take_sample(struct perf_tick *context, struct task_struct *task,
					__u64 process)
{
	struct tick *tick = this_tick();

	if (!tick)
		return;
	tick->sample = (struct abi_sample){
		.type = ABI_RECORD_SAMPLE,
		.time_ns = bpf_ktime_get_ns(),
		.cgroup_id = current_cgroup_id(task),
		.tgid = process >> 32,
		.tid = (__u32)process,
		.cpu = bpf_get_smp_processor_id(),
		.stack.verdict = ABI_VERDICT_WHOLE,
	};
	bpf_get_current_comm(tick->sample.comm, sizeof(tick->sample.comm));
	tick->mm = BPF_CORE_READ(task, mm);
	add_kernel_stack(tick, context);
	add_user_stack(tick, context);
	send_sample(tick);
}

SEC("perf_event")
int on_tick(struct perf_tick *context)
{
	__u64 process = bpf_get_current_pid_tgid();
	struct task_struct *task = (void *)bpf_get_current_task();

	count(ABI_COUNT_TICKS);
	if (!process) {
		count(ABI_COUNT_IDLE);
		return 0;
	}
	if (!is_target(process >> 32, task)) {
		count(ABI_COUNT_FILTERED);
		return 0;
	}
	count(ABI_COUNT_TAKEN);
	take_sample(context, task, process);
	return 0;
}

/* Children of a target are targets: loaded only for `record -- COMMAND`. */
SEC("raw_tp/sched_process_fork")
int on_fork(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *parent = (void *)context->args[0];
	struct task_struct *child = (void *)context->args[1];
	__u32 parent_tgid = BPF_CORE_READ(parent, tgid);
	__u32 child_tgid = BPF_CORE_READ(child, tgid);
	__u8 yes = 1;

	if (child_tgid != parent_tgid && bpf_map_lookup_elem(&target_processes, &parent_tgid))
		bpf_map_update_elem(&target_processes, &child_tgid, &yes, BPF_ANY);
	return 0;
}

/* The last that is seen of a process; its number may go to another one from here on. */
SEC("raw_tp/sched_process_free")
int on_free(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (void *)context->args[0];
	__u32 tgid = BPF_CORE_READ(task, tgid);

	if ((__u32)BPF_CORE_READ(task, pid) == tgid)
		bpf_map_delete_elem(&target_processes, &tgid);
	return 0;
}

/*
 * A process begins to run a program: if it is one that nobody ran before, the agent can open it, and
 * have its unwind table, before the first tick comes. Of its libraries the loader's business is not
 * waited for: they are mostly known.
 */
SEC("raw_tp/sched_process_exec")
int on_exec(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (void *)context->args[0];
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct abi_executable executable;
	struct vma vma;

	if (!is_target(BPF_CORE_READ(task, tgid), task))
		return 0;
	if (vma_find(mm, BPF_CORE_READ(mm, start_code), &vma) && vma.file)
		executable_of_vma(&vma, SEEN_BY_PROCESS, &executable);
	return 0;
}

/* The file that identify() saw last. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct abi_file);
	__uint(max_entries, 1);
} identified SEC(".maps");

/*
 * The agent's own mappings through the same eyes: test-run by the agent with an address of its
 * own, it answers with the id of the file mapped there, or 0, and leaves in `identified` what makes it
 * that file.
 */
SEC("raw_tp")
int identify(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct abi_executable *executable;
	struct abi_file *file;
	struct vma vma;
	__u32 zero = 0, id;

	file = bpf_map_lookup_elem(&identified, &zero);
	if (!file || !vma_find(mm, context->args[0], &vma) || !vma.file)
		return 0;
	*file = file_identity(vma.file);
	executable = executable_of(file, SEEN_BY_PROCESS);
	if (!executable)
		return 0;
	id = executable->id;
	barrier();
	return executable->table.check == ABI_FILE_CHECK(file) ? id : 0;
}
