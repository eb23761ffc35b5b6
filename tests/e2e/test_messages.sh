#!/usr/bin/env bash
# What is said while it works: a bar on a terminal, nothing in a pipe, and nothing at all with -q.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

build chain chain.c
start "$work/chain"
quick=("$wick" record -p "$started" -F 999 -d 500ms)
cd "$work" || exit 1

on_terminal() { # COMMAND...: standard output and error are a terminal; what it shows is in $work/shown
	"$python" - "$@" >"$work/shown" <<-'END'
		import os, pty, sys
		sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], stdin_read=lambda fd: b"")))
	END
}

claim "in a pipe it works" run "${quick[@]}" -o x.folded
claim "without progress" no grep -q $'\r\|\e' err
summary_lines() {
	same "$(grep -c . err)" 2 && grep -qx 'wick: wrote x\.folded' err && grep -qE '^wick: samples: [0-9]+ taken, [0-9]+ exported, [0-9]+ lost; ' err
}
claim "with the name of the file and the quality line" summary_lines
claim "and nothing on standard output" same "$(cat out)" ""

claim "on a terminal it works" on_terminal "${quick[@]}" -o x.folded
claim "with a bar that fills" grep -qE 'sampling \[#+\.*\] 0\.[0-9] of 0\.5 s' shown
claim "that disappears in the end" grep -qP '\r\e\[Kwick: wrote x\.folded' shown

claim "with -q it works" run "${quick[@]}" -q -o x.folded
claim "without a word" same "$(cat out err)" ""
claim "with -q on a terminal it works" on_terminal "${quick[@]}" -q -o x.folded
claim "without a word, too" same "$(cat shown)" ""
claim "but -q keeps errors" refuses 1 'nowhere' "${quick[@]}" -q -o nowhere/x.folded

claim "-v works" run "${quick[@]}" -v -o x.folded
claim "and tells more" grep -q '^wick: debug: ' err

claim "--top works" run "${quick[@]}" -o x.folded --top 2
top_shows_c() {
	cat out
	grep -qw c out && same "$(wc -l <err)" 2
}
claim "and shows the function that is busy, on standard output" top_shows_c
