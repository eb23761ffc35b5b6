# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: qemu-system-x86_64
# threads: qemu.*|CPU.*|.*TCG.*
# An emulator: most of the time in code made at run time, without frame pointers.
run() {
	timeout "$1" qemu-system-x86_64 -accel tcg -cpu max -m 128 -display none -serial none -monitor none -no-reboot -boot n
	true
}
