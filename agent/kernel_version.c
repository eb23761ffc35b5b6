// SPDX-License-Identifier: Apache-2.0
#include "agent/kernel_version.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/base/cleanup.h"

static bool parse_numbers(struct kernel_version *ret, const char *text)
{
	struct kernel_version found = {};

	if (sscanf(text, "%3u.%3u.%5u", &found.major, &found.minor, &found.patch) < 2)
		return false;
	*ret = found;
	return true;
}

/* Whether Ubuntu's signature speaks of the kernel that calls itself @release. */
static bool is_signature_of(const char *signature, const char *release)
{
	static const char ubuntu[] = "Ubuntu ";
	size_t length = strcspn(release, "-");

	if (release[length] == '-')
		length += 1 + strcspn(release + length + 1, "-");
	return !strncmp(signature, ubuntu, strlen(ubuntu)) &&
	       !strncmp(signature + strlen(ubuntu), release, length);
}

int kernel_version_parse(struct kernel_version *ret, const char *release, const char *version,
			 const char *signature)
{
	const char *debian = strstr(version, "Debian ");
	const char *upstream = strrchr(signature, ' ');
	struct kernel_version named, exact;

	if (!parse_numbers(&named, release))
		return -EINVAL;
	*ret = named;
	if (debian && parse_numbers(&exact, debian + strlen("Debian ")) &&
	    exact.major == named.major && exact.minor == named.minor)
		*ret = exact;
	if (upstream && is_signature_of(signature, release) && parse_numbers(&exact, upstream + 1))
		*ret = exact;
	return 0;
}

int kernel_version_running(struct kernel_version *ret)
{
	AUTO_FILE file = fopen("/proc/version_signature", "re");
	char signature[256] = "";
	struct utsname name;

	if (file && fgets(signature, sizeof(signature), file))
		signature[strcspn(signature, "\n")] = '\0';
	if (uname(&name))
		return -EINVAL;
	return kernel_version_parse(ret, name.release, name.version, signature);
}

bool kernel_version_is_unsafe(const struct kernel_version *version)
{
	/* The first patch level of each series that is safe; ~0: none is. */
	static const struct kernel_version safe_from[] = {
		{ 5, 19, ~0U }, { 6, 0, ~0U }, { 6, 1, 36 }, { 6, 2, ~0U }, { 6, 3, 10 },
	};

	for (size_t i = 0; i < sizeof(safe_from) / sizeof(*safe_from); i++) {
		if (version->major == safe_from[i].major && version->minor == safe_from[i].minor)
			return version->patch < safe_from[i].patch;
	}
	return false;
}
