#!/usr/bin/env bash
# What frames are called: C++, Rust, Go, Python, the kernel, the vDSO, code without a file.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

pids=()
begin() { # COMMAND...
	start "$@"
	pids+=("$started")
}

build shapes-cc shapes.cc
begin "$work/shapes-cc"
if rust=$(command -v rustc); then
	"$rust" -O -C force-frame-pointers=yes "$programs/shapes.rs" -o "$work/shapes-rs" 2>"$work/rustc.log"
	begin "$work/shapes-rs"
fi
if go=$(command -v go); then
	"$go" build -o "$work/chain-go" "$programs/chain.go" 2>"$work/go.log"
	begin "$work/chain-go"
fi
build anonymous anonymous.c
begin "$work/anonymous"
build clock clock.c
begin "$work/clock"
begin "$python" "$programs/busy.py"
wait_until 5 grep -q python "/proc/$started/comm"
comm_of_python=$(cat "/proc/$started/comm")
begin dd if=/dev/zero of=/dev/null bs=64k
claim "a recording of all of them succeeds" record --all -d 4s -F 999 -o "$work/x.folded" -o "$work/x.pb.gz"
stop "${pids[@]}"

# ---- languages -----------------------------------------------------------------------------------
claim "C++: names are demangled, the chain is exact" folded ends "$work/x.folded" shapes-cc \
	'main;shapes::Box<unsigned long>::operator();shapes::Box<unsigned long>::churn' 95
claim "C++: no name is mangled" folded absent "$work/x.folded" shapes-cc '_Z.*'
text="Rust: names are demangled, the chain is exact"
if [ -n "$rust" ]; then
	claim "$text" folded has "$work/x.folded" shapes-rs \
		'shapes::main;shapes::shapes::twice;<shapes::shapes::Square as shapes::shapes::Churn>::churn' 95
	claim "Rust: no name is mangled or has a hash" \
		folded absent "$work/x.folded" shapes-rs '_ZN.*|_R[A-Z].*|.*::h[0-9a-f]{16}|.*\[[0-9a-f]{16}\].*'
else
	skip "$text" "rustc is not installed"
fi
text="Go: the chain is exact"
if [ -n "$go" ]; then
	claim "$text" folded ends "$work/x.folded" chain-go 'main.main;main.a;main.b' 95
else
	skip "$text" "go is not installed"
fi
claim "Python: functions of the interpreter have names, or say where they are" folded present "$work/x.folded" \
	"$comm_of_python" '_?Py[A-Z].*|(lib)?python3\.[0-9]+.*\+0x[0-9a-f]+'

# ---- the kernel ----------------------------------------------------------------------------------
claim "kernel: functions below a system call have names" \
	folded present "$work/x.folded" dd 'vfs_read|ksys_read|__x64_sys_read'
claim "kernel: all of them" folded absent "$work/x.folded" dd '\[kernel\]'
claim "kernel: they come below the program's own" folded has "$work/x.folded" dd 'entry_SYSCALL_64_after_hwframe;do_syscall_64' 30

# ---- code without a file, and without a name -------------------------------------------------------
claim "code that a program made up is called that, below who called it" \
	folded ends "$work/x.folded" anonymous 'main;[anonymous code]' 99
vdso_has_names() {
	pprof names "$work/x.pb.gz" '[vdso]' | tee "$work/vdso" && grep -qE '^(__vdso_)?clock_gettime$' "$work/vdso"
}
claim "the vDSO has names" vdso_has_names
claim "no frame of any process is a bare number" folded absent "$work/x.folded" '*' '(0x)?[0-9a-f]{8,}|0x[0-9a-f]+|'
claim "no frame of any process is a file without a place" \
	folded absent "$work/x.folded" '*' '[^[]*\.so(\.[0-9]+)*|/.*'
note "named C++, Rust, Go, Python $comm_of_python, kernel, vDSO; $(sed -n 's/.*; \([0-9.]* % of frames named\).*/\1/p' "$work/err")"

# ---- processes that hide ---------------------------------------------------------------------------
build not_dumpable not_dumpable.c
start "$work/not_dumpable"
claim "a process that is not dumpable is recorded" record -p "$started" -d 300ms -F 999 -o "$work/hidden.folded"
claim "it has names" folded ends "$work/hidden.folded" not_dumpable main 99
stop "$started"

build set-uid chain.c -static
chmod 4711 "$work/set-uid"
start setpriv --reuid 65534 --regid 65534 --clear-groups "$work/set-uid"
wait_until 5 grep -q set-uid "/proc/$started/comm"
claim "a set-user-id program of another user runs" same "$(awk '$1 == "Uid:" { print $2, $3 }' "/proc/$started/status")" "65534 0"
claim "it is recorded" record -p "$started" -d 300ms -F 999 -o "$work/setuid.folded"
claim "it has the exact chain" folded ends "$work/setuid.folded" set-uid 'main;a;b;c' 99
stop "$started"

mkdir "$work/tmpfs"
mount -t tmpfs wick-e2e "$work/tmpfs" && defer umount "$work/tmpfs"
build tmpfs/on-tmpfs chain.c
start "$work/tmpfs/on-tmpfs"
wait_until 5 grep -q on-tmpfs "/proc/$started/comm"
claim "a program on a tmpfs is recorded" record -p "$started" -d 300ms -F 999 -o "$work/tmpfs.folded"
claim "it has the exact chain" folded ends "$work/tmpfs.folded" on-tmpfs 'main;a;b;c' 99
stop "$started"

build stripped chain.c -s
start "$work/stripped"
claim "a program without symbols is recorded" record -p "$started" -d 300ms -F 999 -o "$work/stripped.folded"
claim "its frames say where they are" folded present "$work/stripped.folded" stripped 'stripped\+0x[0-9a-f]+'
stop "$started"
