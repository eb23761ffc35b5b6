#!/usr/bin/env bash
# What wick needs and does not get: one clear line, exit status 1, and nothing written; or it goes
# on without, and says so.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

output=$work/x.folded
cp "$wick" "$work/wick" # where everybody may read it
mkdir "$work/open" && chmod 777 "$work/open"
quick=("$work/wick" record -d 300ms -F 999 -o)

without() { # CAPABILITIES COMMAND...: as root, without -cap,-cap
	local set=$1
	shift
	setpriv --bounding-set "$set" --inh-caps "$set" "$@"
}

# ---- refused -------------------------------------------------------------------------------------
claim "another user than root is told which capability is missing, and the fix" \
	refuses 1 'CAP_BPF.*sudo' setpriv --reuid 65534 --regid 65534 --clear-groups "${quick[@]}" "$work/open/x.folded"
claim "and no file is written" no test -e "$work/open/x.folded"
claim "root without CAP_BPF and CAP_SYS_ADMIN is told so" \
	refuses 1 'CAP_BPF' without -bpf,-sys_admin "${quick[@]}" "$output"
claim "root without CAP_PERFMON and CAP_SYS_ADMIN is told so" \
	refuses 1 'CAP_PERFMON' without -perfmon,-sys_admin "${quick[@]}" "$output"
claim "a kernel without BTF is refused" refuses 1 '/sys/kernel/btf/vmlinux.*CONFIG_DEBUG_INFO_BTF' \
	unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh "${quick[@]}" "$output"
claim "no file is written for any of them" no test -e "$output"
build fake_uname.so fake_uname.c -shared -fPIC
on_kernel() { # RELEASE COMMAND...
	local release=$1
	shift
	env FAKE_RELEASE="$release" LD_PRELOAD="$work/fake_uname.so" "$@"
}
for release in 5.19.17 6.0.1 6.1.35 6.2.16 6.3.9; do
	claim "Linux $release, which may freeze, is refused with the reason" \
		refuses 1 "Linux $release may freeze" on_kernel "$release" "${quick[@]}" "$output"
done
claim "no file is written on it" no test -e "$output"
claim "bad usage comes before missing rights" \
	refuses 2 'frequency' setpriv --reuid 65534 --regid 65534 --clear-groups "$work/wick" record -F 0

# ---- with less -----------------------------------------------------------------------------------
build chain chain.c
start "$work/chain"
start dd if=/dev/zero of=/dev/null bs=64k

claim "with the flag it is sampled all the same" \
	run on_kernel 6.2.16 "${quick[@]}" "$output" --allow-unsafe-kernel
claim "and a warning" grep -q 'warning: Linux 6.2.16 may freeze' "$work/err"
claim "the first safe one is sampled without a warning" run on_kernel 6.1.36 "${quick[@]}" "$output"
claim "at all" no grep warning "$work/err"

claim "without CAP_SYS_ADMIN it works: CAP_BPF and CAP_PERFMON are enough" \
	run without -sys_admin "${quick[@]}" "$output"
claim "and has the exact chain, as without it" folded ends "$output" chain 'main;a;b;c' 99
claim "without a warning" no grep warning "$work/err"

claim "without CAP_SYSLOG it works" run without -syslog,-sys_admin "${quick[@]}" "$output"
claim "with a warning that kernel functions have no names" grep -qE '^wick: warning: .*CAP_SYSLOG.*kernel' "$work/err"
claim "kernel frames are called [kernel]" folded present "$output" dd '\[kernel\]'
claim "and never by a name or a number" folded absent "$output" dd 'entry_.*|do_syscall.*|vfs_.*|(0x)?f{8}[0-9a-f]*|.*kallsyms.*'
claim "programs still have names" folded ends "$output" chain 'main;a;b;c' 99

claim "without CAP_SYS_PTRACE and CAP_CHECKPOINT_RESTORE it works" \
	run without -sys_ptrace,-checkpoint_restore,-sys_admin "${quick[@]}" "$output"
claim "with a warning for each" same "$(grep -cE 'warning: without CAP_(SYS_PTRACE|CHECKPOINT_RESTORE), ' "$work/err")" 2
claim "frames have names, or say where they are" folded absent "$output" chain '(0x)?[0-9a-f]{8,}|0x[0-9a-f]+'

# What the help says is enough for everything: no root at all.
capabilities=$("$wick" help record | grep -o 'CAP_[A-Z_]*' | sed 's/CAP_/+/' | tr '[:upper:]' '[:lower:]' | paste -sd,)
claim "a user with the capabilities that the help names can record" run setpriv --reuid 65534 --regid 65534 --clear-groups \
	--inh-caps "$capabilities" --ambient-caps "$capabilities" "${quick[@]}" "$work/open/user.folded"
claim "and has the exact chain" folded ends "$work/open/user.folded" chain 'main;a;b;c' 99
claim "and kernel functions" folded present "$work/open/user.folded" dd 'do_syscall_64'
claim "without a warning" no grep warning "$work/err"
