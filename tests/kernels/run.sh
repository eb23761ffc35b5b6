#!/usr/bin/env bash
# Wick on other kernels:  run.sh BUILD_DIR [--update-budget]
# Boots each kernel of $WICK_KERNELS under qemu's software emulation, two CPUs and nothing but an
# initramfs, runs guest.sh there, and prints one TAP stream. $WICK_KERNELS lists what fetch.sh can
# bring; images, logs and consoles are kept in BUILD_DIR/kernels. A kernel that cannot be had is
# skipped, with the reason.
#
# What a BPF program costs the verifier is compared with verifier-budget.txt: 10 % more fails.
# --update-budget writes what was counted there, of the kernels that ran.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:?usage: run.sh BUILD_DIR [--update-budget]}") || exit 1
update=${2:-}
kernels=${WICK_KERNELS:-5.10 6.1 6.12 newest}
budget=$here/verifier-budget.txt
cache=$build/kernels
programs=$(dirname "$here")/programs
boot_seconds=600 # for all that one kernel does; a busy host takes five times as long as an idle one
count=0 failed=0

result() { # ok|'not ok' TEXT
	count=$((count + 1))
	[ "$1" = ok ] || failed=$((failed + 1))
	echo "$1 $count - $2"
}

# ---- what every guest gets -----------------------------------------------------------------------
# A program with the libraries that it needs, where it expects them.
put() { # FILE NAME
	local library
	cp "$1" "$root/bin/$2"
	for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -f "$root$library" ] || cp -L --parents "$library" "$root"
	done
}

compile() { # OUTPUT SOURCE FLAG...
	local output=$1 source=$2
	shift 2
	${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O2 -g0 -Wall -Wextra -Werror "$source" -o "$output" "$@"
}

with_frame_pointers() { # NAME SOURCE FLAG...
	local name=$1 source=$2
	shift 2
	compile "$root/bin/$name" "$source" -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer "$@"
}

make_initramfs() {
	root=$cache/root
	rm -rf "$root" && mkdir -p "$root/bin" "$root/lib" || return
	put "$(command -v busybox)" busybox && ln -s busybox "$root/bin/sh" &&
		put "$build/wick" wick &&
		put "$build/tests/bpf/run" bpftests &&
		put "$build/tests/kernels/run" hotplugtests &&
		compile "$root/lib/count_insns.so" "$here/count_insns.c" -shared -fPIC -ldl &&
		with_frame_pointers chain "$programs/chain.c" -static &&
		with_frame_pointers chain-pie "$programs/chain.c" -pie -fPIE &&
		compile "$root/bin/chain-bare" "$programs/chain.c" -static -fomit-frame-pointer &&
		compile "$root/bin/chain-bare-pie" "$programs/chain.c" -pie -fPIE -fomit-frame-pointer &&
		with_frame_pointers enter "$here/enter.c" -static &&
		compile "$root/bin/fake_btf" "$programs/fake_btf.c" -static &&
		put "$(command -v setpriv)" setpriv-full &&
		cp "$here/guest.sh" "$root/init" || return
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$cache/initramfs.gz"
}

# ---- one kernel ----------------------------------------------------------------------------------
# An emulated timer may be late on a busy host, and a kernel that checks it then does not boot.
boot() { # NAME IMAGE: leaves NAME.out, what the guest said, and NAME.console, what its kernel said
	rm -f "$cache/$1.out" "$cache/$1.console"
	timeout -k 5 "$boot_seconds" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 1G -nodefaults -display none \
		-no-reboot -serial "file:$cache/$1.console" -serial "file:$cache/$1.out" -kernel "$2" \
		-initrd "$cache/initramfs.gz" -append "console=ttyS0 loglevel=5 panic=-1 no_timer_check" </dev/null >"$cache/$1.qemu" 2>&1 &
	qemu=$!
	wait "$qemu"
	qemu=
}

# Results get this stream's numbers; a plan that does not hold, or no end, is a failure.
read_results() { # NAME
	local line found=0 ended=
	while IFS= read -r line; do
		line=${line%$'\r'}
		case $line in
		'ok '* | 'not ok '*)
			found=$((found + 1))
			result "${line%% [0-9]*}" "$1: ${line#* - }"
			;;
		1..*)
			[ "${line#1..}" = "$found" ] || result 'not ok' "$1: all tests ran ($found of ${line#1..})"
			found=0
			;;
		'# the guest is done') ended=yes ;;
		'# verifier '* | '# booted '*) ;;
		'# '*) echo "$line" ;;
		*) echo "# $1: $line" ;;
		esac
	done < <(cat "$cache/$1.out" 2>/dev/null)
	[ -n "$ended" ] && [ "$found" = 0 ] && return
	tail -n 15 "$cache/$1.console" "$cache/$1.qemu" 2>/dev/null | tr -d '\r' | sed 's/^/# /'
	result 'not ok' "$1: the guest came to its end within $boot_seconds s ($cache/$1.console)"
}

# What the kernel says when something is wrong in it.
check_console() { # NAME
	local complaints
	complaints=$(grep -E 'BUG:|WARNING:|Oops|Kernel panic|Call Trace|blocked for more than' "$cache/$1.console")
	if [ -n "$complaints" ]; then
		head -n 10 <<<"$complaints" | tr -d '\r' | sed 's/^/# /'
		result 'not ok' "$1: the kernel has nothing to complain of ($cache/$1.console)"
	else
		result ok "$1: the kernel has nothing to complain of"
	fi
}

# Shows what each program cost. Fails if one is 10 % over its budget, has none, or was not loaded;
# a kernel that the budget does not know, as a new one, is only shown.
compare_with_budget() { # COUNTED SERIES
	awk -v series="$2" '
		$1 != series { next }
		FILENAME == ARGV[1] { counted[$2] = $3; text = text ", " $2 " " $3; next }
		{ budget[$2] = $3; is_known = 1 }
		END {
			print series ": to verify " substr(text, 3) (is_known ? "" : "; no budget for this kernel")
			for (name in counted) {
				if (is_known && !(name in budget)) {
					print name " has no budget"
					bad = 1
				} else if (is_known && counted[name] > 1.1 * budget[name]) {
					print name " takes " counted[name] " instructions, and its budget is " budget[name]
					bad = 1
				}
			}
			for (name in budget) {
				if (!(name in counted)) {
					print name " has a budget and was not loaded"
					bad = 1
				}
			}
			exit bad || !text
		}' "$1" "$budget" | sed 's/^/# /'
	return "${PIPESTATUS[0]}"
}

check_verifier() { # NAME
	local series counted=$cache/$1.insns
	series=$(sed -n 's/^# booted \([0-9]*\.[0-9]*\).*/\1/p' "$cache/$1.out")
	sed -n "s/^# verifier /$series /p" "$cache/$1.out" | tr -d '\r' | sort >"$counted"
	if [ "$update" = --update-budget ] && [ -s "$counted" ]; then
		{ grep -v "^$series " "$budget"; cat "$counted"; } >"$budget.new" && mv "$budget.new" "$budget"
	fi
	if compare_with_budget "$counted" "$series"; then
		result ok "$1: no program takes 10 % more to verify than its budget"
	else
		result 'not ok' "$1: no program takes 10 % more to verify than its budget"
	fi
}

test_kernel() { # NAME
	local image name=${1##*/} started=$SECONDS
	if ! image=$("$here/fetch.sh" "$cache" "$1" 2>"$cache/$name.fetch"); then
		result ok "$name: the kernel can be had # SKIP $(tail -n1 "$cache/$name.fetch")"
		return
	fi
	boot "$name" "$image"
	read_results "$name"
	check_console "$name"
	check_verifier "$name"
	echo "# $name: $(sed -n 's/^# booted \([^ ]*\) \([0-9.]*\).*/\1 booted in \2 s/p' "$cache/$name.out" | tr -d '\r')," \
		"$((SECONDS - started)) s in all"
}

qemu=
# shellcheck disable=SC2317 # called by the traps
clean_up() {
	[ -n "$qemu" ] && kill "$qemu" 2>/dev/null
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

for tool in qemu-system-x86_64 busybox; do
	if ! command -v $tool >/dev/null; then
		echo "ok 1 - other kernels can be booted # SKIP there is no $tool (make deps-kernels)"
		echo "1..1"
		exit 0
	fi
done
mkdir -p "$cache"
if ! make_initramfs >"$cache/initramfs.log" 2>&1; then
	sed 's/^/# /' "$cache/initramfs.log"
	echo "Bail out! the initramfs could not be made"
	exit 1
fi
for kernel in $kernels; do
	test_kernel "$kernel"
done
echo "1..$count"
[ "$failed" -eq 0 ]
