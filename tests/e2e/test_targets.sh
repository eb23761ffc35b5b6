#!/usr/bin/env bash
# Whom a recording is of, and when it ends.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

output=$work/x.folded
build chain chain.c
for name in one two three; do cp "$work/chain" "$work/$name"; done

# ---- processes that cannot be recorded -------------------------------------------------------------
true &
ended=$!
wait "$ended"
claim "a process that does not exist ends with 3 and is named" refuses 3 "process $ended" "$wick" record -p "$ended" -o "$output"
start "$python" -c 'if True:
	import threading, time
	threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
	time.sleep(60)'
has_two_threads() {
	[ "$(find "/proc/$started/task" -maxdepth 1 -mindepth 1 | wc -l)" = 2 ]
}
wait_until 5 has_two_threads
thread=$(basename "$(find "/proc/$started/task" -maxdepth 1 -mindepth 1 ! -name "$started")")
claim "a thread of a process ends with 3 and a sentence" refuses 3 "$thread is a thread" "$wick" record -p "$thread" -o "$output"
claim "a process that sleeps ends with 3 and a sentence" \
	refuses 3 'no samples: the process used no CPU time in 0\.[0-9] s' "$wick" record -p "$started" -d 300ms -o "$output"
claim "nothing is written for any of them" no ls "$output"*
echo old >"$output"
claim "a process that sleeps, and a file from before" refuses 3 'no samples' "$wick" record -p "$started" -d 300ms -o "$output"
claim "the file from before stays" same "$(cat "$output")" old
stop "$started"

# ---- those and no others ---------------------------------------------------------------------------
start "$work/one" && one=$started
start "$work/two" && two=$started
start "$work/three" && three=$started
claim "two processes are recorded" record -p "$one,$two" -d 1s -F 999 -o "$output"
claim "in the profile are these two and no other" same "$(folded comms "$output" 'one|two')" "one
two"
claim "--pid twice means both" record -p "$one" --pid="$three" -d 1s -F 999 -o "$output"
claim "in the profile are both" same "$(folded comms "$output" 'one|three')" "one
three"
claim "the default is every process" record -d 1s -F 999 -o "$output"
claim "in the profile are all three" folded present "$output" one c
every_comm() {
	local name
	for name in one two three; do folded ends "$output" "$name" 'main;a;b;c' 99 || return 1; done
}
claim "with the exact chain" every_comm

# ---- the end -------------------------------------------------------------------------------------
now_ms() {
	date +%s%3N
}
begin=$(now_ms)
claim "a recording of 700 ms succeeds" record -d 700ms -o "$output"
took=$(($(now_ms) - begin))
claim "and takes so long" at_least $took 700
claim "and not much longer" at_most $took 3000
rm "$output"

for signal in INT TERM HUP; do
	claim "a recording of a minute begins" record_until_stopped --all -F 999 -o "$output" -o "$work/x.pb.gz"
	sleep 0.3
	begin=$SECONDS
	claim "SIG$signal ends it early, with 0" stop_recording $signal
	claim "at once" at_most $((SECONDS - begin)) 5
	claim "what there was is written" folded ends "$output" one 'main;a;b;c' 99
	claim "in every format" same "$(pprof total "$work/x.pb.gz")" "$(folded total "$output")"
	rm "$output"
done

begin=$SECONDS
claim "the recording of a process that ends begins" record_until_stopped -p "$one" -F 999 -o "$output"
sleep 0.3
stop "$one"
wait "$recording"
status=$?
claim "it ends with the process, and 0" same $status 0
claim "at once" at_most $((SECONDS - begin)) 10
claim "what there was is written" folded ends "$output" one 'main;a;b;c' 99

claim "the recording of two processes begins" record_until_stopped -p "$two,$three" -F 999 -o "$output"
sleep 0.3
stop "$two"
sleep 0.5
claim "it goes on when one of them ends" kill -0 "$recording"
stop "$three"
claim "and ends with the other" wait "$recording"
claim "with samples of both" same "$(folded comms "$output" 'two|three')" "three
two"
