#!/usr/bin/env bash
# House rules that a machine can check, as TAP.  run.sh [--all]: --all adds clang-tidy and gcc's
# analyzer, which take a minute.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=${O:-build}
number=0 failed=0

# Prints a test's result: it fails if the command printed anything, an error of its own included.
claim() { # TEXT COMMAND...
	local text=$1 found
	shift
	found=$("$@" 2>&1)
	number=$((number + 1))
	if [ -n "$found" ]; then
		failed=$((failed + 1))
		printf '%s\n' "$found" | head -n 40 | sed 's/^/# /'
		echo "not ok $number - $text"
	else
		echo "ok $number - $text"
	fi
}

files() { # PATTERN...: of the working tree, ignored ones left out
	git ls-files -co --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done
}

# Includes in a room's files that lead anywhere but to the rooms named: files() | grep -v allowed.
includes() { # ROOM ALLOWED-REGEX
	files "$1/*.c" "$1/*.h" | xargs grep -nE '#include "' | grep -vE "#include \"($2)"
}

foreign() { # HEADER-REGEX ALLOWED-FILES-REGEX
	files '*.c' '*.h' | xargs grep -nE "#include <($1)" | grep -vE "^($2)"
}

abi_users() {
	files 'symbolizer/*.[ch]' 'pprof/*.[ch]' 'agent/base/*.[ch]' | xargs grep -nE '#include "(bpf|agent/[a-z_]+\.h)'
	files 'agent/*.[ch]' | xargs grep -nE '#include "bpf/' | grep -v '"bpf/abi.h"'
}

nobody_includes_tests() {
	files 'agent/*.[ch]' 'bpf/*.[ch]' 'symbolizer/*.[ch]' 'pprof/*.[ch]' | xargs grep -nE '#include "tests/'
}

banned_functions() {
	files 'agent/*.[ch]' 'symbolizer/*.[ch]' 'pprof/*.[ch]' |
		xargs grep -nE '\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gmtime|localtime|system|gets|alloca)\(' |
		grep -vE ':[0-9]+: ?\*|//'
	files 'agent/*.[ch]' 'symbolizer/*.[ch]' 'pprof/*.[ch]' | xargs grep -nE '^\s*goto '
}

long_files() {
	files '*.c' '*.h' | xargs wc -l | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines, more than 500" }'
}

# A function's body stands between braces in the first column.
long_functions() {
	files '*.c' '*.h' | xargs awk '
		/^\{/ { start = FNR }
		/^\}/ { if (start && FNR - start > 60) print FILENAME ":" start ": a function of " FNR - start " lines, more than 60"; start = 0 }'
}

same_names() {
	files '*.c' '*.h' '*.proto' | sed 's,.*/,,' | sort | uniq -d | grep -v '^test\.'
}

every_header_alone() {
	files '*.h' | grep -vE '^tests/replay/kernel/|^bpf/(kernel|.*\.bpf)\.h|\.bpf\.h$|^bpf/kernel.h' | while read -r header; do
		${CC:-cc} -std=gnu17 -D_GNU_SOURCE -I. -isystem "$out/gen" -fsyntax-only -x c "$header" 2>&1 |
			grep -E 'error' | sed "s,^,$header: ,"
	done
}

formatted() {
	files '*.c' '*.h' | xargs "$1" --dry-run 2>&1 | grep -E 'warning' | head -n 20
}

shell_scripts() {
	{ files '*.sh'; echo .ci/run; } | xargs shellcheck -S warning
}

license_lines() {
	files '*.c' '*.h' '*.S' '*.proto' | xargs grep -L 'SPDX-License-Identifier'
}

claim "the floor includes nothing of ours" includes agent/base 'agent/base/'
claim "bpf includes only bpf" includes bpf 'bpf/'
claim "symbolizer includes only itself and the floor" includes symbolizer '(symbolizer|agent/base)/'
claim "pprof includes only itself and the floor" includes pprof '(pprof|agent/base)/|profile\.pb-c\.h'
claim "the agent reaches the kernel side by abi.h and the skeleton only" abi_users
claim "nobody includes tests" nobody_includes_tests
claim "libbpf is known to the sampler only" foreign 'bpf/' 'agent/sampler(_programs)?\.c|bpf/|tests/(bpf|replay/kernel)/'
claim "elfutils is known to the symbolizer only" foreign '(gelf|libelf|dwarf|elfutils)' 'symbolizer/|tests/'
claim "the demangler's library is known to one file" foreign 'libiberty' 'symbolizer/demangle\.c'
claim "protobuf is known to pprof only" foreign 'protobuf-c' 'pprof/|tests/'
claim "compressors are known to one file for each use" \
	foreign '(zlib|zstd|lzma)' 'pprof/|symbolizer/(zlib_stream|debug_section|mini_debug)\.c|tests/'
claim "no banned function, no goto" banned_functions
claim "no file over 500 lines" long_files
claim "no function over 60 lines" long_functions
claim "no two files of one name" same_names
claim "every header compiles alone" every_header_alone
claim "every source names its license" license_lines
command -v clang-format-14 >/dev/null && claim "every source is formatted" formatted clang-format-14
command -v shellcheck >/dev/null && claim "shellcheck has nothing to say" shell_scripts

if [ "${1:-}" = --all ]; then
	flags=(-std=gnu17 -D_GNU_SOURCE -I. -isystem "$out/gen")
	tidy() {
		files 'agent/*.c' 'symbolizer/*.c' 'pprof/*.c' |
			xargs -P2 -n8 sh -c '"$0" --quiet "$@" -- '"${flags[*]} -DWICK_VERSION=\\\"\\\"" "${CLANG_TIDY:-clang-tidy}" 2>&1 |
			grep -E 'warning:|error:'
	}
	analyzer() { files 'agent/*.c' 'symbolizer/*.c' 'pprof/*.c' | xargs -P2 -n1 "${CC:-cc}" "${flags[@]}" -DWICK_VERSION='""' -O2 -fanalyzer -fsyntax-only; }
	claim "clang-tidy has nothing to say" tidy
	claim "gcc's analyzer has nothing to say" analyzer
fi
echo "1..$number"
[ $failed -eq 0 ]
