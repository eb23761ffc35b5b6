/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/base/cleanup.h"

/*
 * process_list - processes that run just now, the busiest first.
 *
 * A list of ids, out of date as soon as it is made; kernel threads are not in it.
 */
struct process_list;

/* process_list_new() - an empty one. 0 or -ENOMEM. */
int process_list_new(struct process_list **out);

/* process_list_add() - one process, behind those that are there. 0 or -ENOMEM. */
int process_list_add(struct process_list *list, pid_t pid);

/* process_list_add_all() - all of the machine, by the share of a CPU that they used in their lives. 0 or -errno. */
int process_list_add_all(struct process_list *list);

/* process_list_add_cgroup() - those in the cgroup at @directory and below it. 0 or -errno. */
int process_list_add_cgroup(struct process_list *list, const char *directory);

size_t process_list_count(const struct process_list *list);
pid_t process_list_get(const struct process_list *list, size_t number);

void process_list_free(struct process_list *list);
DEFINE_AUTO(process_list);
