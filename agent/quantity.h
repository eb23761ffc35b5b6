/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* quantity - numbers as people write them on a command line. */

/* quantity_parse_duration() - "5", "5s", "500ms", "2m", "1h", "1.5s". 0, or -EINVAL, also for 0. */
int quantity_parse_duration(uint64_t *ret_ns, const char *text);

/* quantity_parse_size() - bytes: "4096", "64K", "32M", "1G". 0 or -EINVAL. */
int quantity_parse_size(uint64_t *ret_bytes, const char *text);

/* quantity_parse_count() - a decimal number from @low to @high. 0, -EINVAL or -ERANGE. */
int quantity_parse_count(uint64_t *ret, const char *text, uint64_t low, uint64_t high);
