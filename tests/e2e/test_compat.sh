#!/usr/bin/env bash
# 32-bit programs: what runs has a name, and the stack says why it ends there.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

text="a 32-bit program is built and runs"
if ! build compat compat.c -m32 -static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector 2>"$work/log"; then
	skip "$text" "the compiler has no -m32: $(tail -n1 "$work/log")"
	exit 0
fi
start "$work/compat"
# A kernel without CONFIG_IA32_EMULATION does not start it at all.
if ! wait_until 2 grep -q compat "/proc/$started/comm"; then
	skip "$text" "this kernel runs no 32-bit programs"
	exit 0
fi
claim "it is a 32-bit program" same "$(od -An -tu1 -j4 -N1 "/proc/$started/exe" | tr -d ' ')" 1
for how in full frame-pointers; do
	claim "it is recorded, $how" record --unwind $how -p "$started" -d 1s -F 999 -o "$work/x.folded"
	claim "its function has a name, and its callers are [32-bit code]" \
		folded ends "$work/x.folded" compat '[32-bit code];b' 99 10
	claim "the quality line counts it" grep -qE '^wick: samples: .* 32_bit_code (100|99)' "$work/err"
done
