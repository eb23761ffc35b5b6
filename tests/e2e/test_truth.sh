#!/usr/bin/env bash
# Programs that know what their stacks are: every stack is exact, or says that it is not. With the features of
# tests/bench/truth: alloca, recursion, signals, coroutines, libraries that come and go, assembler, and all.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

truth=$(dirname "$e2e")/bench/truth

claim "the scorer tells right from wrong" "$python" "$truth/test_score.py"

exact() { # PROGRAM
	"$python" "$truth/truth.py" --check --no-perf --seconds 2 --wrong 5 --only "$1" "$wick" "$work/truth"
}
figure() { # what the table says of it
	sed -n 's/^| \([a-z]* [^|]*\) | \([0-9]*\) | \([0-9.]*\) | .*/\1: \3 % of \2 stacks exact/p' "$work/claim"
}

programs=("paths gcc nofp static" "switches gcc nofp pie" "paths musl-gcc nofp static" "switches musl-gcc nofp static"
	"paths clang nofp pie" "exceptions g++ nofp pie")
for program in "${programs[@]}"; do
	if ! command -v "$(echo "$program" | cut -d' ' -f2)" >/dev/null; then
		skip "$program: every stack is exact or marked" "its compiler is not installed"
		continue
	fi
	claim "$program: every stack is exact or marked" exact "$program" && note "$(figure | paste -sd';')"
done
