#!/usr/bin/env bash
# Every sample is accounted for: taken = exported + lost, and the losses by reason add up, whatever
# happens meanwhile.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

balance() { # of the quality line in $work/err, and of the profile in $work/x.folded
	local taken exported lost reasons
	taken=$(quality taken) exported=$(quality exported) lost=$(quality lost)
	reasons=$(sed -n '/^wick: samples:/p' "$work/err" | grep -oE '\([a-z_]+ [0-9]+\)' | tr -dc '0-9\n' | awk '{ n += $1 } END { print n + 0 }')
	echo "$taken taken, $exported exported, $lost lost, $reasons of them with a reason"
	at_least "$taken" 1 && same "$taken" "$((exported + lost))" && same "$lost" "$reasons" &&
		same "$(folded total "$work/x.folded")" "$exported"
}

# ---- a storm of processes --------------------------------------------------------------------------
build crowd crowd.c
# At the lowest priority, for whoever shares the machine: idle time is enough for a storm.
start nice -n 19 "$work/crowd" 500
crowd=$started
forks="stress-ng --fork 2"
if command -v stress-ng >/dev/null; then
	start nice -n 19 stress-ng --quiet --temp-path "$work" --fork 2 --timeout 30
else
	# The same in small.
	build spawner spawner.c
	start nice -n 19 "$work/spawner" 30 /bin/true
	forks="a process that forks"
fi
storm=$started
sleep 0.5
forked() { # since boot, by anyone
	awk '$1 == "processes" { print $2 }' /proc/stat
}
before=$(forked)
claim "a recording of 500 processes and $forks succeeds" record --all -d 5s -F 999 -o "$work/x.folded"
forks_seen=$(($(forked) - before))
claim "hundreds of processes came and went meanwhile" at_least $forks_seen 200
claim "taken = exported + lost, exactly, in a storm of processes" balance
note "$forks_seen forks: $(tail -n1 "$work/claim")"
kill -TERM "$storm"
wait "$storm" 2>/dev/null
stop "$crowd"

# ---- a reader that stops ---------------------------------------------------------------------------
# Deep stacks fill the ring in no time.
build deep deep.c -fno-optimize-sibling-calls
start "$work/deep" 400
start "$work/deep" 400
claim "a recording begins" record_until_stopped --all -F 1000 -o "$work/x.folded"
kill -STOP "$recording"
sleep 4
kill -CONT "$recording"
sleep 0.3
claim "it ends when interrupted" stop_recording
claim "taken = exported + lost, exactly, after wick was stopped for 4 s" balance
note "stopped for 4 s: $(tail -n1 "$work/claim")"
claim "there were samples that did not fit" at_least "$(quality lost)" 1

# ---- processes that end with the recording ---------------------------------------------------------
claim "a recording of 100 ms succeeds" record --all -d 100ms -F 1000 -o "$work/x.folded"
claim "taken = exported + lost, exactly, in a short one" balance
