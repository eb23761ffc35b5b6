# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: go
# threads: .*
prepare() {
	mkdir -p m && cd m || exit
	printf 'module load\ngo 1.16\n' >go.mod
	printf 'package main\nimport ("fmt"; "net/http"; "encoding/json")\nfunc main() { _ = http.DefaultClient; b, _ := json.Marshal(1); fmt.Println(b) }\n' >main.go
}
run() {
	cd m || exit
	end=$(($(date +%s) + $1)) GOCACHE=$PWD/../cache
	export GOCACHE GOFLAGS=-mod=mod HOME=$PWD
	while [ "$(date +%s)" -lt "$end" ]; do rm -rf "$GOCACHE" && timeout "$1" go build -o out .; done
}
