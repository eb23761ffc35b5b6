# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: php
# threads: php.*
prepare() {
	cat >load.php <<'END'
<?php $end = time() + (int)$argv[1]; function fib($n) { return $n < 2 ? $n : fib($n - 1) + fib($n - 2); }
while (time() < $end) { $a = range(0, 3000); shuffle($a); sort($a); usort($a, fn($x, $y) => $y <=> $x); json_decode(json_encode($a)); fib(15);
 $t = implode(" ", $a); preg_match_all('/(\d)(\d+)/', $t, $m); md5($t); hash('sha512', $t); gzcompress($t); preg_replace_callback('/\d+/', fn($m) => $m[0] + 1, $t); serialize($m); array_map('strrev', $a); }
END
}
run() {
	php load.php "$1"
}
