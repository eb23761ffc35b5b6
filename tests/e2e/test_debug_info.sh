#!/usr/bin/env bash
# Names, source lines and inlined functions, wherever they are: one program built many ways.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

flags=(-O2 -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -D_GNU_SOURCE)
source=$programs/inlined.c
debug=$work/debug # what is stripped goes here until it is put where it belongs
mkdir "$debug"

make_program() { # NAME [FLAG...]
	local output=$work/$1
	shift
	"${CC:-cc}" "${flags[@]}" -g -Wl,--build-id=none "$source" -o "$output" "$@"
}

profile() { # NAME [FLAG...]: into $work/NAME.folded and .pb.gz
	local name=$1
	shift
	start "$work/$name"
	record -p "$started" -d 400ms -F 999 -o "$work/$name.folded" -o "$work/$name.pb.gz" "$@"
	stop "$started"
	return "$status"
}

lines() { # NAME: with the whole chain at its lines
	pprof lines "$work/$1.pb.gz" "$1" >"$work/lines" &&
		grep -xqE 'innie@inlined.c:10 middle@inlined.c:15 outer(\.constprop\.0)?@inlined.c:20' "$work/lines" &&
		grep -xq 'main@inlined.c:27' "$work/lines" && return
	sort "$work/lines" | uniq -c
	return 1
}

# The first samples of a file come before its unwind table and may lack main.
has_chain() { # NAME CHAIN [FLAG...]
	local name=$1 chain=$2
	shift 2
	profile "$name" "$@" && folded has "$work/$name.folded" "$name" "$chain" 75 8
}

has_only() { # NAME: functions, and none that was inlined
	has_chain "$1" 'main;outer' && folded absent "$work/$1.folded" "$1" 'middle|innie'
}

has_everything() { # NAME [OUTER]
	has_chain "$1" "main;${2:-outer};middle;innie" && lines "$1"
}

# ---- one program, seven ways ----------------------------------------------------------------------
make_program full
claim "with debug information: lines and inlined functions" has_everything full

make_program symbols
strip -g "$work/symbols"
claim "with symbols only: functions" has_only symbols

make_program link
objcopy --only-keep-debug "$work/link" "$debug/link.debug"
strip "$work/link"
(cd "$debug" && objcopy --add-gnu-debuglink=link.debug "$work/link")
only_places() { # NAME
	profile "$1" && folded present "$work/$1.folded" "$1" "$1"'\+0x[0-9a-f]+' &&
		folded absent "$work/$1.folded" "$1" 'main|wrong|outer|middle|innie|_start'
}
claim "stripped, its debug file gone: where it is" only_places link
mkdir "$work/.debug"
mv "$debug/link.debug" "$work/.debug/"
claim "a debug file by its name: lines and inlined functions" has_everything link
make_program link2 -Douter=wrong
objcopy --only-keep-debug "$work/link2" "$work/.debug/link.debug"
claim "a debug file of that name, but of another program: nothing of it" only_places link

make_program by-id -Wl,--build-id
build_id=$(readelf -n "$work/by-id" | sed -n 's/.*Build ID: //p')
by_id=/usr/lib/debug/.build-id/${build_id:0:2}
mkdir -p "$by_id"
defer rmdir "$by_id"
defer rm -f "$by_id/${build_id:2}.debug"
objcopy --only-keep-debug "$work/by-id" "$by_id/${build_id:2}.debug"
strip "$work/by-id"
claim "a debug file by its build id: lines and inlined functions" has_everything by-id

make_program mini
nm -D --format=posix --defined-only "$work/mini" | cut -d' ' -f1 | sort >"$work/dynamic"
nm --format=posix --defined-only "$work/mini" | awk '$2 ~ /[Tt]/ { print $1 }' | sort >"$work/functions"
comm -13 "$work/dynamic" "$work/functions" >"$work/keep"
objcopy --only-keep-debug "$work/mini" "$work/mini.debug"
objcopy -S --remove-section .comment --keep-symbols="$work/keep" "$work/mini.debug" "$work/mini.small"
xz -f "$work/mini.small"
strip "$work/mini"
objcopy --add-section .gnu_debugdata="$work/mini.small.xz" "$work/mini"
claim "with .gnu_debugdata: functions" has_only mini

make_program dynamic -rdynamic
strip "$work/dynamic"
claim "with .dynsym only: functions" has_only dynamic

make_program nothing
strip "$work/nothing"
claim "with nothing: where it is" only_places nothing

# ---- flags ------------------------------------------------------------------------------------------
without_lines() {
	has_chain full 'main;outer;middle;innie' --lines off &&
		pprof lines "$work/full.pb.gz" full >"$work/lines" && grep -xq 'innie@:0 middle@:0 outer@:0' "$work/lines" &&
		no grep -q 'inlined.c' <(gunzip -c "$work/full.pb.gz")
}
claim "--lines off: inlined functions, no lines" without_lines
without_inlines() {
	has_chain full 'main;outer' --inlines off &&
		pprof lines "$work/full.pb.gz" full >"$work/lines" && grep -xq 'outer@inlined.c:20' "$work/lines"
}
claim "--inlines off: the line of the call" without_inlines
with_neither() {
	has_chain full 'main;outer' --inlines off --lines off &&
		pprof lines "$work/full.pb.gz" full >"$work/lines" && grep -xq 'outer@:0' "$work/lines"
}
claim "both off: functions" with_neither
claim "neither on nor off is refused" refuses 2 '--lines: "maybe" is neither on nor off' "$wick" record --lines maybe

# ---- forms of debug information -----------------------------------------------------------------------
clang=$(native_clang)
for version in 2 3 4 5; do
	make_program "gcc-$version" -gdwarf-$version
	claim "gcc, DWARF $version" has_everything "gcc-$version"
	text="clang, DWARF $version"
	if [ -n "$clang" ]; then
		CC=$clang make_program "clang-$version" -gdwarf-$version
		claim "$text" has_everything "clang-$version"
	else
		skip "$text" "clang is not installed"
	fi
done

make_package() { # NAME: binutils' dwp knows no version 5, and some llvm-dwp never end
	local tool
	for tool in dwp llvm-dwp-16 llvm-dwp-19 llvm-dwp; do
		(cd "$work" && timeout -k 1 10 "$tool" -e "$1" -o "$1.dwp") >/dev/null 2>&1 && return
	done
	return 1
}

for version in 4 5; do
	(cd "$work" && make_program "split-$version" -gdwarf-$version -gsplit-dwarf)
	claim "split DWARF $version, .dwo files" has_everything "split-$version"
	text="split DWARF $version, a package"
	if make_package "split-$version" 2>/dev/null; then
		rm "$work"/*.dwo
		claim "$text" has_everything "split-$version"
	else
		skip "$text" "there is no dwp that can"
	fi
	rm -f "$work/split-$version.dwp" "$work"/*.dwo
done
claim "split DWARF, its other half gone: functions" has_only split-5

for kind in zlib zlib-gnu zstd; do
	text="sections compressed by $kind"
	if objcopy --compress-debug-sections=$kind "$work/full" "$work/z-$kind" 2>/dev/null; then
		claim "$text" has_everything "z-$kind"
	else
		skip "$text" "this objcopy cannot"
	fi
done

text="debug information shared by dwz"
if command -v dwz >/dev/null; then
	for i in 1 2; do
		# dwz moves what two files have in common and what pays: so there must be much of it.
		"${CC:-cc}" "${flags[@]}" -g "$source" -include stdio.h -include sys/socket.h -o "$work/dwz-$i"
	done
	dwz -m "$work/common" -M "$work/common" "$work/dwz-1" "$work/dwz-2"
	claim "a supplement was made" grep -q gnu_debugaltlink <(readelf -SW "$work/dwz-1")
	claim "$text" has_everything dwz-1
	mv "$work/common" "$work/gone"
	only_functions() {
		profile dwz-1 && folded present "$work/dwz-1.folded" dwz-1 outer && folded present "$work/dwz-1.folded" dwz-1 main
	}
	claim "without its supplement: functions" only_functions
else
	skip "$text" "dwz is not installed"
fi

make_program lto -flto
claim "link-time optimisation" has_everything lto outer.constprop.0

text="stubs are called by what they lead to"
cat >"$work/stub.c" <<'END'
#include <stdlib.h>
int main(int argc, char **argv)
{
	for (unsigned i = 0;; i++)
		if (abs((int)i) == argc && labs((long)i) == 7)
			return **argv;
}
END
"${CC:-cc}" -O2 -fno-builtin "$work/stub.c" -o "$work/stub" -s
has_stub_names() {
	profile stub && folded present "$work/stub.folded" stub 'l?abs@plt'
}
claim "$text" has_stub_names

# ---- a second opinion ---------------------------------------------------------------------------------
text="frames are those that llvm-symbolizer says"
if command -v llvm-symbolizer >/dev/null && [ -x "${wick%/*}/tests/bench/symbols" ]; then
	"${CXX:-c++}" -O2 -g "$programs/shapes.cc" -static -o "$work/shapes-gcc"
	others=("$work/shapes-gcc")
	if [ -n "$clang" ]; then
		"$clang" -x c++ -O2 -gdwarf-5 "$programs/shapes.cc" -o "$work/shapes-clang" -lstdc++ && others+=("$work/shapes-clang")
	fi
	if [ -n "$(command -v rustc)" ]; then
		rustc -O -g "$programs/shapes.rs" -o "$work/shapes-rust" 2>/dev/null && others+=("$work/shapes-rust")
	fi
	claim "$text" "$python" "$programs/../bench/symbols.py" "${wick%/*}" "$wick" "${others[@]}"
	note "$(tail -n 1 "$work/claim")"
else
	skip "$text" "llvm-symbolizer is not installed"
fi
