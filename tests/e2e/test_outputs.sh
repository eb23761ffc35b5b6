#!/usr/bin/env bash
# Where a profile goes: a whole file or none, never in the place of something else.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

build chain chain.c
start "$work/chain"
quick=("$wick" record -p "$started" -F 999 -d 300ms)
mkdir "$work/dir"
cd "$work/dir" || exit 1

is_profile() { # FILE
	folded ends "$1" chain 'main;a;b;c' 99
}
nothing_else() { # FILE...: is in the directory
	same "$(ls -A)" "$(printf '%s\n' "$@")"
}

# ---- files ---------------------------------------------------------------------------------------
claim "a file is written" run "${quick[@]}" -o x.folded
claim "it is a profile" is_profile x.folded
claim "nothing else is left behind" nothing_else x.folded
rm -f x.folded
ln -s target x.folded
echo precious >target
claim "a link is no obstacle" run "${quick[@]}" -o x.folded
claim "it is replaced" test ! -L x.folded
claim "and what it led to stays" same "$(cat target)" precious
claim "the profile is in its place" is_profile x.folded
rm -f x.folded target

# ---- what cannot be written ------------------------------------------------------------------------
claim "a directory that is not there: 1, and its name" refuses 1 'nowhere/x\.folded.*No such file' "${quick[@]}" -o nowhere/x.folded
mkdir folder.folded
claim "a directory in its place: 1, and its name" refuses 1 'folder\.folded.*[Dd]irectory' "${quick[@]}" -o folder.folded
rmdir folder.folded
claim "a full device: 1, and its name" refuses 1 '/dev/full.*No space' "${quick[@]}" --format folded -o /dev/full
claim "/dev/full is still a device" test -c /dev/full
claim "one bad file of two: 1" refuses 1 'nowhere' "${quick[@]}" -o x.folded -o nowhere/x.folded
claim "nothing is left behind by any of them" nothing_else
mkdir "$work/small"
mount -t tmpfs -o size=32k wick-e2e "$work/small" && defer umount "$work/small"
echo precious >"$work/small/x.html"
head -c 28k /dev/zero >"$work/small/filler" 2>/dev/null
claim "a full file system: 1, and the name" refuses 1 'small/x\.html.*No space' "${quick[@]}" -o "$work/small/x.html"
claim "the file from before is whole" same "$(cat "$work/small/x.html")" precious
claim "and nothing else is left behind" same "$(ls -A "$work/small")" "$(printf 'filler\nx.html')"
read_only() {
	# shellcheck disable=SC2016 # expanded by that shell
	unshare -m sh -c 'mount -o remount,bind,ro "$0" 2>/dev/null || mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"; exec "$@"' \
		"$work/small" "$@"
}
claim "a read-only file system: 1, and the name" refuses 1 'small/new\.folded.*[Rr]ead-only' \
	read_only "${quick[@]}" -o "$work/small/new.folded"

# ---- what is no file -----------------------------------------------------------------------------
run "${quick[@]}" --format folded -o - --top 3
claim "-o - succeeds" same "$status" 0
cp "$work/out" piped
claim "on standard output is the profile alone" is_profile piped
claim "messages and --top are on standard error" grep -q 'samples:' "$work/err"
claim "and it does not say that it wrote a file" no grep -q 'wrote' "$work/err"
claim "nothing called - is written" nothing_else piped
"${quick[@]}" -q -o - | gunzip >/dev/null
claim "-o - is pprof by default" same "${PIPESTATUS[*]}" "0 0"
reader_that_left() {
	local codes
	("${quick[@]}" --format folded -o - 2>"$work/err"; echo $? >"$work/code") | true
	codes=$(cat "$work/code")
	echo "ended with $codes and said: $(cat "$work/err")"
	[ "$codes" = 1 ] || [ "$codes" = 141 ]
}
claim "a reader of standard output that is gone is an error, and no success" reader_that_left
claim "/dev/null takes a profile" run "${quick[@]}" --format folded -o /dev/null
claim "and stays a device" test -c /dev/null
mkfifo fifo.folded
claim "a pipe that nobody reads: 1, at once" refuses 1 'fifo\.folded' timeout 10 "${quick[@]}" -o fifo.folded
timeout 10 cat fifo.folded >received &
reader=$!
sleep 0.1
claim "a pipe that somebody reads takes a profile" run "${quick[@]}" -o fifo.folded
wait "$reader"
claim "and the reader has it" is_profile received
claim "the pipe is still one" test -p fifo.folded

# ---- whose they are --------------------------------------------------------------------------------
rm -f ./*
claim "with sudo a file is written" run env SUDO_UID=65534 SUDO_GID=65534 "${quick[@]}" -o x.folded
claim "it belongs to who called sudo" same "$(stat -c %u:%g x.folded)" 65534:65534
