#!/usr/bin/env bash
# Runs suites that print TAP and adds them up:  run.sh NAME COMMAND... [-- NAME COMMAND...]...
# Prints what failed or was skipped, with its diagnostics; the last line is the total.
set -u
passed=0 failed=0 skipped=0

run_suite() { # NAME COMMAND...
	local name=$1 status output ok bad skip plan start=$SECONDS
	shift
	output=$(mktemp)
	"$@" >"$output" 2>&1 </dev/null
	status=$?
	skip=$(grep -c '^ok .*# SKIP' "$output")
	ok=$(($(grep -c '^ok ' "$output") - skip))
	bad=$(grep -c '^not ok ' "$output")
	plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$output" | tail -n1)
	# A suite that died, printed nothing or lost tests on the way has failed, whatever it counted.
	if [ "${plan:-none}" != $((ok + bad + skip)) ] || { [ $status -ne 0 ] && [ "$bad" -eq 0 ]; }; then
		bad=$((bad + 1))
		echo "not ok - $name ended with status $status after $((ok + bad + skip - 1)) of ${plan:-?} tests; its last lines:"
		tail -n 25 "$output"
	fi
	grep -E '^not ok |^# |# SKIP' "$output"
	printf '%-10s %4d passed, %d failed, %d skipped  (%d s)\n' "$name" "$ok" "$bad" "$skip" $((SECONDS - start))
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	rm -f "$output"
}

while [ $# -gt 0 ]; do
	suite=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do suite+=("$1"); shift; done
	[ $# -gt 0 ] && shift
	[ ${#suite[@]} -gt 1 ] && run_suite "${suite[@]}"
done
printf '%d passed, %d failed' "$passed" "$failed"
[ "$skipped" -gt 0 ] && printf ', %d skipped' "$skipped"
echo
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
