#!/usr/bin/env bash
# The whole program from the outside:  run.sh BUILD_DIR [test_FILE.sh...]
# Runs every test_*.sh here, as root, and prints one TAP stream. Each file also runs alone:
#   tests/e2e/test_chains.sh build
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:?usage: run.sh BUILD_DIR [FILE...]}") || exit 1
shift

if [ "$(id -u)" != 0 ]; then
	echo "Bail out! the end-to-end tests need root"
	exit 1
fi
if ! [ -x "$build/wick" ]; then
	echo "Bail out! there is no $build/wick"
	exit 1
fi
[ $# -gt 0 ] || set -- "$here"/test_*.sh

output=$(mktemp)
child=
# shellcheck disable=SC2317 # called by the traps
clean_up() {
	if [ -n "$child" ]; then
		kill "$child" 2>/dev/null
		wait "$child"
	fi
	rm -f "$output"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

count=0 failed=0
for file; do
	name=$(basename "$file" .sh)
	name=${name#test_}
	started=$SECONDS
	# In the background, so that a signal to this script is acted upon at once.
	bash "$here/$(basename "$file")" "$build" </dev/null >"$output" 2>&1 &
	child=$!
	wait "$child"
	child=
	plan=none found=0
	while IFS= read -r line; do
		case $line in
		'ok '* | 'not ok '*)
			count=$((count + 1)) found=$((found + 1))
			[ "${line%%ok *}" = 'not ' ] && failed=$((failed + 1))
			printf '%s %d - %s: %s\n' "${line%% [0-9]*}" "$count" "$name" "${line#* - }"
			;;
		1..*) plan=${line#1..} ;;
		'# '*) echo "$line" ;;
		*) echo "# $name: $line" ;;
		esac
	done <"$output"
	if [ "$plan" != "$found" ]; then
		count=$((count + 1)) failed=$((failed + 1))
		printf 'not ok %d - %s: ran to its end (%d of %s tests)\n' "$count" "$name" "$found" "$plan"
	fi
	printf '#   %s took %d s\n' "$name" $((SECONDS - started))
done
echo "1..$count"
[ "$failed" -eq 0 ]
