/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * bpf_core_read - libbpf's header as replay has it: bpf/kernel.h says how its structures look here,
 * and every field exists. See bpf_helpers.h beside it.
 */

/* Clang knows the attribute for its BPF target only, where it makes relocations of accesses. */
#define preserve_access_index              annotate("replay")
#define __builtin_preserve_access_index(x) (x)

#define bpf_core_field_exists(field)           (sizeof(&(field)) != 0)
#define bpf_core_type_exists(type)             1
#define bpf_core_enum_value_exists(type, name) 1
#define bpf_core_field_offset(type, field)     offsetof(type, field)
#define bpf_core_read(to, size, from)          bpf_probe_read_kernel(to, size, from)

#define REPLAY_READ_1(from, a)                ((from)->a)
#define REPLAY_READ_2(from, a, b)             ((from)->a->b)
#define REPLAY_READ_3(from, a, b, c)          ((from)->a->b->c)
#define REPLAY_READ_OF(_1, _2, _3, name, ...) name
#define BPF_CORE_READ(from, ...) \
	REPLAY_READ_OF(__VA_ARGS__, REPLAY_READ_3, REPLAY_READ_2, REPLAY_READ_1)(from, __VA_ARGS__)
