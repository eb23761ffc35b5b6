#!/usr/bin/env bash
# Programs with frame pointers, however they are linked: the exact chain, from the first sample on.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

chain='main;a;b;c'
clang=$(native_clang)
links=(pie:-pie fixed:-no-pie static:-static spie:-static-pie) # short: a thread's name has 15 bytes
names=()
for link in "${links[@]}"; do
	# clang and gcc differ in whether they need to be told about position independence.
	code=-fPIE
	case $link in fixed:* | static:*) code=-fno-pie ;; esac
	for compiler in gcc clang; do
		command=cc
		[ $compiler = clang ] && command=${clang:-clang}
		name=$compiler-${link%%:*}
		if build_with "$command" "$name" chain.c "$code" "${link#*:}"; then
			names+=("$name")
		else
			skip "$name is built" "$compiler cannot link ${link#*:} here"
		fi
	done
done

# ---- programs that run before record starts ------------------------------------------------------
pids=()
for name in "${names[@]}"; do
	start "$work/$name"
	pids+=("$started")
done
claim "a recording of programs that run already succeeds" record --all -d 4s -F 999 -o "$work/before.folded"
for name in "${names[@]}"; do
	claim "$name, running before record: 99 % of its samples end in $chain" \
		folded ends "$work/before.folded" "$name" "$chain" 99
done

claim "a recording of two processes succeeds" \
	record -p "${pids[0]},${pids[3]}" -d 1s -F 999 -o "$work/pid.folded"
for i in 0 3; do
	claim "${names[i]} by --pid: 99 % of its samples end in $chain" \
		folded ends "$work/pid.folded" "${names[i]}" "$chain" 99
done
claim "no process but those of --pid is in that profile" \
	folded comms "$work/pid.folded" "${names[0]}|${names[3]}"
stop "${pids[@]}"

# ---- programs that start after record ------------------------------------------------------------
claim "a recording begins" record_until_stopped --all -F 999 -o "$work/after.folded"
pids=()
for name in "${names[@]}"; do
	start "$work/$name" 600
	pids+=("$started")
done
wait "${pids[@]}"
claim "it ends when interrupted" stop_recording
for name in "${names[@]}"; do
	# 600 ms are 599 samples: what comes before main, or a chain that is found late, would show.
	claim "$name, started after record: 99 % of its samples end in $chain" \
		folded ends "$work/after.folded" "$name" "$chain" 99 400
done

for name in "${names[@]}"; do
	claim "$name is run by record" record -F 999 -o "$work/command.folded" -- "$work/$name" 400
	claim "$name, run by record: 98.5 % of its samples end in $chain" \
		folded ends "$work/command.folded" "$name" "$chain" 98.5 200
done

# ---- short functions -----------------------------------------------------------------------------
# Which of the four is interrupted varies; that its callers are there, and no others, must not.
build_with "${clang:-clang}" calls-clang calls.c
build calls-gcc calls.c
# clang gives every function a frame; gcc gives leaf none, and moves other instructions into
# prologues and epilogues.
for name in calls-clang calls-gcc; do
	start "$work/$name"
	claim "$name is recorded" record -p "$started" -d 2s -F 999 -o "$work/$name.folded"
	stop "$started"
	claim "short functions, $name, in prologues and epilogues too: 95 % of the samples have the exact path" \
		folded paths "$work/$name.folded" "$name" 'main;work;middle;leaf' 95
	note "short functions, $name, exact path: $(head -n1 "$work/claim")"
done
