// SPDX-License-Identifier: Apache-2.0
#include "agent/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *suffix;
	double ns;
} duration_units[] = {
	{ "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "m", 60e9 }, { "h", 3600e9 },
};

static const double MAX_DURATION_NS = 366.0 * 24 * 3600 * 1e9;

int quantity_parse_duration(uint64_t *ret_ns, const char *text)
{
	char *end;
	double number;

	/* strtod() also takes signs, blanks, hexadecimal numbers, "inf" and "nan". */
	if (!isdigit((unsigned char)*text) || text[strspn(text, "0123456789.smuh")])
		return -EINVAL;
	number = strtod(text, &end);
	for (size_t i = 0; i < sizeof(duration_units) / sizeof(*duration_units); i++) {
		double ns = number * duration_units[i].ns;

		if (strcmp(end, duration_units[i].suffix))
			continue;
		if (ns < 1 || ns > MAX_DURATION_NS)
			return -EINVAL;
		*ret_ns = (uint64_t)ns;
		return 0;
	}
	return -EINVAL;
}

int quantity_parse_size(uint64_t *ret_bytes, const char *text)
{
	static const char suffixes[] = "KMGT";
	unsigned long long number;
	const char *suffix;
	unsigned int shift = 0;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	suffix = *end ? strchr(suffixes, *end) : NULL;
	if (suffix) {
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
		end++;
	}
	if (errno || *end || number > UINT64_MAX >> shift)
		return -EINVAL;
	*ret_bytes = number << shift;
	return 0;
}

int quantity_parse_count(uint64_t *ret, const char *text, uint64_t low, uint64_t high)
{
	char *end;
	unsigned long long number;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno || number < low || number > high)
		return -ERANGE;
	*ret = number;
	return 0;
}
