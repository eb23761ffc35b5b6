#!/usr/bin/env bash
# Processes that live for 20 ms of CPU time: nearly all of that time is in the profile.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

hz=999
build short chain.c -static
build spawner spawner.c

claim "a recording begins" record_until_stopped --all -F $hz -o "$work/x.folded"
# Two at a time, one for each CPU that most machines have at least.
"$work/spawner" 4 "$work/short" 20 >"$work/used.1" &
first=$!
"$work/spawner" 4 "$work/short" 20 >"$work/used.2" &
second=$!
claim "processes of 20 ms come and go" wait "$first"
claim "and so do others beside them" wait "$second"
claim "the recording ends when interrupted" stop_recording

read -r processes seconds < <(awk '{ n += $1; s += $2 } END { print n, s }' "$work/used.1" "$work/used.2")
claim "there were dozens of them" at_least "$processes" 24
# Every process that the kernel charged, from fork to exit, is called spawner or short.
claim "95 % of the samples of 20 ms processes end in main;a;b;c" \
	folded ends "$work/x.folded" short 'main;a;b;c' 95 400
exact=$(sed -n '1s/ .*//p' "$work/claim")
share=$(awk -v n="$exact" -v s="$seconds" -v hz=$hz 'BEGIN { printf "%.1f", 100 * n / (s * hz) }')
claim "95 % of the CPU time that the kernel charged to them is there with main;a;b;c" at_least "$share" 95
# More samples than there was time would hide a loss.
claim "and not more than there was" at_most "$share" 105
note "$processes processes of 20 ms, $seconds s: $share % of the charged CPU time has the exact chain"

# ---- how names are found ---------------------------------------------------------------------------
trace_record() { # FILE: the files that a recording of short processes opens
	strace -f -qq -e trace=open,openat,openat2 -o "$1" \
		"$wick" record -q -F $hz -o "$work/traced.folded" -- "$work/spawner" 1 "$work/short" 20
}
text="no /proc/PID/maps is read to name them"
if ! command -v strace >/dev/null; then
	skip "$text" "strace is not installed"
else
	claim "wick runs under strace" trace_record "$work/trace"
	# Of a process of 20 ms, strace itself is a good part.
	claim "with the exact chain in most samples" folded ends "$work/traced.folded" short 'main;a;b;c' 70
	claim "files are opened through /proc/PID/map_files or exe" grep -qE '/proc/[0-9]+/(map_files/|exe")' "$work/trace"
	# Its own are another matter: the start-up test of the lookup may read them.
	claim "$text" no grep -E '/proc/[0-9]+/(task/[0-9]+/)?s?maps' "$work/trace"
fi
