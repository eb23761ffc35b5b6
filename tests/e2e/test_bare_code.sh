#!/usr/bin/env bash
# Code that nothing describes: neither CFI nor a frame pointer, only its instructions.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

hz=999

# ---- hand-written assembler ----------------------------------------------------------------------
for kind in pushes moves aligned table; do
	build "bare-$kind" bare.c "$programs/bare_code.S" -fomit-frame-pointer
	start "$work/bare-$kind" $kind
	claim "bare-$kind is recorded" record -p "$started" -d 2s -F $hz -o "$work/$kind.folded"
	stop "$started"
	# What is missing of 100 % came before the table was there.
	claim "assembler, $kind: 90 % of its samples end in main;bare_$kind;bare_spin" \
		folded ends "$work/$kind.folded" "bare-$kind" "main;bare_$kind;bare_spin" 90 50
	claim "and each of the others has unwind information" \
		folded absent "$work/$kind.folded" "bare-$kind" '\[no unwind info\]'
done

# ---- compiled without CFI ------------------------------------------------------------------------
# No dash in a link's name: names of threads have 15 bytes.
for link in -no-pie -pie -static; do
	name=nocfi$link
	code=-fno-pie
	[ $link = -pie ] && code=-fPIE
	build "$name" chain.c $code $link -fomit-frame-pointer -fno-asynchronous-unwind-tables -fno-unwind-tables
	start "$work/$name"
	claim "$name is recorded" record -p "$started" -d 2s -F $hz -o "$work/nocfi.folded"
	stop "$started"
	claim "without CFI and frame pointers, $link: 90 % of its samples end in main;a;b;c" \
		folded ends "$work/nocfi.folded" "$name" 'main;a;b;c' 90 50
	claim "and each of the others has unwind information" \
		folded absent "$work/nocfi.folded" "$name" '\[no unwind info\]'
done

# ---- a system call at the end of a function ----------------------------------------------------------
build bare-random bare.c "$programs/bare_code.S" -fomit-frame-pointer
start "$work/bare-random" random
claim "bare-random is recorded" record -p "$started" -d 2s -F $hz -o "$work/random.folded"
stop "$started"
in_kernel() { # FUNCTION: samples in the kernel that came from it, with the right caller
	awk -v chain=";main;$1;entry_SYSCALL_64" 'index($0, chain) { n += $NF } END { print n + 0 }' "$work/random.folded"
}
claim "a system call belongs to the function that it ends, and has its caller" at_least "$(in_kernel bare_random)" 50
claim "and never to the function behind it" same "$(in_kernel bare_next)" 0

# ---- from the first instruction to the last -------------------------------------------------------------
# Most of the time of a process of 1 ms goes into exec, the dynamic loader and exit.
build brief chain.c
build spawner spawner.c
build threads threads.c -pthread
claim "a recording begins" record_until_stopped --all -F $hz -o "$work/brief.folded"
"$work/spawner" 5 "$work/brief" 1 >/dev/null &
first=$!
"$work/threads" 5 &
second=$!
claim "processes of 1 ms come and go" wait $first
claim "threads begin and end" wait $second
claim "the recording ends when interrupted" stop_recording
for name in brief spawner threads; do
	claim "$name: each of its samples has unwind information to its end" \
		folded absent "$work/brief.folded" "$name" '\[no unwind info\]'
	claim "$name: its stacks can be read" folded absent "$work/brief.folded" "$name" '\[unreadable stack\]'
	note "$name: $(folded count "$work/brief.folded" "$name") samples"
done
