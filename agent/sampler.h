/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/base/cleanup.h"
#include "bpf/abi.h"

/*
 * sampler - timer ticks on every CPU, and the stacks that they found.
 *
 * Owns the programs in the kernel and one perf event for each online CPU. With
 * sampler_programs, which loads them, the only one that knows libbpf. Used by one thread.
 */
struct sampler;

/* How stacks are walked, which depends on the kernel. */
enum stack_tier {
	STACK_TIER_AUTO, /* full, or else frame pointers */
	STACK_TIER_FULL, /* each frame is placed in its file and unwound by that file's rules */
	STACK_TIER_FRAME_POINTERS, /* raw addresses: this kernel's mappings cannot be read */
};

struct sampler_options {
	uint32_t frequency_hz;    /* of each CPU, 1 to 1000 */
	uint32_t max_user_frames; /* 1 to ABI_MAX_USER_FRAMES */
	uint32_t unwind_bytes;    /* of memory for unwind tables */
	bool only_processes;      /* only those named by sampler_add_process() */
	bool follow_children;     /* and what they fork; needs only_processes */
	uint64_t cgroup_id;       /* only this group and those below it; 0: any */
	const char *controller;   /* whose v1 hierarchy cgroup ids are of; NULL: the v2 one */
	enum stack_tier tier;     /* wanted */
	const char *btf;          /* file with the kernel's types; NULL: the kernel's own */
};

/* Receives what the kernel side sends. What is passed is borrowed until the call returns. */
struct sampler_sink {
	void *context;
	void (*on_sample)(void *context, const struct abi_sample *sample);
	void (*on_executable)(void *context, const struct abi_executable_event *event);
};

/*
 * sampler_open() - load the programs; nothing is sampled yet.
 *
 * Logs what is wrong, if it fails.
 * Return: 0, or -errno: -EPERM without the right to, -EOPNOTSUPP if this kernel cannot.
 */
int sampler_open(struct sampler **out, const struct sampler_options *options,
		 const struct sampler_sink *sink);

/* sampler_tier() - the one that was found to work, never STACK_TIER_AUTO. */
enum stack_tier sampler_tier(const struct sampler *sampler);

/* sampler_add_process() - make process @pid a target. 0, or -E2BIG if there are too many. */
int sampler_add_process(struct sampler *sampler, pid_t pid);

/* sampler_start() - from now on every online CPU ticks. 0 or -errno. */
int sampler_start(struct sampler *sampler);

/* sampler_fd() - readable when the ring has something urgent; borrowed. */
int sampler_fd(const struct sampler *sampler);

/*
 * sampler_drain() - hand everything in the ring to the sink, and follow CPUs that came or went.
 *
 * To be called at least every SAMPLER_DRAIN_MS; the ring is sized for that.
 * Return: records handled, or -errno.
 */
int sampler_drain(struct sampler *sampler);
enum {
	SAMPLER_DRAIN_MS = 250
};

/* sampler_stop() - no tick is in flight when this returns; what is in the ring stays there. */
void sampler_stop(struct sampler *sampler);

/* sampler_counters() - sums over all CPUs since sampler_open(). 0 or -errno. */
int sampler_counters(struct sampler *sampler, struct abi_counters *ret);

/* sampler_cpu_count() - CPUs that are being sampled. */
size_t sampler_cpu_count(const struct sampler *sampler);

/*
 * sampler_identify() - the executable id of the file that this process has mapped at @address,
 * found in the same way as that of a sample. 0 if there is none.
 */
uint32_t sampler_identify(struct sampler *sampler, const void *address);

/* sampler_identified() - what makes the file, whose id sampler_identify() gave last, that file. */
int sampler_identified(struct sampler *sampler, struct abi_file *ret);

/* sampler_set_pending() - no more events for this file; its unwind table is not there now. */
void sampler_set_pending(struct sampler *sampler, const struct abi_file *file, uint32_t id);

/*
 * sampler_image_start() - since when process @tgid has run its program, on the monotonic clock, as far as
 * that is known: 0 if it ran it before sampler_open(), or was forgotten. Only for STACK_TIER_FRAME_POINTERS.
 */
uint64_t sampler_image_start(struct sampler *sampler, uint32_t tgid);

/*
 * sampler_forget_remembered() - a table leaves the unwind memory: what ticks remember of tables is looked
 * up again. To be called when nothing else leads to the table any more, and before its place is used.
 */
void sampler_forget_remembered(struct sampler *sampler);

/*
 * sampler_set_ready() - no more events for this file, whose unwind table is there.
 * @table: where it is in the unwind memory; NULL: there is none to be had
 */
void sampler_set_ready(struct sampler *sampler, const struct abi_file *file, uint32_t id,
		       const struct abi_unwind_table *table);

/* sampler_set_vdso_table() - the same for the vDSO, which is no file. */
void sampler_set_vdso_table(struct sampler *sampler, const struct abi_unwind_table *table);

/* sampler_unwind_word_count() - words of the memory for unwind tables; see abi.h. */
uint32_t sampler_unwind_word_count(const struct sampler *sampler);

/*
 * sampler_open_unwind_words() - @count of these words from number @first on, for writing.
 *
 * Return: the words, until sampler_close_unwind_words(); NULL with errno set.
 */
uint64_t *sampler_open_unwind_words(struct sampler *sampler, uint32_t first, uint32_t count);
void sampler_close_unwind_words(uint64_t *words, uint32_t first, uint32_t count);

/* sampler_unwind_rules() - the ABI_MAX_RULES rules that the kernel side reads; borrowed. */
struct abi_rule *sampler_unwind_rules(struct sampler *sampler);

/* sampler_forget() - the kernel side gives the file a new id when it is seen again. */
void sampler_forget(struct sampler *sampler, const struct abi_file *file);

void sampler_free(struct sampler *sampler);
DEFINE_AUTO(sampler);
