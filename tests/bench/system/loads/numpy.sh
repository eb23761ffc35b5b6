# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: python3
# threads: python.*
# A wheel with OpenBLAS inside, whose kernels are written in assembler.
prepare() {
	python3 -c 'import numpy' 2>/dev/null || return 77
	cat >load.py <<'END'
import sys, time
import numpy as np
end = time.time() + float(sys.argv[1])
a = np.random.rand(300, 300)
while time.time() < end:
    a @ a, np.linalg.solve(a, a[0]), np.linalg.svd(a[:80, :80]), np.fft.fft(a), np.sort(a.ravel())
    (a.astype(np.float32) @ a.astype(np.float32)), np.linalg.eig(a[:60, :60]), np.einsum("ij,jk", a[:90, :90], a[:90, :90])
END
}
run() {
	python3 load.py "$1"
}
