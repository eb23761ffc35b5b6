/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/sampler.h"
#include "agent/unwind_memory.h"

/* unwind_words_of() - the words that @sampler's kernel side reads, for an unwind_memory; borrowed. */
struct unwind_words unwind_words_of(struct sampler *sampler);
