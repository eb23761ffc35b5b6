# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: go wrk
# threads: server
prepare() {
	mkdir -p m && cd m || exit
	printf 'module load\ngo 1.16\n' >go.mod
	cat >main.go <<'END'
package main

import ("compress/gzip"; "crypto/sha256"; "encoding/json"; "fmt"; "net/http"; "os"; "sort"; "strings"; "time"; "strconv")

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		m := map[string]interface{}{}
		for i := 0; i < 100; i++ { m["k"+strconv.Itoa(i)] = []float64{float64(i) / 3} }
		b, _ := json.Marshal(m); json.Unmarshal(b, &m)
		words := strings.Split(string(b), ","); sort.Strings(words)
		z := gzip.NewWriter(w); defer z.Close(); fmt.Fprintf(z, "%x %v", sha256.Sum256(b), words)
	})
	seconds, _ := strconv.Atoi(os.Args[1])
	go func() { time.Sleep(time.Duration(seconds+2) * time.Second); os.Exit(0) }()
	http.ListenAndServe("127.0.0.1:18090", nil)
}
END
	HOME=$PWD go build -o server .
}
run() {
	m/server "$1" &
	sleep 0.5
	wrk -t1 -c8 -d"$1s" http://127.0.0.1:18090/
	wait
}
