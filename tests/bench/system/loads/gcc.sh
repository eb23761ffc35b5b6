# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: gcc ld make
# threads: cc1.*|as|ld|collect2|gcc|make
prepare() {
	for i in 1 2 3 4 5 6; do
		{
			echo '#include <stdio.h>'; echo '#include <stdlib.h>'; echo '#include <string.h>'; echo '#include <math.h>'
			seq 80 | sed "s/.*/double f${i}_&(double *a, int n) { double s = 0; for (int i = 0; i < n; i++) for (int j = 0; j < &; j++) { switch (i % 7) { case 0: s += sqrt(a[i]) * j; break; case 1: s -= a[j]; break; default: s *= 1.0 + a[i % 3]; } } return s; }/"
			[ $i = 1 ] && echo 'int main(void) { return 0; }'
		} >f$i.c
	done
	printf 'all: f1.o f2.o f3.o f4.o f5.o f6.o\n\tgcc -o all $^ -lm\n%%.o: %%.c\n\tgcc -O2 -g -c $<\n' >Makefile
}
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do make -s -B -j2; done
}
