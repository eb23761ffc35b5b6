# shellcheck shell=bash
# What the end-to-end tests share. A test file begins with
#   . "$(dirname "$0")/lib.sh"
# and then builds programs, starts them, records, and claims. Whatever it leaves behind is cleaned
# up when it ends, however it ends.
set -u
e2e=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs=$(dirname "$e2e")/programs
wick=$(realpath "${1:?usage: $0 BUILD_DIR}")/wick
[ -x "$wick" ] || { echo "Bail out! there is no $wick"; exit 1; }
# The interpreter itself: a shim in front of it costs more than most of our scripts.
python=$(python3 -c 'import sys; print(sys.executable)') || exit 1
# Two of these tests at a time would take each other's CPU time, and see each other's programs.
exec 9>/tmp/.wick-e2e.lock && flock -w 600 9
work=$(mktemp -d /tmp/wick-e2e.XXXXXX) || exit 1
chmod 755 "$work"
# shellcheck disable=SC2034 # used by tests
id=$(basename "$work" | tr -d .) # for the names of cgroups and containers
claims=0
deferred=()

# ---- cleaning up ---------------------------------------------------------------------------------
defer() { # COMMAND...: run when the test ends; the last one first
	deferred+=("$(printf '%q ' "$@")")
}

# shellcheck disable=SC2317 # called by the trap
clean_up() {
	local i
	for ((i = ${#deferred[@]} - 1; i >= 0; i--)); do
		eval "${deferred[i]}" >/dev/null 2>&1
	done
	rm -rf --one-file-system "$work"
	echo "1..$claims"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# ---- saying what holds ---------------------------------------------------------------------------
note() { # TEXT: a figure worth seeing in every run
	echo "# $*"
}

claim() { # TEXT COMMAND...: holds if the command succeeds; its output explains if not
	local text=$1
	shift
	claims=$((claims + 1))
	if "$@" >"$work/claim" 2>&1; then
		echo "ok $claims - $text"
		return 0
	fi
	echo "not ok $claims - $text"
	echo "# $*"
	tail -n 20 "$work/claim" | sed 's/^/#   /'
	return 1
}

skip() { # TEXT REASON
	claims=$((claims + 1))
	echo "ok $claims - $1 # SKIP $2"
}

same() { # ACTUAL EXPECTED, which both may be empty
	[ "$1" = "$2" ] || { printf 'is      "%s"\nand not "%s"\n' "$1" "$2"; return 1; }
}

at_least() { # ACTUAL BOUND, with fractions
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 >= b + 0) }' || { echo "$1 is less than $2"; return 1; }
}

at_most() { # ACTUAL BOUND, with fractions
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 <= b + 0) }' || { echo "$1 is more than $2"; return 1; }
}

no() { # COMMAND...: holds if the command fails
	! "$@"
}

# ---- programs ------------------------------------------------------------------------------------
# As distributions that build everything with frame pointers do.
frame_pointers=(-O2 -g0 -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -D_GNU_SOURCE)

build() { # OUTPUT SOURCE [FLAG...]: C or C++ with frame pointers, into $work
	local output=$work/$1 source=$programs/$2 compiler=${CC:-cc}
	shift 2
	[ "${source##*.}" = cc ] && compiler=${CXX:-c++}
	"$compiler" "${frame_pointers[@]}" "$source" -o "$output" "$@"
}

build_with() { # COMPILER OUTPUT SOURCE [FLAG...]
	local CC=$1
	shift
	build "$@"
}

native_clang() {
	local name
	for name in clang clang-14 clang-15 clang-16 clang-17 clang-18 clang-19; do
		command -v "$name" && return
	done
}

start() { # COMMAND...: in the background, killed at the end at the latest; sets $started
	"$@" </dev/null >"$work/started.out" 2>&1 9>&- &
	started=$!
	defer stop "$started"
}

stop() { # PID...
	kill -KILL "$@" 2>/dev/null
	wait "$@" 2>/dev/null
}

wait_until() { # SECONDS COMMAND...: fails when the time is over
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" 2>/dev/null; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# ---- wick ----------------------------------------------------------------------------------------
# Whatever runs leaves its standard output in $work/out, its standard error in $work/err, and
# its exit status in $status.
run() { # COMMAND...
	"$@" </dev/null >"$work/out" 2>"$work/err"
	status=$?
	return "$status"
}

record() { # [FLAG...]: fails, with what wick said, if it does
	run "$wick" record "$@" || { cat "$work/err"; return 1; }
}

recording=
record_until_stopped() { # [FLAG...]: returns when wick samples
	"$wick" record -v -d 60s "$@" </dev/null >"$work/out" 2>"$work/err" &
	recording=$!
	defer stop "$recording"
	wait_until 5 grep -q 'debug: sampling' "$work/err" || { cat "$work/err"; return 1; }
}

stop_recording() { # [SIGNAL]: sets $status
	kill "-${1:-INT}" "$recording"
	wait "$recording"
	status=$?
	return "$status"
}

refuses() { # STATUS PATTERN COMMAND...: with one line that matches, and nothing on standard output
	local expected=$1 pattern=$2
	shift 2
	run "$@"
	same "$status" "$expected" && same "$(wc -l <"$work/err")" 1 && same "$(cat "$work/out")" "" &&
		grep -qE -e "$pattern" "$work/err" && grep -q '^wick: ' "$work/err" && return
	echo "\"$*\" ended with $status and said:"
	cat "$work/err"
	return 1
}

quality() { # WORD: the number before it in the quality line, as in "102 taken"
	sed -n "s/^wick: samples:.*[^0-9]\([0-9][0-9]*\) $1\b.*/\1/p" "$work/err"
}

folded() { # VERB FILE ARGUMENT...: see folded.py
	"$python" "$e2e/folded.py" "$@"
}

pprof() { # VERB FILE ARGUMENT...: see pprof.py
	"$python" "$e2e/pprof.py" "$@"
}
