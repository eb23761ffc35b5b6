#!/usr/bin/env bash
# Processes in pid namespaces of their own are sampled like any other; wick in one of its own says what
# is wrong, since there processes have other ids than the kernel samples them by.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

build inside chain.c
start unshare --pid --mount-proc --fork --kill-child "$work/inside"
wait_until 5 pgrep -x inside -P "$started" >"$work/inside.pid" # its id here
inside=$(cat "$work/inside.pid")
claim "a program runs as process 1 of a pid namespace of its own" grep -qE '^NSpid:.*[[:space:]]1$' "/proc/$inside/status"
for how in full frame-pointers; do
	claim "it is recorded by its id here, $how" \
		record --unwind $how -p "$inside" -d 1s -F 999 -o "$work/x.folded" -o "$work/x.pb.gz"
	claim "with the exact chain" folded ends "$work/x.folded" inside 'main;a;b;c' 99 10
	claim "and that id in the profile" same "$(pprof pids "$work/x.pb.gz")" "$inside"
done
claim "a recording of the machine succeeds" record --all -d 1s -F 999 -o "$work/x.folded"
claim "with the exact chain" folded ends "$work/x.folded" inside 'main;a;b;c' 99 10

alone() { # COMMAND...: in a pid namespace of its own
	unshare --pid --mount-proc --fork --kill-child "$@"
}
for target in "--pid 1" "-- $work/inside 100"; do
	# shellcheck disable=SC2086 # words
	claim "wick in a pid namespace of its own refuses $target, with what to do" \
		refuses 1 'pid namespace of its own.*hostPID: true' alone "$wick" record -o "$work/none.folded" $target
done
claim "no file is written" no test -e "$work/none.folded"
claim "the whole machine it records" run alone "$wick" record --all -d 1s -F 999 -o "$work/x.folded"
claim "with a warning and what to do" grep -qE '^wick: warning: .*pid namespace of its own.*hostPID: true' "$work/err"
claim "what cannot be named says where it is" folded absent "$work/x.folded" inside '(0x)?[0-9a-f]{8,}|0x[0-9a-f]+'
claim "on the host there is no such warning" record --all -d 300ms -F 999 -o "$work/x.folded"
claim "at all" no grep 'pid namespace' "$work/err"
