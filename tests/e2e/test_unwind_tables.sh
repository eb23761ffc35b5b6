#!/usr/bin/env bash
# Unwind tables are there before the first sample, or as soon as may be; and those that were compiled once
# need not be compiled again.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

hz=999
without_frame_pointers=(-O2 -g0 -fomit-frame-pointer -D_GNU_SOURCE)
compile() { # OUTPUT SOURCE [FLAG...]
	local output=$work/$1 source=$programs/$2
	shift 2
	"${CC:-cc}" "${without_frame_pointers[@]}" "$source" -o "$output" "$@"
}
compile chain chain.c
compile static chain.c -static
build spawner spawner.c

pending() { # FILE COMM: prints the samples whose stack is marked as pending
	awk -v comm="$2" '{ split($0, part, ";") }
		part[1] == comm && /\[unwind table pending\]/ { n += $NF } END { print n + 0 }' "$1"
}
all_whole() { # FILE COMM LEAST
	folded ends "$1" "$2" 'main;a;b;c' 99 "$3" && same "$(pending "$1" "$2")" 0
}

# ---- what can be known before the start ------------------------------------------------------------
for program in chain static; do
	claim "a command ($program) is recorded" record -F $hz -o "$work/x.folded" -- "$work/$program" 300
	claim "none of its stacks waits for an unwind table" same "$(pending "$work/x.folded" $program)" 0
	claim "and they are whole" folded ends "$work/x.folded" $program 'main;a;b;c' 95 100
done
printf '#!/bin/sh\nexec %s 300\n' "$work/chain" >"$work/script"
chmod +x "$work/script"
claim "a script is recorded" record -F $hz -o "$work/x.folded" -- "$work/script"
claim "and the program that it becomes has its stacks" folded ends "$work/x.folded" chain 'main;a;b;c' 90 100

cp "$work/chain" "$work/running"
start "$work/running"
sleep 0.2
claim "a process that runs is recorded" record --pid "$started" -F $hz -d 300ms -o "$work/x.folded"
claim "none of its stacks waits for an unwind table" same "$(pending "$work/x.folded" running)" 0
claim "and they are whole" folded ends "$work/x.folded" running 'main;a;b;c' 95 50

claim "the machine is recorded" record --all -F $hz -d 2s -o "$work/x.folded"
total=$(folded count "$work/x.folded" running)
waiting=$(pending "$work/x.folded" running)
claim "a program that was busy before has at most 5 % of its stacks without a table" \
	at_most "$(awk -v n="$waiting" -v t="$total" 'BEGIN { print 100 * n / t }')" 5
note "of $total stacks of a program that ran before, $waiting had no table yet"
stop "$started"

# ---- storms ------------------------------------------------------------------------------------------
# Fifty programs in turn, half of them static: to the kernel each is a file of its own. They run once under another
# name, which a thread gets from the link that was executed; from then on their files are known.
storm() { # NAME: prints how many processes there were, and their CPU time
	local i
	for i in $(seq 50); do
		"$work/spawner" 0.04 "$work/$i/$1" 20
	done
}
for i in $(seq 50); do
	mkdir "$work/$i"
	cp "$work/$([ $((i % 2)) = 0 ] && echo static || echo chain)" "$work/$i/storm"
	ln -s storm "$work/$i/first"
done
claim "a recording begins" record_until_stopped --all -F $hz -o "$work/x.folded"
claim "fifty programs run in turn" storm first
storm storm >"$work/used.1" &
first=$!
storm storm >"$work/used.2" &
second=$!
claim "and again" wait "$first"
claim "and beside them" wait "$second"
claim "the recording ends when interrupted" stop_recording
read -r processes seconds < <(awk '{ n += $1; s += $2 } END { print n, s }' "$work/used.1" "$work/used.2")
claim "there were at least a hundred processes" at_least "$processes" 100
claim "95 % of their stacks are whole" folded ends "$work/x.folded" storm 'main;a;b;c' 95 1000
exact=$(sed -n '1s/ .*//p' "$work/claim")
share=$(awk -v n="$exact" -v s="$seconds" -v hz=$hz 'BEGIN { printf "%.1f", 100 * n / (s * hz) }')
claim "95 % of the CPU time that the kernel charged to them is there with main;a;b;c" at_least "$share" 95
claim "none of them waits for an unwind table" same "$(pending "$work/x.folded" storm)" 0
claim "taken = exported + lost" same "$(quality taken)" $(($(quality exported) + $(quality lost)))
note "fifty programs: $processes processes, $seconds s: $share % of the charged CPU time has the exact chain"
note "when they ran first, $(pending "$work/x.folded" first) of $(folded count "$work/x.folded" first) stacks had no table yet"

# ---- a table that is too large ---------------------------------------------------------------------
claim "with 1 MiB of unwind memory a command is recorded" record --unwind-memory 1M -F $hz -o "$work/x.folded" -- "$work/chain" 300
claim "and whole" folded ends "$work/x.folded" chain 'main;a;b;c' 95 100

# ---- the cache -------------------------------------------------------------------------------------
cached() { # [FLAG...]: a recording with the cache in $work/cache
	record -v --unwind-cache "$work/cache" "$@" -F $hz -o "$work/x.folded" -- "$work/chain" 300
}
came() { # HOW: tables that did
	grep -c "unwind table of .*, $1 in" "$work/err"
}
sleep 2 # a file that is younger is not kept
claim "a recording fills the cache" cached
claim "its directory is ours alone" same "$(stat -c %a "$work/cache")" 700
claim "every table was compiled" same "$(came read)" 0
compiled=$(came compiled)
claim "the next recording finds what the first one compiled" cached
claim "and compiles nothing" same "$(came compiled) $(came read)" "0 $compiled"
claim "its stacks are whole" all_whole "$work/x.folded" chain 100
for file in "$work"/cache/*; do
	printf x | dd of="$file" bs=1 seek=300 conv=notrunc status=none
done
claim "with damaged entries a recording succeeds" cached
claim "and compiles again" same "$(came compiled) $(came read)" "$compiled 0"
claim "and its stacks are whole" all_whole "$work/x.folded" chain 100

mkdir "$work/full" "$work/fixed" "$work/shared"
chmod 755 "$work/shared"
claim "a directory that others may read is refused" refuses 1 'unwind-cache: .*0700' \
	"$wick" record --unwind-cache "$work/shared" -d 100ms -o "$work/x.folded"
if mount -t tmpfs -o size=20k,mode=0700 none "$work/full" 2>/dev/null; then
	defer umount "$work/full"
	rm -rf "$work/cache"
	mount -t tmpfs -o mode=0700,ro none "$work/fixed" && defer umount "$work/fixed"
	for kind in full fixed; do
		ln -sfn "$work/$kind" "$work/cache"
		claim "a directory behind a link ($kind) is refused" no cached
		rm "$work/cache"
		claim "with a directory that is $kind a recording succeeds" record -v --unwind-cache "$work/$kind" \
			-F $hz -o "$work/x.folded" -- "$work/chain" 300
		claim "and its stacks are whole" all_whole "$work/x.folded" chain 100
	done
	claim "what did not fit is not there" same "$(find "$work/full" -name '*.tmp' | wc -l)" 0
else
	skip "with a directory that is full a recording succeeds" "no file system can be mounted"
fi

# ---- debug files -----------------------------------------------------------------------------------
# Where no frames are described its debug file tells, here that in the root directory of the process; what there is no
# debug file for is followed instruction by instruction.
jail=$work/jail
mkdir -p "$jail/usr/lib/debug/.build-id/ab"
compile bare chain.c -g -static -Wl,--build-id=0xabcdef0123 -fno-asynchronous-unwind-tables -fno-unwind-tables
objcopy --only-keep-debug "$work/bare" "$jail/cdef0123.debug"
cp "$work/bare" "$jail/bare"
objcopy --remove-section=.eh_frame --strip-debug "$jail/bare"
whole_of() { # prints the percentage of whole stacks of a process in the jail
	chroot "$jail" /bare 9>&- &
	local pid=$!
	sleep 0.1
	record -v --pid $pid -F $hz -d 300ms -o "$work/x.folded"
	kill $pid
	wait $pid 2>/dev/null
	folded ends "$work/x.folded" bare 'main;a;b;c' "$1" 10
}
by_debug_file() { # whether the table of the process in the jail came from there
	grep -qE '^wick: debug: unwind table of .*bare: .*debug file' "$work/err"
}
claim "a program without frames and without a debug file has whole stacks by its code" whole_of 95
claim "and no debug file" no by_debug_file
mv "$jail/cdef0123.debug" "$jail/usr/lib/debug/.build-id/ab/cdef0123.debug"
claim "with a debug file in its own root directory it has them too" whole_of 95
claim "by that file" by_debug_file
