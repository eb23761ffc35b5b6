// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/demangle.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include <libiberty/demangle.h>

/*
 * libiberty does the work; what it does not bound is bounded here. It writes through a callback
 * that cannot say "enough", while a name of 200 characters may stand for 2^50, so the callback
 * leaves with longjmp(3). The functions used keep all they need on the stack, without heap,
 * locks or globals, so nothing is lost by that; for the one exception see output_add().
 */
struct output {
	jmp_buf full;
	char *text;
	size_t size;   /* bytes that fit */
	size_t length; /* bytes written */
	bool is_full;
	bool is_rust;
};

enum {
	MAX_CONVERSION_ARGS = 8,
	MAX_PACK_REFERENCES = 10,
	HASH_SEGMENT = 20, /* characters of "17h0123456789abcdefE" */
};

typedef int demangle_function(const char *name, int options, demangle_callbackref callback,
			      void *opaque);

static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] & 0x80)
			return false;
	return true;
}

static void output_add(const char *text, size_t length, void *opaque)
{
	struct output *output = opaque;

	if (!output->is_full && length <= output->size - output->length) {
		memcpy(output->text + output->length, text, length);
		output->length += length;
		return;
	}
	output->is_full = true;
	/*
	 * Rust's names are ASCII but for those it decodes from Punycode, and while it writes
	 * these it owns a buffer. The next write comes soon and leaves.
	 */
	if (!output->is_rust || is_ascii(text, length))
		longjmp(output->full, 1);
}

static bool run(demangle_function *function, const char *name, int options, struct output *output)
{
	if (setjmp(output->full))
		return false;
	return function(name, options, output_add, output) && !output->is_full;
}

static bool print(demangle_function *function, const char *name, char *buffer)
{
	struct output output = {
		.text = buffer,
		.size = DEMANGLED_MAX,
		.is_rust = function == rust_demangle_callback,
	};

	if (!run(function, name, DMGL_NO_OPTS, &output) || !output.length)
		return false;
	buffer[output.length] = '\0';
	return true;
}

/* What follows a reference such as T_, T0_ or S1A_ of @letter's kind, or NULL if @at is none. */
static const char *skip_reference(const char *at, char letter)
{
	if (*at++ != letter)
		return NULL;
	while (isdigit((unsigned char)*at) || isupper((unsigned char)*at))
		at++;
	return *at == '_' ? at + 1 : NULL;
}

/* How many references of @letter's kind stand in @name, with @next behind them unless it is 0. */
static size_t count_references(const char *name, char letter, char next)
{
	size_t count = 0;

	for (const char *at = name; (at = strchr(at, letter)); at++) {
		const char *end = skip_reference(at, letter);

		if (end && (!next || *end == next))
			count++;
	}
	return count;
}

/* Whether a template parameter without arguments of its own stands at @at. */
static bool is_plain_parameter(const char *at)
{
	const char *end = skip_reference(at, 'T');

	return end && *end != 'I';
}

/* A pack expansion, or a sizeof..., of something in which the pack has to be searched. */
static bool has_complex_pack(const char *name)
{
	for (const char *at = name; (at = strstr(at, "Dp")); at++)
		if (!is_plain_parameter(at + 2 + strspn(at + 2, "KVrPRO")))
			return true;
	for (const char *at = name; (at = strstr(at, "sZ")); at++)
		if (!is_plain_parameter(at + 2) && strncmp(at + 2, "fp", 2) != 0)
			return true;
	return false;
}

/*
 * Where libiberty takes time exponential in the length of the name without writing anything:
 * template arguments behind the type of a conversion operator are parsed twice at each level,
 * and the search for the pack of an expansion follows substitutions again and again. Compilers
 * write neither in this amount: of 83,000 names in Debian's libraries none.
 */
static bool is_explosive(const char *name)
{
	if (strstr(name, "cv") && count_references(name, 'T', 'I') > MAX_CONVERSION_ARGS)
		return true;
	return has_complex_pack(name) && count_references(name, 'S', 0) > MAX_PACK_REFERENCES;
}

/* Whether all of @name is a mangled name: without DMGL_PARAMS a tail of any kind is ignored. */
static bool parses(const char *name)
{
	struct output nothing = { .size = 0 };

	/* The first byte is written after the last one was parsed. */
	return run(cplus_demangle_v3_callback, name, DMGL_PARAMS, &nothing) || nothing.is_full;
}

static bool demangle_cxx(const char *name, char *buffer)
{
	if (!strncmp(name, "__Z", 3))
		name++;
	if (strncmp(name, "_Z", 2) != 0 && strncmp(name, "_GLOBAL_", 8) != 0)
		return false;
	return !is_explosive(name) && parses(name) &&
	       print(cplus_demangle_v3_callback, name, buffer);
}

/* "for<'a, 'b, ...>" with more lifetimes than anybody names: counted to 2^64, unseen in an impl. */
static bool has_huge_binder(const char *name)
{
	for (const char *at = name; (at = strchr(at, 'G')); at++) {
		size_t digits = 0;

		if (at == name || (at[-1] != 'F' && at[-1] != 'D'))
			continue;
		while (isalnum((unsigned char)at[1 + digits]))
			digits++;
		if (digits > 1 && at[1 + digits] == '_')
			return true;
	}
	return false;
}

/* Cuts what LLVM appends (.llvm.123), and tells whether @name can be Rust's. */
static bool cut_rust(char *name)
{
	size_t length;

	if (name[0] == '_' && name[1] == 'R' && isupper((unsigned char)name[2])) {
		name[strcspn(name, ".")] = '\0';
		return true;
	}
	for (char *dot = name; (dot = strstr(dot, "E.")); dot++)
		if (dot - name > HASH_SEGMENT && !strncmp(dot + 1 - HASH_SEGMENT, "17h", 3))
			dot[1] = '\0';
	length = strlen(name);
	return length > HASH_SEGMENT && !strncmp(name, "_ZN", 3) &&
	       !strncmp(name + length - HASH_SEGMENT, "17h", 3);
}

static bool demangle_rust(const char *name, char *buffer)
{
	char copy[DEMANGLED_MAX + 1];

	memcpy(copy, name, strlen(name) + 1);
	return cut_rust(copy) && !has_huge_binder(copy) &&
	       print(rust_demangle_callback, copy, buffer);
}

/* Puts @suffix behind what is in @buffer, where there is room. */
static void append(char *buffer, const char *suffix)
{
	size_t length = strlen(buffer), more = strlen(suffix);

	if (length + more <= DEMANGLED_MAX)
		memcpy(buffer + length, suffix, more + 1);
}

const char *demangle(const char *name, char *buffer)
{
	size_t length = strnlen(name, DEMANGLED_MAX + 1);
	const char *version = strchr(name, '@');
	bool is_stub = version && !strcmp(version, "@plt");
	char plain[DEMANGLED_MAX + 1];

	if (length > DEMANGLED_MAX)
		return name;
	memcpy(plain, name, length + 1);
	if (version && version != name)
		plain[version - name] = '\0';
	if (plain[0] == '_' && (demangle_rust(plain, buffer) || demangle_cxx(plain, buffer))) {
		append(buffer, is_stub ? version : "");
		return buffer;
	}
	if (!version || version == name || is_stub)
		return name;
	memcpy(buffer, plain, strlen(plain) + 1);
	return buffer;
}
