# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: memcached python3
# threads: memcached|mc-.*
prepare() {
	cat >load.py <<'END'
import socket, sys, time
end = time.time() + float(sys.argv[1])
s = socket.create_connection(("127.0.0.1", 21211))
block = b"".join(b"set k%d 0 0 100 noreply\r\n%s\r\nget k%d\r\n" % (i, b"x" * 100, i // 2) for i in range(2000)) + b"version\r\n"
while time.time() < end:
    s.sendall(block)
    data = b""
    while b"VERSION" not in data[-60:]:
        data = data[-60:] + s.recv(1 << 20)
END
}
run() {
	memcached -u root -l 127.0.0.1 -p 21211 -m 64 -t 2 &
	sleep 0.3
	python3 load.py "$1" & second=$!
	python3 load.py "$1"
	wait $second
	kill %1
}
