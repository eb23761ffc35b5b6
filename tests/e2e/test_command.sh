#!/usr/bin/env bash
# record -- COMMAND: the command and its children from the first instruction, undisturbed.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2016 # $0 is that of the shells recorded
. "$(dirname "$0")/lib.sh"

output=$work/x.folded
build chain chain.c
cp "$work/chain" "$work/child"

claim "a command is recorded" record -F 999 -o "$output" -- "$work/chain" 200
claim "in the profile is the command alone" folded comms "$output" 'chain|wick'
claim "the summary has its exit status" grep -qx "wick: $work/chain exited with status 0" "$work/err"
claim "a command found in PATH is recorded" record -F 999 -o "$output" -- sh -c '"$0" 200; exit 7' "$work/chain"
claim "another exit status is in the summary, and that of wick is 0" grep -qx 'wick: sh exited with status 7' "$work/err"
claim "a command that a signal ends is recorded" record -F 999 -o "$output" -- sh -c '"$0" 200; kill -TERM $$' "$work/chain"
claim "the signal is in the summary" grep -qxE 'wick: sh was ended by signal 15 \(.*\)' "$work/err"

# ---- children ------------------------------------------------------------------------------------
# A child, a child's child, and one whose parent does not wait.
claim "a command with children is recorded" record -F 999 -o "$output" -- \
	sh -c '"$0" 300 & sh -c "sh -c \"$1 300\"; true"; wait' "$work/child" "$work/chain"
claim "children are in the profile" folded ends "$output" child 'main;a;b;c' 95
claim "and their children" folded ends "$output" chain 'main;a;b;c' 95
start "$work/chain"
claim "a command is recorded while others are busy" record -F 999 -o "$output" -- "$work/child" 200
claim "they are not in the profile" folded comms "$output" 'child|wick'
stop "$started"
claim "-d ends the recording of a command that goes on" \
	record -F 999 -d 300ms -o "$output" -- sh -c '"$0" 1000; touch "$1"' "$work/child" "$work/done"
claim "which is said" grep -qx 'wick: sh is still running' "$work/err"
claim "it has not ended by then" no test -e "$work/done"
claim "and does go on to its end" wait_until 20 test -e "$work/done"

# ---- its own business ----------------------------------------------------------------------------
run "$wick" record -F 999 -q -o "$output" -- sh -c 'echo to standard output; echo to standard error >&2; "$0" 100' "$work/chain"
claim "its standard output is untouched" same "$(cat "$work/out")" "to standard output"
claim "its standard error too, with -q" same "$(cat "$work/err")" "to standard error"
printf 'line\n' | "$wick" record -q -F 999 -o "$output" -- sh -c 'cat; "$0" 100' "$work/chain" >"$work/copied"
claim "its standard input too" same "$(cat "$work/copied")" line
claim "descriptors of wick are not passed on" same \
	"$("$wick" record -q -F 999 -o "$output" -- sh -c '"$0" 100; ls -l /proc/self/fd | grep -c -e anon_inode -e x.folded' "$work/chain")" 0
# Blocked or ignored signals would be inherited.
masks() { # of a command that the rest of the arguments start
	"$@" grep -E '^Sig(Blk|Ign)' /proc/self/status
}
masks_of_child() {
	"$wick" record -q -F 999 -o "$output" -- sh -c "\"\$0\" 100; grep -E '^Sig(Blk|Ign)' /proc/self/status" "$work/chain"
}
claim "its signal mask is that of the caller" same "$(masks_of_child)" "$(masks env)"
limit_of_child() {
	"$wick" record -q -F 999 -o "$output" -- bash -c '"$0" 100; ulimit -S -n' "$work/chain"
}
claim "its limit of open files is that of the caller" same "$(ulimit -S -n 1024; limit_of_child)" 1024

# ---- what cannot be run --------------------------------------------------------------------------
rm -f "$output"
claim "a command that is not there ends with 1 and is named" \
	refuses 1 'no-such-command' "$wick" record -o "$output" -- no-such-command
touch "$work/plain"
claim "a file without permission to execute ends with 1 and is named" \
	refuses 1 "$work/plain.*Permission denied" "$wick" record -o "$output" -- "$work/plain"
claim "nothing is written for them" no ls "$output"*
never_seen() { # at 1 Hz, nearly always
	run "$wick" record -F 1 -o "$output" -- true
	same "$status" 3 && grep -qE '^wick: error: no samples: true used no CPU time' "$work/err" && no test -e "$output"
}
never_seen_at_last() {
	never_seen || never_seen
}
claim "a command that no sample saw: 3, a sentence, no file" never_seen_at_last
