# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: gdb strace
# threads: .*
# Under a debugger and a tracer.
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		gdb -batch -nx -ex 'break write' -ex run -ex bt -ex continue -ex kill --args /bin/echo hello
		strace -f -o /dev/null sh -c 'for i in 1 2 3 4 5 6 7 8; do /bin/echo $i; done'
	done >/dev/null 2>&1
}
