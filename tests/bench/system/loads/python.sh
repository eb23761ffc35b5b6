# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: python3
# threads: python.*
prepare() {
	cat >load.py <<'END'
import bz2, hashlib, json, lzma, random, re, sqlite3, ssl, sys, threading, time, zlib
end = time.time() + float(sys.argv[1])
data = [{"id": i, "name": f"n{i}", "x": [i * 0.5] * 8} for i in range(300)]
text = json.dumps(data)
raw = text.encode() * 4
numbers = [random.random() for _ in range(20000)]
database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("create table t(a integer primary key, b text, c real)")
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def deep(n):
    return sorted([3, 1, 2], key=lambda x: deep(n - 1)[0] if n and x == 1 else x)
class Thing:
    def __init__(self, v):
        self.v = v
    def __lt__(self, other):
        return self.v < other.v
def work():
    while time.time() < end:
        json.loads(text)
        re.findall(r"(\w+)\":\s*(\d+|\"[^\"]*\")", text)
        sorted(map(Thing, numbers[:2000]))
        pow(3, 20011, 10**400 + 7), 3**20000 // 7**3000, str(3**4000)
        zlib.compress(raw), bz2.compress(raw[:20000]), lzma.compress(raw[:10000])
        hashlib.sha256(raw).digest(), hashlib.blake2b(raw).digest(), hashlib.sha3_256(raw).digest(), hashlib.md5(raw)
        hashlib.pbkdf2_hmac("sha512", b"p", b"s", 300)
        ssl.create_default_context()
        fib(16), deep(6), eval("sum(i * i for i in range(2000))")
def tables():
    while time.time() < end:
        with database:
            database.executemany("insert into t(b, c) values(?, ?)", ((str(i), i / 3) for i in range(500)))
        database.execute("select b, sum(c) from t group by b order by 2 desc").fetchall()
        database.execute("delete from t where a % 3 = 0")
threads = [threading.Thread(target=f) for f in (work, work, tables)]
[t.start() for t in threads], [t.join() for t in threads]
END
}
run() { # SECONDS
	python3 load.py "$1"
}
