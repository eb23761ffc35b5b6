# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: stress-ng
# threads: stress-ng.*
# Its stressors jump, switch stacks, take signals, map and unmap, fork and exec.
run() {
	for s in context sigsegv sigfpe sigq signal sigpending switch clone vfork fork exec mmap mremap stack bigheap funccall funcret longjmp setjmp tree qsort \
		matrix cpu malloc pthread dynlib getrandom timer itimer rseq userfaultfd mprotect sigaltstack tsearch regs nop vdso clock goto wcs str zlib crypt hash prctl ptrace jpeg; do
		stress-ng --quiet --timeout "$(($1 > 40 ? $1 / 40 : 1))" --$s 1 2>/dev/null
	done
	true
}
