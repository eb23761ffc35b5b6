# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: /usr/bin/python3
# threads: python.*
# What /usr/bin/python3 is: in Debian an executable without libpython.
prepare() {
	cat >load.py <<'END'
import json, re, subprocess, sys, time, zlib
end = time.time() + float(sys.argv[1])
text = json.dumps([{"id": i, "name": f"n{i}"} for i in range(500)])
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
while time.time() < end:
    for _ in range(20):
        json.loads(text), re.findall(r"\w+", text), zlib.compress(text.encode()), fib(15)
        sorted(re.findall(r"\d+", text), key=int), [x for x in map(str, range(2000))]
    subprocess.run(["true"], check=True)
END
}
run() {
	/usr/bin/python3 load.py "$1"
}
