#!/usr/bin/env bash
# The command line: help, and one clear line with exit status 2 for what is wrong.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

cd "$work" || exit 1 # nothing may be written here

says() { # STATUS PATTERN COMMAND...: on standard output, and nothing on standard error
	local expected=$1 pattern=$2
	shift 2
	run "$@"
	same "$status" "$expected" && same "$(cat "$work/err")" "" && grep -qE "$pattern" "$work/out"
}

claim "help lists the verbs" says 0 '^ *record +' "$wick" help
claim "--help does, too" says 0 '^ *record +' "$wick" --help
claim "help record lists its flags" says 0 '^ *-d, --duration' "$wick" help record
claim "record --help does, too" says 0 '^ *-d, --duration' "$wick" record --help
claim "help version" says 0 'wick version' "$wick" help version
claim "version is one line with a version" says 0 '^wick [^ ]+' "$wick" version
claim "version is one line" same "$(wc -l <"$work/out")" 1
claim "--version does the same" says 0 '^wick [^ ]+' "$wick" --version
every_flag_is_explained() {
	local flag
	for flag in all pid cgroup duration frequency output format top max-frames quiet verbose help; do
		grep -q -- "--$flag" <("$wick" help record) || { echo "--$flag is not"; return 1; }
	done
}
claim "help explains every flag" every_flag_is_explained

without_verb() {
	run "$wick"
	same "$status" 2 && same "$(cat "$work/out")" "" && grep -q record "$work/err"
}
claim "without a verb: status 2, and the verbs on standard error" without_verb
claim "an unknown verb" refuses 2 '"nonsense"' "$wick" nonsense
claim "help for an unknown verb" refuses 2 '"nonsense"' "$wick" help nonsense

# What is wrong is named, in quotation marks where it is the user's word.
bad_flags() { # TEXT PATTERN FLAG...
	local text=$1 pattern=$2
	shift 2
	claim "bad usage: $text" refuses 2 "$pattern" "$wick" record "$@"
}
bad_flags "-F 0" '"0"' -F 0
bad_flags "-F 1001" '"1001".*1000' -F 1001
bad_flags "-F -5" '"-5"' -F -5
bad_flags "-F 99.5" '"99.5"' -F 99.5
bad_flags "-F with a number that does not fit" 'frequency' -F 18446744073709551715
bad_flags "-d 0" '"0"' -d 0
bad_flags "-d abc" '"abc"' -d abc
bad_flags "-d 1e3" '"1e3"' -d 1e3
bad_flags "-d -5s" '"-5s"' -d -5s
bad_flags "-d 5 s" '"5 s"' -d '5 s'
bad_flags "-d with an empty value" 'duration' -d ''
bad_flags "-d with a number that does not fit" 'duration' -d 99999999999999999999s
bad_flags "--format nope" '"nope".*pprof' --format nope
bad_flags "a suffix that tells no format" '"x\.unknown".*--format' -o x.unknown
bad_flags "-o with an empty name" 'output' -o ''
bad_flags "two outputs on standard output" 'standard output' -o - -o -
bad_flags "--all and --pid" 'more than one target' --all --pid 1
bad_flags "--pid and a command" 'more than one target' -p 1 -- true
bad_flags "--cgroup and --all" 'more than one target' --cgroup / -a
bad_flags "-- without a command" 'no command' --
bad_flags "a stray argument" '"stray".*--' stray
bad_flags "a stray argument after flags" '"stray"' -d 1s stray
bad_flags "pid 0" '"0"' -p 0
bad_flags "pid abc" '"abc"' -p abc
bad_flags "pid -1" '"-1"' -p -1
bad_flags "pid 1," 'pid|process' -p 1,abc
bad_flags "no pid" 'pid' -p ''
bad_flags "a pid that does not fit" 'pid' -p 99999999999
bad_flags "--cgroup with an empty path" 'cgroup' --cgroup ''
bad_flags "--top 0" '"0"' --top 0
bad_flags "--top many" '"many"' --top many
bad_flags "--max-frames 0" '"0"' --max-frames 0
bad_flags "--max-frames 1025" '"1025".*1024' --max-frames 1025
bad_flags "-d without a value" '-d' -d
bad_flags "--output without a value" '--output' --output
bad_flags "an unknown long flag" '"--frobnicate"' --frobnicate
bad_flags "an unknown short flag" 'Z' -Z
bad_flags "an unknown short flag among others" 'Z' -qZ
claim "no file is written for any of them" same "$(find . -name '*.folded' -o -name '*.pb.gz*' -o -name 'x*')" ""
