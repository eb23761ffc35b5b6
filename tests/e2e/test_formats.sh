#!/usr/bin/env bash
# The four formats say the same, and are what their readers expect.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

hz=999
build chain chain.c -no-pie -Wl,--build-id
build chain-pie chain.c -pie -fPIE -Wl,--build-id
start "$work/chain"
start "$work/chain-pie"
start dd if=/dev/zero of=/dev/null bs=64k
claim "one recording writes all formats" record --all -d 2s -F $hz \
	-o "$work/x.pb.gz" -o "$work/x.folded" -o "$work/x.html" -o "$work/x.speedscope.json"
exported=$(quality exported)
quality_line=$(sed -n 's/^wick: \(samples: .*\)/\1/p' "$work/err")
files_written() {
	local file
	for file in pb.gz folded html speedscope.json; do
		grep -qx "wick: wrote $work/x.$file" "$work/err" || { echo "$file is not reported"; return 1; }
	done
}
claim "and says so" files_written
claim "there are samples enough" at_least "$exported" 200

# ---- folded --------------------------------------------------------------------------------------
claim "folded: the samples are those of the quality line" same "$(folded total "$work/x.folded")" "$exported"

# ---- pprof ---------------------------------------------------------------------------------------
claim "pprof: as many samples as folded" same "$(pprof total "$work/x.pb.gz")" "$exported"
claim "pprof: CPU time, its period and the time of recording" pprof types "$work/x.pb.gz" $hz
claim "pprof: ids without gaps, nothing that is not used, nothing used that is not there" pprof ids "$work/x.pb.gz"
claim "pprof: each sample has locations, and the CPU time of its count" pprof samples "$work/x.pb.gz"
claim "pprof: each location has a function with a name, and is there once" pprof locations "$work/x.pb.gz"
claim "pprof: each sample has pid, tid and comm" pprof labels "$work/x.pb.gz"
claim "pprof: the quality line is a comment" same "$(pprof comments "$work/x.pb.gz")" "$quality_line"
for name in chain chain-pie; do
	claim "pprof: addresses of $name are those of its symbols" \
		pprof addresses "$work/x.pb.gz" "$work/$name" main a b c
	build_id=$(readelf -n "$work/$name" | sed -n 's/^ *Build ID: //p')
	claim "pprof: the build id of $name is that of its notes" same "$(pprof build-id "$work/x.pb.gz" "$work/$name")" \
		"${build_id:-none}"
done

schema=$(dirname "$(dirname "$e2e")")/pprof/profile.proto
decodes() {
	gunzip -c "$work/x.pb.gz" |
		protoc --proto_path="$(dirname "$schema")" --decode=perftools.profiles.Profile "$schema" >"$work/decoded"
}
claim "protoc decodes it" decodes
unknown_fields() {
	grep -E '^ *[0-9]+:' "$work/decoded"
}
claim "and knows every field" no unknown_fields

# ---- as go tool pprof sees it ----------------------------------------------------------------------
go_pprof() { # FLAG...
	PPROF_BINARY_PATH=/nonexistent PPROF_TMPDIR=$work go tool pprof "$@" "$work/x.pb.gz" >"$work/pprof" 2>"$work/pprof.err" ||
		{ cat "$work/pprof.err"; return 1; }
}
claim "go tool pprof reads it" go_pprof -top -nodecount=100000 -sample_index=samples
claim "its total is the same" grep -qE "^Showing nodes accounting for .* of $exported total|^Showing nodes accounting for $exported, 100% of $exported total" "$work/pprof"
claim "and it gives each function what folded gives it" \
	same "$(awk '$NF == "c" { n += $1 } END { print n }' "$work/pprof")" "$(folded leaf "$work/x.folded" c)"
claim "go tool pprof -raw reads it" go_pprof -raw
raw_total() {
	awk '/^Samples:/ { on = 1 } /^Locations/ { on = 0 }
		on && $1 ~ /^[0-9]+$/ && $2 ~ /^[0-9]+:$/ { n += $1; ns += $2 } END { printf "%d %.0f\n", n, ns }' "$work/pprof"
}
claim "its samples and their CPU time add up to the same" \
	same "$(raw_total)" "$exported $((exported * (1000000000 / hz)))"

# ---- speedscope ----------------------------------------------------------------------------------
speedscope() {
	"$python" - "$work/x.speedscope.json" "$exported" "$hz" <<-'END'
		import json, sys
		with open(sys.argv[1], encoding="utf-8") as file:
		    data = json.load(file)
		exported, hz = int(sys.argv[2]), int(sys.argv[3])
		assert data["$schema"] == "https://www.speedscope.app/file-format-schema.json"
		frames = data["shared"]["frames"]
		assert all(frame["name"] for frame in frames)
		totals = {}
		for profile in data["profiles"]:
		    assert profile["type"] == "sampled" and len(profile["samples"]) == len(profile["weights"])
		    assert all(0 <= i < len(frames) for stack in profile["samples"] for i in stack)
		    assert all(profile["samples"]) and profile["endValue"] - profile["startValue"] == sum(profile["weights"])
		    totals[profile["unit"]] = totals.get(profile["unit"], 0) + sum(profile["weights"])
		assert set(totals.values()) <= {exported, exported * (10**9 // hz)}, (totals, exported)
	END
}
claim "speedscope: valid JSON whose weights add up to the same" speedscope

# ---- page ----------------------------------------------------------------------------------------
page_is_complete() {
	grep -qi '^<!doctype html>' "$work/x.html" && grep -qi '</html>' "$work/x.html" && grep -q chain-pie "$work/x.html"
}
page_loads_something() {
	grep -oiE '(src|href|action) *= *["'\'']?[^"'\''# >]{1,60}|url\([^)]{1,60}|@import|fetch\(|XMLHttpRequest|WebSocket|sendBeacon|<script [^>]*src' \
		"$work/x.html" | grep -v '="data:'
}
addresses_in_page() {
	# Names of XML vocabularies are no addresses to load from.
	grep -oE '(https?:)?//[a-zA-Z0-9.-]+\.[a-z]{2,}[^"'\'' )<]{0,40}' "$work/x.html" | grep -v '^http://www\.w3\.org/'
}
claim "html: a whole page" page_is_complete
claim "html: it loads nothing" no page_loads_something
claim "html: no address of another site is in it" no addresses_in_page

# ---- one at a time -------------------------------------------------------------------------------
cd "$work" || exit 1
claim "without -o there is wick.pb.gz" record -d 200ms
claim "which is a profile" pprof samples "$work/wick.pb.gz"
claim "--format tells what the suffix does not" record -d 200ms --format folded -o "$work/plain"
claim "and is obeyed" folded present "$work/plain" chain c
claim "without suffix and --format it is pprof" record -d 200ms -o "$work/bare"
claim "and is a profile" pprof samples "$work/bare"
