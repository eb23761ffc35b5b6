/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * vdso_open() - the vDSO as a file: the kernel maps the same image into every process, ours too.
 *
 * Return: a descriptor, owned by the caller, or -errno; -ENOENT if there is no vDSO.
 */
int vdso_open(void);
