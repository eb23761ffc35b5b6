#!/bin/sh
# The first process of a guest: runs in each kernel what run.sh has put into /bin, and prints TAP on
# the second serial port; a line "# verifier NAME INSTRUCTIONS" for each BPF program that was loaded;
# and "# the guest is done" when it is. /bin/sh and all tools are busybox.
/bin/busybox --install -s /bin
export PATH=/bin WICK_GUEST=1 WICK_INSNS=/tmp/insns
claims=0

mount_all() {
	mkdir -p /proc /sys /dev /tmp
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs devtmpfs /dev
	mount -t tmpfs tmpfs /tmp
	mount -t bpf bpf /sys/fs/bpf
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mount -t tracefs tracefs /sys/kernel/tracing
}

claim() { # TEXT COMMAND...: holds if the command succeeds; its output explains if not
	text=$1
	shift
	claims=$((claims + 1))
	if "$@" >/tmp/claim 2>&1; then
		echo "ok $claims - $text"
	else
		echo "not ok $claims - $text"
		echo "# $*"
		tail -n 20 /tmp/claim | sed 's/^/#   /'
	fi
}

counted() { # COMMAND...: what its BPF programs cost the verifier is written down
	LD_PRELOAD=/lib/count_insns.so "$@"
}

start() { # COMMAND...: in the background; sets $started
	"$@" >/dev/null 2>&1 </dev/null &
	started=$!
}

stop() { # PID...
	kill -KILL "$@" 2>/dev/null
	wait "$@" 2>/dev/null
}

record() { # FLAG...: fails, with what wick said, if it does
	wick record "$@" </dev/null >/tmp/out 2>/tmp/err || { cat /tmp/err; return 1; }
}

# Of the samples of a thread so many percent, MIN of them at least, end in the chain of functions, or
# entered the kernel from there. The first ones without frame pointers may be before the file's unwind
# table is there, as they say themselves: emulated, this takes a while.
ends() { # FILE COMM CHAIN PERCENT MIN
	awk -v comm="$2" -v chain=";$3" -v percent="$4" -v least="$5" '
		{
			count = $NF
			sub(/ [0-9]+$/, "")
			if (substr($0, 1, index($0, ";") - 1) != comm)
				next
			sub(/;(asm_|entry_SYSCALL).*/, "")
			if (/;\[unwind table pending\]/) {
				pending += count
				next
			}
			total += count
			if (substr($0, length($0) - length(chain) + 1) == chain)
				right += count
			else
				print count, $0
		}
		END {
			print right + 0 " of " total + 0 " samples are right, " pending + 0 " came before the table"
			exit !(total >= least && right * 100 >= percent * total && pending * 4 <= total)
		}' "$1"
}

only() { # FILE COMM: every sample is of that thread
	! grep -v "^$2;" "$1" && [ -s "$1" ]
}

in_kernel() { # FILE COMM PERCENT: of so many samples at least, the system call is part
	awk -v comm="$2;" -v percent="$3" '
		index($0, comm) == 1 { total += $NF; if (/;entry_SYSCALL/) inside += $NF }
		END { print inside + 0 " of " total + 0; exit !(total && inside * 100 >= percent * total) }' "$1"
}

# The quality line of the last recording: taken = exported + lost, and something was taken.
accounted() {
	line=$(grep '^wick: samples: ' /tmp/err)
	echo "$line" | sed -n 's/^wick: samples: \([0-9]*\) taken, \([0-9]*\) exported, \([0-9]*\) lost.*/\1 \2 \3/p' >/tmp/figures
	read -r taken exported lost </tmp/figures && [ "$taken" -gt 0 ] && [ "$taken" = $((exported + lost)) ] && return
	echo "the quality line was: $line"
	return 1
}

# chain, static, and chain-pie have frame pointers; the bare ones have none.
chains() {
	for name in chain chain-pie chain-bare chain-bare-pie; do
		start $name
		claim "a recording of $name succeeds" record -p $started -d 2s -F 299 -o /tmp/chain.folded
		claim "99 % of its samples end in main;a;b;c" ends /tmp/chain.folded $name 'main;a;b;c' 99 20
		stop $started
	done
	claim "chain is run by record" record -F 299 -o /tmp/command.folded -- chain 1000
	claim "95 % of its samples end in main;a;b;c, from its start on" ends /tmp/command.folded chain 'main;a;b;c' 95 20
}

system_calls() {
	start enter
	claim "a recording of a program in the kernel succeeds" record -p $started -d 2s -F 299 -o /tmp/enter.folded
	claim "half of its samples at least are of a system call" in_kernel /tmp/enter.folded enter 50
	claim "99 % of its samples were called by main;a;b;c" ends /tmp/enter.folded enter 'main;a;b;c' 99 20
	stop $started
}

# ---- the test at start, and what it falls back to ---------------------------------------------------
self_test() {
	start chain
	claim "the self-test finds every mapping where /proc/self/maps has it" \
		record -v --unwind full --all -d 200ms -o /tmp/self.folded
	echo "# $(uname -r): $(sed -n 's/^wick: debug: //; /^self-test/p' /tmp/err)"
	stop $started
}

by_frame_pointers() { # PATTERN: the start line and the quality line of the last recording say so
	grep -q "^wick: ${1}stacks are followed by frame pointers alone" /tmp/err &&
		grep -q '^wick: samples: .*; by frame pointers alone$' /tmp/err && return
	cat /tmp/err
	return 1
}

frame_pointers() {
	for name in chain chain-pie enter; do
		start $name
		claim "a recording of $name by frame pointers alone succeeds" \
			record --unwind frame-pointers -p $started -d 2s -F 299 -o /tmp/chain.folded
		claim "99 % of its samples end in main;a;b;c" ends /tmp/chain.folded $name 'main;a;b;c' 99 20
		stop $started
	done
	claim "it says that this was asked for" by_frame_pointers ''
	claim "what was taken was exported or is counted as lost" accounted
}

# mm_struct with everything elsewhere; without either tree; files with their numbers elsewhere.
faked_layouts() {
	for fake in 'shift mm_struct' 'hide mm_struct' 'shift inode'; do
		# shellcheck disable=SC2086 # two words
		claim "types can be faked: $fake" fake_btf /sys/kernel/btf/vmlinux /tmp/types $fake
		start chain
		claim "with these types a recording succeeds" record --btf /tmp/types -p $started -d 2s -F 299 -o /tmp/chain.folded
		claim "by frame pointers alone, with a warning" by_frame_pointers 'warning: '
		claim "99 % of its samples end in main;a;b;c" ends /tmp/chain.folded chain 'main;a;b;c' 99 20
		stop $started
		echo "# $(uname -r): $(sed -n 's/.*frame pointers alone: //p' /tmp/err)"
	done
}

# Before 5.11 the memory of maps is charged to the process.
record_without_raising() { # with 64 KiB of locked memory and no right to have more
	# shellcheck disable=SC3045 # busybox has it
	(ulimit -l 64 && exec setpriv-full --bounding-set -sys_resource --inh-caps -sys_resource \
		wick record --all -d 200ms -F 199 -o /tmp/memory.folded) </dev/null >/tmp/out 2>/tmp/err
}

locked_memory() {
	start chain
	claim "a low limit of locked memory is raised" sh -c 'ulimit -l 64 && exec wick record -q --all -d 200ms -o /tmp/memory.folded'
	record_without_raising
	status=$?
	case $(uname -r) in
	5.10.*)
		claim "where it cannot be raised, wick refuses" test $status = 1
		claim "and says what to do" grep -q 'RLIMIT_MEMLOCK.*ulimit -l unlimited' /tmp/err
		;;
	*)
		claim "where it cannot be raised, it does not matter" test $status = 0
		;;
	esac
	[ $status -gt 1 ] && sed 's/^/# /' /tmp/err
	stop $started
}

cgroups() {
	mkdir -p /sys/fs/cgroup/group/below
	start chain
	outside=$started
	start sh -c 'echo $$ >/sys/fs/cgroup/group/below/cgroup.procs && exec chain-pie'
	claim "a recording of a cgroup succeeds" record --cgroup /group -d 1s -F 199 -o /tmp/cgroup.folded
	claim "in it is what runs below it, and nothing else" only /tmp/cgroup.folded chain-pie
	stop $started $outside
}

hotplug() {
	start chain
	first=$started
	start chain
	(
		sleep 1
		echo 0 >/sys/devices/system/cpu/cpu1/online
		sleep 1
		echo 1 >/sys/devices/system/cpu/cpu1/online
	) &
	switching=$!
	claim "a recording goes on when a CPU goes and comes back" \
		record --all -d 3s -F 199 -o /tmp/hotplug.folded
	claim "what was taken meanwhile was exported or is counted as lost" accounted
	claim "99 % of the samples are right all the same" ends /tmp/hotplug.folded chain 'main;a;b;c' 99 200
	wait $switching
	stop $first $started
}

# What record loads for each kind of target, and what the tests load.
verifier() {
	counted wick record -q --all -d 100ms -o /tmp/counted.folded
	counted wick record -q -d 100ms -o /tmp/counted.folded -- sleep 0.1
	counted wick record -q --unwind frame-pointers --all -d 100ms -o /tmp/counted.folded
	counted wick record -q --cgroup /group -d 100ms -o /tmp/counted.folded
	awk '$2 > most[$1] { most[$1] = $2 } END { for (name in most) print "# verifier", name, most[name] }' $WICK_INSNS
}

mount_all
exec </dev/null >/dev/ttyS1 2>&1
echo "# booted $(uname -r) $(cut -d ' ' -f 1 /proc/uptime)"
counted bpftests
hotplugtests
self_test
chains
system_calls
frame_pointers
faked_layouts
locked_memory
cgroups
hotplug
echo "1..$claims"
verifier >/tmp/verifier 2>&1
grep '^# verifier' /tmp/verifier
echo "# the guest is done"
poweroff -f
