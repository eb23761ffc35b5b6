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
#include "bpf/executable.bpf.h"
#include "bpf/raw_stack.bpf.h"
#include "bpf/ring.bpf.h"
#include "bpf/self_test.bpf.h"
#include "bpf/target.bpf.h"
#include "bpf/tick.bpf.h"
#include "bpf/user_stack.bpf.h"
#include "bpf/vma.bpf.h"

char LICENSE[] SEC("license") = "GPL";

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
