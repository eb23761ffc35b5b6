# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: redis-server redis-benchmark
# threads: redis-server|io_thd.*|bio_.*|jemalloc.*
run() {
	redis-server --port 16379 --save '' --io-threads 2 --daemonize no >/dev/null &
	sleep 0.5
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		redis-benchmark -p 16379 -q -n 20000 -P 8 -r 10000
		redis-benchmark -p 16379 -q -n 3000 eval 'local t = {} for i = 1, 100 do t[i] = redis.call("incr", "c") end return #t' 0
		redis-cli -p 16379 bgsave
	done >/dev/null
	kill $! && wait
}
