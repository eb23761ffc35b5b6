/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <bpf/bpf_helpers.h>

/* replay_maps - what user space does with the maps of bpf_helpers.h. */

/* replay_map_bind() - an array of @count values in @memory, which is borrowed. */
void replay_map_bind(struct replay_map map, void *memory, uint32_t count);

/* replay_map_empty() - a hash without entries. */
void replay_map_empty(struct replay_map map);
