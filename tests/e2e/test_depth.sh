#!/usr/bin/env bash
# Deep stacks: whole up to the limit, and cut where it says.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

build deep deep.c -static -fno-optimize-sibling-calls

# main, so many times down, and c.
calls() { # COUNT
	printf 'main;'
	printf 'down;%.0s' $(seq "$1")
	echo c
}
cut_to() { # FRAMES: c and what it takes of down, below the mark
	printf '[truncated];'
	printf 'down;%.0s' $(seq $(($1 - 1)))
	echo c
}
record_depth() { # DEPTH [FLAG...]
	local depth=$1
	shift
	start "$work/deep" "$depth"
	record -p "$started" -d 500ms -F 999 -o "$work/x.folded" "$@"
	local result=$?
	stop "$started"
	return $result
}

claim "100 calls deep: a recording succeeds" record_depth 100
claim "100 calls deep: the exact chain" folded ends "$work/x.folded" deep "$(calls 100)" 97
claim "500 calls deep: a recording succeeds" record_depth 500
claim "500 calls deep: the exact chain" folded ends "$work/x.folded" deep "$(calls 500)" 97
claim "2000 calls deep: a recording succeeds" record_depth 2000
claim "2000 calls deep: 512 frames, and a mark" folded ends "$work/x.folded" deep "$(cut_to 512)" 97
claim "1000 calls deep with --max-frames 1024: a recording succeeds" record_depth 1000 --max-frames 1024
claim "1000 calls deep with --max-frames 1024: the exact chain" folded ends "$work/x.folded" deep "$(calls 1000)" 97
claim "100 calls deep with --max-frames 16: a recording succeeds" record_depth 100 --max-frames 16
claim "100 calls deep with --max-frames 16: 16 frames, and a mark" folded ends "$work/x.folded" deep "$(cut_to 16)" 97
claim "which the summary calls by its name" grep -q 'depth_limit [0-9.]* %' "$work/err"
claim "1 frame is enough: a recording succeeds" record_depth 100 --max-frames 1
claim "it is the leaf" folded ends "$work/x.folded" deep '[truncated];c' 97
