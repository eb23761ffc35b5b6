# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: clang
# threads: clang.*|ld
prepare() {
	{
		echo '#include <stdio.h>'; echo '#include <stdlib.h>'; echo '#include <math.h>'
		seq 200 | sed 's/.*/double f&(double *a, int n) { double s = 0; for (int i = 0; i < n; i++) for (int j = 0; j < &; j++) s += sqrt(a[i]) * j; return s; }/'
		echo 'int main(void) { return 0; }'
	} >f.c
}
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do clang -O2 -g f.c -o f -lm; done
}
