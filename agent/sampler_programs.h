/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/sampler.h"

/*
 * sampler_programs - the programs in the kernel, made to fit the options and the kernel, and loaded.
 *
 * What they find is compared with /proc/self/maps (see self_test.h); where it is wrong, they are loaded
 * once more to follow frame pointers alone.
 *
 * The skeleton that comes out is the sampler's: nobody else uses this.
 */
struct sampler_bpf;

/*
 * sampler_programs_load() - every program that @options ask for; logs what is wrong.
 * @out: owned, for sampler_bpf__destroy()
 * @cpu_limit: one more than the highest number of a CPU that there may be
 * @ret_tier: how they walk stacks
 *
 * Return: 0, -EOPNOTSUPP if this kernel cannot, or another -errno.
 */
int sampler_programs_load(struct sampler_bpf **out, const struct sampler_options *options,
			  size_t cpu_limit, enum stack_tier *ret_tier);

/*
 * sampler_programs_attach() - those that follow processes. The tick is attached to each CPU by the
 * sampler. 0 or -errno, logged.
 */
int sampler_programs_attach(struct sampler_bpf *skeleton, const struct sampler_options *options,
			    enum stack_tier tier);
