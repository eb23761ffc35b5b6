#!/usr/bin/env bash
# A runc container on an overlay file system, with namespaces of its own, and a binary that is
# deleted or replaced while it runs.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

text="a program in a container has the exact chain"
if ! command -v runc >/dev/null; then
	skip "$text" "runc is not installed"
	exit 0
fi

# Static, for an image with nothing else in it. The other program has other functions at the same places.
build program chain.c -static
build other chain.c -static -Da=wrong_a -Db=wrong_b -Dc=wrong_c

overlay=$work/overlay
mkdir "$overlay"
mount -t tmpfs wick-e2e "$overlay" && defer umount "$overlay"
mkdir -p "$overlay"/{lower/bin,lower/proc,upper,work,root,bundle}
cp "$work/program" "$overlay/lower/bin/program"
mount -t overlay wick-e2e "$overlay/root" \
	-o "lowerdir=$overlay/lower,upperdir=$overlay/upper,workdir=$overlay/work" &&
	defer umount "$overlay/root"

# No resource limits: raising one takes a capability that containers' hosts may lack.
cat >"$overlay/bundle/config.json" <<END
{
	"ociVersion": "1.0.2",
	"process": {
		"user": { "uid": 0, "gid": 0 }, "cwd": "/", "args": ["/bin/program"], "env": [],
		"noNewPrivileges": true
	},
	"root": { "path": "$overlay/root" },
	"mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
	"linux": {
		"cgroupsPath": "/$id",
		"namespaces": [{ "type": "pid" }, { "type": "mount" }, { "type": "ipc" }, { "type": "network" }]
	}
}
END

container=0
start_container() { # sets $pid, on the host
	container=$((container + 1))
	defer runc --root "$work/runc" delete --force "$id-$container"
	runc --root "$work/runc" run --detach --bundle "$overlay/bundle" --pid-file "$work/pid" \
		"$id-$container" </dev/null >"$work/runc.log" 2>&1 || { cat "$work/runc.log"; return 1; }
	pid=$(cat "$work/pid")
}

stop_container() {
	runc --root "$work/runc" delete --force "$id-$container"
}

in_namespaces_of_its_own() {
	no same "$(readlink "/proc/$pid/ns/pid")" "$(readlink /proc/self/ns/pid)" >/dev/null &&
		no same "$(readlink "/proc/$pid/ns/mnt")" "$(readlink /proc/self/ns/mnt)" >/dev/null &&
		grep -q '^NSpid:.*\b1$' "/proc/$pid/status"
}

on_overlay() {
	same "$(stat -f -c %T "/proc/$pid/root/")" overlayfs && ! [ -e "$overlay/upper/bin" ]
}

deleted_file_runs() {
	same "$(readlink "/proc/$pid/exe")" "/bin/program (deleted)"
}

claim "runc starts a container" start_container
claim "it has namespaces of its own" in_namespaces_of_its_own
claim "its binary is in the lower layer of an overlay only" on_overlay
claim "a recording of the machine succeeds" record --all -d 1s -F 999 -o "$work/all.folded"
claim "$text" folded ends "$work/all.folded" program 'main;a;b;c' 99
claim "a recording of the container's process, by its id on the host, succeeds" \
	record -p "$pid" -d 500ms -F 999 -o "$work/pid.folded"
claim "that process has the exact chain" folded ends "$work/pid.folded" program 'main;a;b;c' 99
claim "a recording of the container's cgroup succeeds" \
	record --cgroup "/$id" -d 500ms -F 999 -o "$work/cgroup.folded"
claim "in it is the container alone" folded comms "$work/cgroup.folded" program
claim "with the exact chain" folded ends "$work/cgroup.folded" program 'main;a;b;c' 99
stop_container

claim "a container starts whose binary is removed" start_container
rm "$overlay/root/bin/program"
claim "it runs a deleted file" deleted_file_runs
claim "it is recorded" record -p "$pid" -d 500ms -F 999 -o "$work/removed.folded"
claim "a removed binary has the exact chain" folded ends "$work/removed.folded" program 'main;a;b;c' 99
stop_container

cp "$work/program" "$overlay/root/bin/program"
claim "a container starts whose binary is replaced" start_container
cp "$work/other" "$overlay/root/bin/new" && mv "$overlay/root/bin/new" "$overlay/root/bin/program"
claim "it runs a file that is no longer there" deleted_file_runs
claim "it is recorded" record --all -d 500ms -F 999 -o "$work/replaced.folded"
claim "a replaced binary has the exact chain of what runs" \
	folded ends "$work/replaced.folded" program 'main;a;b;c' 99
claim "and no name of what took its place" folded absent "$work/replaced.folded" program 'wrong_.*'
stop_container

# Both at the same path, the old and the new one, in the same recording.
cp "$work/program" "$overlay/root/bin/program"
claim "a container starts" start_container
cp "$work/other" "$overlay/root/bin/new" && mv "$overlay/root/bin/new" "$overlay/root/bin/program"
claim "another one starts from the same path" start_container
claim "both are recorded" record --all -d 1s -F 999 -o "$work/both.folded"
both() {
	folded has "$work/both.folded" program 'main;a;b;c' 30 &&
		folded has "$work/both.folded" program 'main;wrong_a;wrong_b;wrong_c' 30
}
claim "two binaries with the same path are told apart" both
