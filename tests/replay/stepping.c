// SPDX-License-Identifier: Apache-2.0
#include "tests/replay/stepping.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "tests/replay/dwfl_referee.h"
#include "tests/replay/kernel/native_sampler.h"
#include "tests/replay/shadow_stack.h"
#include "tests/replay/tracee.h"

/* What programs say by prctl(), see programs/shapes.c. */
#define SAY_STACK  0x77690001
#define SAY_SIGNAL 0x77690002
#define SAY_LINKED 0x77690003

enum {
	MAX_FRAMES = 1024,
	MAX_PENDING = 32, /* instructions between a stack switch and the jump that ends it */
	MAX_SHOWN = 10,
};

/* A stack, as frame words. */
struct words {
	size_t count;
	uint64_t words[MAX_FRAMES];
};

/* Not equal: judged when it is seen where the program goes. */
struct pending {
	struct words ours;
	enum stepping_outcome otherwise;
	uint64_t pc;        /* of the last frame that is right: the step from there is wrong */
	uint64_t callee_pc; /* of the frame before */
};

struct run {
	const struct stepping_options *options;
	struct stepping_counts *counts;
	struct tracee *tracee;
	struct shadow_stack *shadow;
	struct dwfl_referee *referee;
	int signal; /* that the program takes now; 0: none */
	size_t truth_count;
	struct shadow_frame truth[MAX_FRAMES];
	size_t pending_count;
	struct pending pending[MAX_PENDING];
	size_t shown;
};

static uint64_t word_of(const struct shadow_frame *frame)
{
	return native_frame_word(frame->pc - !frame->is_exact);
}

static bool has_rule(const struct shadow_frame *frame)
{
	const struct unwind_rule *rule = native_rule_of(frame->pc - !frame->is_exact);

	return rule && rule->cfa != UNWIND_RULE_NONE;
}

/* ---- the other judge ------------------------------------------------------------------------- */

static struct dwfl_referee *referee_of(struct run *run)
{
	if (!run->referee || tracee_mappings_changed(run->tracee)) {
		dwfl_referee_free(take(run->referee));
		dwfl_referee_new(&run->referee, tracee_pid(run->tracee));
	}
	return run->referee;
}

static size_t ask_referee(struct run *run, struct shadow_frame *ret_frames)
{
	struct dwfl_referee *referee = referee_of(run);

	return referee ? dwfl_referee_chain(referee, ret_frames, MAX_FRAMES) : 0;
}

static void compare_referee(struct run *run)
{
	struct shadow_frame theirs[MAX_FRAMES];
	size_t count = ask_referee(run, theirs);
	size_t same = 0;

	while (same < count && same < run->truth_count && theirs[same].pc == run->truth[same].pc)
		same++;
	run->counts->referee_asked++;
	run->counts->referee_equal += same == count && count == run->truth_count;
}

/*
 * Whether libdw's frame after @same right ones is ours too. Or ours is none, since it would be no code or
 * further down the stack, and libdw's is not right.
 */
static bool errs_alike(struct run *run, const struct words *ours, size_t same)
{
	struct shadow_frame theirs[MAX_FRAMES];
	size_t count = ask_referee(run, theirs);

	if (ours->count <= same)
		return count <= same || same >= run->truth_count ||
		       theirs[same].pc != run->truth[same].pc;
	return count > same && word_of(&theirs[same]) == ours->words[same];
}

/* ---- judging --------------------------------------------------------------------------------- */

static void show(struct run *run, const struct words *ours, size_t same)
{
	uint64_t offset;
	const char *file = tracee_file_of(run->tracee, run->truth[0].pc, &offset);

	if (run->shown++ >= MAX_SHOWN)
		return;
	printf("# step %zu, %s+0x%llx: %zu of %zu frames right, then", run->counts->steps, file,
	       (unsigned long long)offset, same, run->truth_count);
	for (size_t i = same; i < ours->count && i < same + 3; i++)
		printf(" 0x%llx", (unsigned long long)ours->words[i]);
	if (same < run->truth_count) {
		file = tracee_file_of(run->tracee, run->truth[same].pc, &offset);
		printf(" and not %s+0x%llx", file, (unsigned long long)offset);
	}
	printf("\n");
}

/*
 * The functions whose CFI cannot say how it is at each instruction: those that leave one stack for
 * another, the first of a new thread among them, and those of exceptions, which write their own frames anew
 * from below. And ours whose frame is realigned: gcc does not tell that rbp is restored by its last instructions.
 */
static bool is_known_defect(struct run *run, uint64_t pc)
{
	static const char *const names[] = { "swapcontext", "setcontext", "longjmp", "_Unwind_",
					     "uw_install",  "realigned",  "clone" };
	struct dwfl_referee *referee = referee_of(run);
	const char *name = referee ? dwfl_referee_name(referee, pc) : "?";

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strstr(name, names[i]))
			return true;
	}
	return shadow_stack_is_root(run->shadow, pc);
}

/* The wrong step may come from the frame before: that it restored a register wrong shows here only. */
static void count_outcome(struct run *run, enum stepping_outcome outcome,
			  const struct pending *pending)
{
	run->counts->outcomes[outcome]++;
	if (outcome != STEPPING_AS_FILE || is_known_defect(run, pending->pc) ||
	    is_known_defect(run, pending->callee_pc))
		return;
	run->counts->unexplained++;
	printf("# the CFI at 0x%llx, in %s, is wrong\n", (unsigned long long)pending->pc,
	       dwfl_referee_name(run->referee, pending->pc));
}

/* The stack at the target of a switch: was it what we said before, as callers? */
static void judge_pending(struct run *run)
{
	for (size_t i = 0; i < run->pending_count; i++) {
		const struct pending *pending = &run->pending[i];
		size_t same = 0;

		while (same < run->truth_count && same + 1 < pending->ours.count) {
			struct shadow_frame frame = run->truth[same];

			frame.is_exact &= same > 0;
			if (pending->ours.words[same + 1] != word_of(&frame))
				break;
			same++;
		}
		count_outcome(run,
			      same == run->truth_count && same + 1 == pending->ours.count
				      ? STEPPING_SWITCHING
				      : pending->otherwise,
			      pending);
	}
	run->pending_count = 0;
}

static void wait_for_judgement(struct run *run, const struct words *ours, size_t same)
{
	struct pending *pending;
	bool is_ruled = true;

	for (size_t i = 0; i < same; i++)
		is_ruled &= has_rule(&run->truth[i]);
	if (run->pending_count == MAX_PENDING)
		judge_pending(run);
	pending = &run->pending[run->pending_count++];
	pending->ours = *ours;
	pending->pc = run->truth[same > 1 ? same - 1 : 0].pc;
	pending->callee_pc = run->truth[same > 2 ? same - 2 : 0].pc;
	pending->otherwise = STEPPING_NO_RULE;
	if (is_ruled)
		pending->otherwise =
			errs_alike(run, ours, same) ? STEPPING_AS_FILE : STEPPING_WRONG;
	if (pending->otherwise == STEPPING_WRONG)
		show(run, ours, same);
}

static void judge(struct run *run)
{
	const struct user_regs_struct *registers = tracee_registers(run->tracee);
	const struct abi_sample *sample = native_tick(registers, tracee_read, run->tracee);
	struct words ours = { .count = sample ? sample->stack.user_frames : 0 };
	size_t same = 0;

	for (size_t i = 0; i < ours.count; i++)
		ours.words[i] = ABI_STACK_FRAMES(&sample->stack)[i];
	run->truth_count = shadow_stack_chain(run->shadow, registers->rip, run->truth, MAX_FRAMES);
	while (same < run->truth_count && same < ours.count &&
	       ours.words[same] == word_of(&run->truth[same]))
		same++;
	run->counts->steps++;
	if (run->options->referee_period && run->counts->steps % run->options->referee_period == 0)
		compare_referee(run);
	if (same < run->truth_count || same < ours.count ||
	    sample->stack.verdict != ABI_VERDICT_WHOLE) {
		wait_for_judgement(run, &ours, same);
		return;
	}
	run->counts->outcomes[STEPPING_EQUAL]++;
	run->counts->frames += same;
	judge_pending(run);
}

/* ---- stepping -------------------------------------------------------------------------------- */

static void listen(struct run *run, const struct user_regs_struct *registers)
{
	if (registers->rax == SYS_rt_sigreturn)
		shadow_stack_signal_return(run->shadow, registers->rsp);
	if (registers->rax == SYS_prctl &&
	    (registers->rdi == SAY_STACK || registers->rdi == SAY_LINKED))
		shadow_stack_announce(run->shadow, registers->rsi, registers->rdx,
				      registers->rdi == SAY_LINKED);
	if (registers->rax == SYS_prctl && registers->rdi == SAY_SIGNAL)
		run->signal = (int)registers->rsi;
}

static void note_signal(struct run *run)
{
	const struct user_regs_struct *now = tracee_registers(run->tracee);
	const struct user_regs_struct *was = tracee_interrupted(run->tracee);

	shadow_stack_signal(run->shadow, now->rsp, tracee_word(run->tracee, now->rsp), was->rip,
			    was->rsp);
}

static void note_step(struct run *run, enum tracee_instruction instruction)
{
	uint64_t sp = tracee_registers(run->tracee)->rsp;
	uint64_t word = tracee_word(run->tracee, sp);

	shadow_stack_move(run->shadow, sp, word);
	if (instruction == TRACEE_CALL)
		shadow_stack_call(run->shadow, sp, word);
}

/* A thread begins with an empty stack, and libdw has to meet it. */
static int note_thread(struct run *run)
{
	judge_pending(run);
	run->counts->threads++;
	dwfl_referee_free(take(run->referee));
	shadow_stack_free(take(run->shadow));
	return shadow_stack_new(&run->shadow);
}

static int note_event(struct run *run, enum tracee_event event, enum tracee_instruction instruction)
{
	if (event == TRACEE_CLONED)
		return note_thread(run);
	run->counts->signals += event == TRACEE_SIGNALED;
	if (event == TRACEE_SIGNALED)
		note_signal(run);
	else
		note_step(run, instruction);
	return 0;
}

static bool is_signal_due(const struct run *run)
{
	return run->signal && run->options->signal_period &&
	       run->counts->steps % run->options->signal_period == 0;
}

static int step_to_end(struct run *run)
{
	for (;;) {
		enum tracee_instruction instruction = tracee_instruction(run->tracee);
		enum tracee_event event;
		int err;

		judge(run);
		if (instruction == TRACEE_SYSCALL)
			listen(run, tracee_registers(run->tracee));
		else if (is_signal_due(run))
			tracee_interrupt(run->tracee, run->signal);
		event = tracee_step(run->tracee);
		if (event == TRACEE_EXITED)
			return 0;
		if (event == TRACEE_FAILED)
			return -EIO;
		err = note_event(run, event, instruction);
		if (err)
			return err;
	}
}

int stepping_run(char *const argv[], const struct stepping_options *options,
		 struct stepping_counts *ret_counts)
{
	struct run *run = calloc(1, sizeof(*run));
	int err;

	*ret_counts = (struct stepping_counts){};
	if (!run)
		return -ENOMEM;
	run->options = options;
	run->counts = ret_counts;
	err = shadow_stack_new(&run->shadow);
	if (!err)
		err = tracee_start(&run->tracee, argv);
	if (!err)
		err = step_to_end(run);
	judge_pending(run);
	dwfl_referee_free(run->referee);
	shadow_stack_free(run->shadow);
	tracee_free(run->tracee);
	free(run);
	return err;
}
