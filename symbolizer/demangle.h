/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * demangle - names as their programmers wrote them: C++ (Itanium), Rust (legacy and v0).
 *
 * For flame graphs: scope, name and template arguments, without parameters, return type, hashes
 * and the suffixes of compiler clones (.cold, .constprop.0), whose places belong to the same
 * function for whoever reads. A symbol version (@GLIBC_2.14) goes too, the mark of a
 * stub (@plt) stays. Whatever
 * is not mangled, cannot be parsed to its last character, is too long or takes too long stays
 * as it is: a C name is never changed, and hostile names cost a few milliseconds at most.
 */
enum {
	DEMANGLED_MAX = 4096, /* bytes; names that become longer, or are longer, stay raw */
};

/*
 * demangle() - the readable form of a symbol's name.
 * @buffer: DEMANGLED_MAX + 1 bytes
 *
 * Return: @buffer, or @name itself when there is nothing to do.
 */
const char *demangle(const char *name, char *buffer);
