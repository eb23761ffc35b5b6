#!/usr/bin/env bash
# Threads and functions may have any name: no output format breaks.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

build named named.c
pids=()
# shellcheck disable=SC1003 # a single backslash
for name in $'new\nline 7' 'semi;colon 9' '</script>' '<img src=x>' $'bad\xff\xc0\x80utf' $'\e[31mred' '"];alert(1)//' '\' ' ' 'a b 12'; do
	start "$work/named" "$name"
	pids+=("$started")
done

# A symbol may contain anything but a NUL as well, and a file may be called anything but a slash.
build hostile chain.c -no-pie
objcopy --redefine-sym c='</script><script>alert("c;1 2")' --redefine-sym b=$'b\xff\n;' "$work/hostile" "$work/<b>;x 3"
start "$work/<b>;x 3"
pids+=("$started")
sleep 0.2

claim "a recording of hostile names succeeds" record -p "$(IFS=,; echo "${pids[*]}")" -d 2s -F 999 \
	-o "$work/x.folded" -o "$work/x.html" -o "$work/x.pb.gz" -o "$work/x.speedscope.json" --top 100
cp "$work/out" "$work/top"
exported=$(quality exported)
stop "${pids[@]}"
claim "there are samples enough" at_least "$exported" 200

# folded.py refuses any line that is not "frame;frame number", and what is not UTF-8.
claim "folded: every line is a stack and a number" same "$(folded total "$work/x.folded")" "$exported"
count_comms() {
	same "$(folded comms "$work/x.folded" '.*' | grep -c .)" 11
}
claim "folded: every process is there, with a name without ; and line ends" count_comms
claim "pprof: strings are UTF-8 throughout" same "$(pprof total "$work/x.pb.gz")" "$exported"
claim "pprof: every sample has its labels" pprof labels "$work/x.pb.gz"
claim "speedscope: valid JSON" "$python" -c 'import json, sys; json.load(open(sys.argv[1], encoding="utf-8"))' "$work/x.speedscope.json"
closes_script() { # once for each element that the page has, as with harmless names
	grep -qi '<script' "$work/x.html" &&
		same "$(grep -oi '</script' "$work/x.html" | wc -l)" "$(grep -oi '<script' "$work/x.html" | wc -l)" &&
		no grep -iF -e '<script>alert' -e '<img src=x' -e '<b>;x' "$work/x.html"
}
claim "html: no name ends the script or begins an element" closes_script
page_carries_names() {
	grep -q 'alert' "$work/x.html"
}
claim "html: but the names are there" page_carries_names
claim "--top: no name reaches the terminal as a control sequence" no grep -P '[\x00-\x08\x0b-\x1f\x7f]' "$work/top"
