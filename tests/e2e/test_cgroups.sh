#!/usr/bin/env bash
# --cgroup: what is in the group and below it, and nothing else; v2 and v1 hierarchies.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

build inside chain.c
cp "$work/inside" "$work/nested"
cp "$work/inside" "$work/outside"
start "$work/outside"

# The first writable mount of a type that has (v2), or whose options name (v1), cpu control.
mount_of() { # TYPE [OPTION]
	awk -v type="$1" -v option="${2:-}" \
		'$3 == type && (option == "" || ("," $4 ",") ~ ("," option ",")) { print $2; exit }' /proc/self/mounts
}

make_group() { # DIRECTORY
	mkdir "$1" && defer rmdir "$1"
}

start_in() { # GROUP PROGRAM
	# shellcheck disable=SC2016 # expanded by that shell
	start bash -c 'echo $$ >"$0/cgroup.procs" && exec "$1"' "$1" "$work/$2"
	wait_until 5 grep -q "$2" "/proc/$started/comm"
}

both_inside() { # FILE: and in about equal parts, as there is a third one
	folded ends "$1" inside 'main;a;b;c' 99 && folded ends "$1" nested 'main;a;b;c' 99 &&
		folded comms "$1" 'inside|nested'
}

check_hierarchy() { # NAME ROOT
	local name=$1 root=$2 first second
	if ! { make_group "$root/$id" && make_group "$root/$id/below"; } 2>"$work/mkdir.log"; then
		skip "--cgroup with a $name group" "$(head -n1 "$work/mkdir.log")"
		return
	fi
	start_in "$root/$id" inside && first=$started
	start_in "$root/$id/below" nested && second=$started
	claim "--cgroup with the directory of a $name group succeeds" \
		record --cgroup "$root/$id" -d 1s -F 999 -o "$work/absolute.folded"
	claim "$name: in the profile is what is in it and below it, and nothing else" both_inside "$work/absolute.folded"
	claim "--cgroup with a path below the root of the $name hierarchy succeeds" \
		record --cgroup "/$id/below" -d 1s -F 999 -o "$work/relative.folded"
	claim "$name: a group below has no samples of the one above" folded comms "$work/relative.folded" nested
	stop "$first" "$second"
	claim "$name: a group in which nothing runs ends with 3 and a sentence" \
		refuses 3 "no samples: nothing in cgroup .*$id" "$wick" record --cgroup "$id" -d 200ms -o "$work/none.folded"
	claim "$name: and no file is written" no test -e "$work/none.folded"
	rmdir "$root/$id/below" "$root/$id"
}

claim "a recording of all of it sees the process outside" record --all -d 300ms -F 999 -o "$work/all.folded"
claim "which is busy" folded ends "$work/all.folded" outside 'main;a;b;c' 99

unified=$(mount_of cgroup2)
if [ -n "$unified" ]; then
	check_hierarchy v2 "$unified"
else
	skip "--cgroup with a v2 group" "no cgroup2 is mounted"
fi
legacy=$(mount_of cgroup cpu)
if [ -n "$legacy" ]; then
	check_hierarchy v1 "$legacy"
else
	skip "--cgroup with a v1 group" "no v1 hierarchy of the cpu controller is mounted"
fi

claim "a group that does not exist ends with 3 and is named" \
	refuses 3 '"no/such/group"' "$wick" record --cgroup no/such/group -d 200ms -o "$work/none.folded"
claim "and so does a directory that is no group" \
	refuses 3 "\"$work\"" "$wick" record --cgroup "$work" -d 200ms -o "$work/none.folded"
claim "nothing is written for them" no test -e "$work/none.folded"
