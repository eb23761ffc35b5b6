// SPDX-License-Identifier: Apache-2.0
/* To be preloaded: the kernel says that it is the one in $FAKE_RELEASE. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

int uname(struct utsname *name)
{
	const char *release = getenv("FAKE_RELEASE");

	if (!release) {
		errno = EFAULT;
		return -1;
	}
	memset(name, 0, sizeof(*name));
	snprintf(name->sysname, sizeof(name->sysname), "Linux");
	snprintf(name->release, sizeof(name->release), "%s", release);
	snprintf(name->version, sizeof(name->version), "#1 SMP");
	return 0;
}
