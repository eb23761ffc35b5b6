#!/usr/bin/env bash
# Kernels whose memory maps wick cannot read: a faked layout is found out at start, and frame pointers
# alone, placed by /proc/PID/maps, give the exact chain of programs that have them.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

chain='main;a;b;c'
build dynamic chain.c -pie -fPIE
build fixed chain.c -static -no-pie -fno-pie
build second chain.c -static -no-pie -fno-pie -Da=other_a -Db=other_b -Dc=other_c
# gcc gives functions that call nothing no frame, whatever the flags.
clang=$(native_clang)
build_with "${clang:-clang}" calls calls.c
build fake_btf fake_btf.c
by_frame_pointers() { # [FLAG...]
	record --unwind frame-pointers -F 999 "$@"
}
says_so() { # how stacks were walked, before and after
	grep -q "^wick: ${1-}stacks are followed by frame pointers alone" "$work/err" &&
		grep -qE '^wick: samples: .*; by frame pointers alone$' "$work/err" && return
	cat "$work/err"
	return 1
}

# ---- a layout that is not the kernel's -------------------------------------------------------------
dynamic='' fixed=''
restart() { # both programs, which end after a minute
	[ -z "$dynamic" ] || stop "$dynamic" "$fixed"
	start "$work/dynamic"
	dynamic=$started
	start "$work/fixed"
	fixed=$started
}
restart
types=/sys/kernel/btf/vmlinux
cp $types "$work/right"
claim "with the kernel's own types in a file it is as without" record -v --btf "$work/right" -p "$fixed" -d 1s -o "$work/x.folded"
claim "the self-test compares thousands of mappings" grep -qE '^wick: debug: self-test: all of [2-9][0-9]{3} mappings were found' "$work/err"
note "$(sed -n 's/^wick: debug: //; /^self-test/p' "$work/err")"
claim "and nobody speaks of frame pointers" no grep -q 'frame pointers alone' "$work/err"
# All of vm_area_struct may be shifted: before 6.1 its place is found from a part of it, and nothing changes.
fakes=("mappings lie elsewhere in a process:shift:mm_struct" "there is neither a maple tree nor a red-black tree:hide:mm_struct" "mappings have no such parts:hide:vm_area_struct"
	"files have their numbers elsewhere:shift:inode")
for fake in "${fakes[@]}"; do
	restart
	IFS=: read -r text verb type <<<"$fake"
	"$work/fake_btf" $types "$work/types" "$verb" "$type"
	claim "where $text, a recording succeeds" \
		record --btf "$work/types" -p "$dynamic,$fixed" -d 1s -F 999 -o "$work/x.folded"
	claim "and says how, and why" says_so 'warning: '
	note "$(sed -n 's/.*frame pointers alone: //p' "$work/err")"
	for name in dynamic fixed; do
		claim "99 % of the samples of $name end in $chain" folded ends "$work/x.folded" $name $chain 99 10
	done
	claim "with --unwind full it is an error" \
		refuses 1 'stacks cannot be unwound on this kernel' "$wick" record --unwind full --btf "$work/types" -d 300ms -o "$work/none.folded"
done
claim "no file is written then" no test -e "$work/none.folded"
restart
claim "a file without types is an error" refuses 1 'holds no types' "$wick" record --btf "$work/fixed" -d 300ms -o "$work/none.folded"
claim "and so is none" refuses 1 'cannot read .*/nowhere' "$wick" record --btf "$work/nowhere" -d 300ms -o "$work/none.folded"
claim "a kernel that does not show its types is sampled with --btf" run unshare -m sh -c \
	'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh "$wick" record --btf "$work/right" -p "$fixed" -d 1s -F 999 -o "$work/x.folded"
claim "with the exact chain" folded ends "$work/x.folded" fixed $chain 99

# ---- as asked for ------------------------------------------------------------------------------------
restart
claim "frame pointers can be asked for" by_frame_pointers --all -d 2s -o "$work/x.folded"
claim "it says so" says_so
for name in dynamic fixed; do
	claim "99 % of the samples of $name end in $chain" folded ends "$work/x.folded" $name $chain 99 10
done
claim "the system's own functions have names" folded present "$work/x.folded" fixed '__libc_start_call_main'
stop "$dynamic" "$fixed"
claim "a command is recorded from its start" by_frame_pointers -o "$work/x.folded" -- "$work/dynamic" 400
claim "98.5 % of its samples end in $chain" folded ends "$work/x.folded" dynamic $chain 98.5 100
claim "a program that ends after 20 ms is recorded" by_frame_pointers -o "$work/x.folded" -- "$work/fixed" 20
claim "with the exact chain" folded ends "$work/x.folded" fixed $chain 80 10

start "$work/calls"
claim "short functions are recorded" by_frame_pointers -p "$started" -d 1s -o "$work/x.folded"
claim "in prologues and epilogues too, 95 % of the samples have the exact path" \
	folded paths "$work/x.folded" calls 'main;work;middle;leaf' 95
stop "$started"

# ---- programs that change ----------------------------------------------------------------------------
# The second one is at the same addresses as the first, under the same process id.
claim "a program that executes another one is recorded" \
	by_frame_pointers -o "$work/x.folded" -- "$work/fixed" 333 "$work/second" 333
claim "99 % of the samples of the first one are its own" folded ends "$work/x.folded" fixed $chain 98.5 100
claim "and of the second one" folded ends "$work/x.folded" second 'main;other_a;other_b;other_c' 98.5 100
cp "$work/fixed" "$work/removed"
start "$work/removed"
wait_until 5 grep -q removed "/proc/$started/comm"
rm "$work/removed"
claim "a program that was deleted is recorded" by_frame_pointers -p "$started" -d 1s -o "$work/x.folded"
claim "with the exact chain" folded ends "$work/x.folded" removed $chain 99
stop "$started"
build libplugin.so plugin.c -DFUNCTION=work_old -shared -fPIC
build host host.c "$work/libplugin.so" -Wl,-rpath,"$work"
start "$work/host"
wait_until 5 grep -q libplugin "/proc/$started/maps"
claim "a program with a library is recorded" by_frame_pointers -p "$started" -d 1s -o "$work/x.folded"
claim "with functions of both" folded ends "$work/x.folded" host 'main;plugin_call;work_old' 95
stop "$started"

# ---- every sample is accounted for -------------------------------------------------------------------
balance() {
	local taken exported lost
	taken=$(quality taken) exported=$(quality exported) lost=$(quality lost)
	echo "$taken taken, $exported exported, $lost lost"
	at_least "$taken" 1 && same "$taken" "$((exported + lost))" && same "$(folded total "$work/x.folded")" "$exported"
}
build short chain.c -static
build spawner spawner.c
claim "a recording begins" record_until_stopped --unwind frame-pointers --all -F 999 -o "$work/x.folded"
"$work/spawner" 4 "$work/short" 20 >"$work/used" &
wait $!
claim "it ends when interrupted" stop_recording
claim "taken = exported + lost, exactly, while processes come and go" balance
claim "90 % of the samples of processes of 20 ms end in $chain" folded ends "$work/x.folded" short $chain 90 100
note "processes of 20 ms by frame pointers alone: $(head -n1 "$work/claim")"
note "$(sed -n 's/^wick: samples: .* named; //p' "$work/err")"
# Gone before anybody can look: they are there, and say that nothing is known of them.
build gone chain.c -static
claim "a recording of processes of 1 ms succeeds" \
	record_until_stopped --unwind frame-pointers --all -F 999 -o "$work/x.folded"
"$work/spawner" 2 "$work/gone" 1 >"$work/used"
claim "it ends when interrupted" stop_recording
claim "taken = exported + lost, exactly" balance
claim "every frame of them has a name, or says that its mapping is not known" \
	folded absent "$work/x.folded" gone '(0x)?[0-9a-f]{8,}|0x[0-9a-f]+'
note "processes of 1 ms: $(sed -n 's/^wick: samples: .* named; //p' "$work/err")"
