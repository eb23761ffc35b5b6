#!/usr/bin/env bash
# Go programs whose paths are known: goroutines, panics, growing stacks, the runtime's own stacks, C called by Go
# and Go called by C.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

goes=()
for go in /usr/lib/go-[0-9]*/bin/go "$(command -v go)"; do
	[ -x "$go" ] && goes+=("$go")
done
export GOTOOLCHAIN=local GO111MODULE=off GOMAXPROCS=2
[ -n "${HOME:-}" ] || export GOCACHE="$work/cache"

try() { # GO KIND: all that is claimed of one program
	local version name more=$programs/paths_go.go
	version=$("$1" env GOVERSION)
	name=$version-$2 # a thread's name has 15 bytes
	[ "$2" = cgo ] && more=$programs/paths_cgo.go
	if ! "$1" build -o "$work/$name" "$programs/paths.go" "$more" >"$work/out" 2>&1; then
		skip "$version, $2: the paths of all samples are right" "it is not built here: $(tail -n1 "$work/out")"
		return
	fi
	# First by another name, so that the tables are there when it counts.
	ln -s "$name" "$work/warm"
	# shellcheck disable=SC2016 # for the other shell
	claim "$version, $2, is recorded" \
		record --inlines off -F 997 -o "$work/$name.folded" -- sh -c '"$1" 1000; exec "$2" 5000' - "$work/warm" "$work/$name"
	rm "$work/warm"
	claim "$version, $2: 99.8 % of the stacks are those of calls that it makes, 99.9 % whole" \
		"$python" "$e2e/go_paths.py" "$work/$name.folded" "$name" "$work/$name" 200
	note "$version, $2: $(head -n1 "$work/claim")"
}

for go in "${goes[@]}"; do
	try "$go" go
	try "$go" cgo
done
