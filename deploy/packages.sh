#!/bin/sh
# What wick is built and tested with, by package name, and how to find out that it is missing.
#   packages.sh check build|test|kernels|fuzz|bench|bench-system...     name every missing package, exit 1 if there is one
#   packages.sh install build|test|kernels|fuzz|bench|bench-system...   install the missing ones with apt-get or dnf (asks for root)
#   packages.sh bpftool                 print the bpftool to use
# This is the only list: the Makefile, CI and the README all come here.
set -eu

# set    probe                         Debian and Ubuntu               Fedora
table() {
	cat <<-'END'
	build  tool:make                     make                            make
	build  tool:cc                       gcc                             gcc
	build  tool:clang                    clang                           clang
	build  bpftool                       bpftool|linux-tools-generic     bpftool
	build  header:stdio.h                libc6-dev                       glibc-devel
	build  header:bpf/libbpf.h           libbpf-dev                      libbpf-devel
	build  header:gelf.h                 libelf-dev                      elfutils-libelf-devel
	build  header:dwarf.h                libdw-dev                       elfutils-devel
	build  header:zlib.h                 zlib1g-dev                      zlib-devel
	build  header:zstd.h                 libzstd-dev                     libzstd-devel
	build  header:lzma.h                 liblzma-dev                     xz-devel
	build  header:protobuf-c/protobuf-c.h libprotobuf-c-dev              protobuf-c-devel
	build  tool:protoc-c                 protobuf-c-compiler             protobuf-c-compiler
	build  header:libiberty/demangle.h   libiberty-dev                   binutils-devel
	test   header:elfutils/libdw.h       libdw-dev                       elfutils-devel
	test   tool:musl-gcc                 musl-tools                      musl-gcc
	test   library:asan                  libgcc-12-dev|libgcc-13-dev|libgcc-14-dev|libgcc-15-dev libasan
	test   library:ubsan                 libgcc-12-dev|libgcc-13-dev|libgcc-14-dev|libgcc-15-dev libubsan
	test   tool:g++                      g++                             gcc-c++
	test   tool:go                       golang-go                       golang
	test   tool:python3                  python3                         python3
	test   tool:protoc                   protobuf-compiler               protobuf-compiler
	test   tool:runc                     runc                            runc
	test   tool:stress-ng                stress-ng                       stress-ng
	test   tool:setpriv                  util-linux                      util-linux
	test   tool:rustc                    rustc                           rust
	test   tool:gunzip                   gzip                            gzip
	test   tool:readelf                  binutils                        binutils
	test   tool:xz                       xz-utils                        xz
	test   tool:dwz                      dwz                             dwz
	test   tool:llvm-symbolizer          llvm                            llvm
	test   tool:flock                    util-linux                      util-linux
	test   tool:strace                   strace                          strace
	test   tool:clang-format             clang-format-14|clang-format    clang-tools-extra
	test   tool:shellcheck               shellcheck                      ShellCheck
	kernels tool:qemu-system-x86_64      qemu-system-x86                 qemu-system-x86-core
	kernels tool:busybox                 busybox-static|busybox          busybox
	kernels tool:setpriv                 util-linux                      util-linux
	kernels archive:libc.a               libc6-dev                       glibc-static
	fuzz   fuzzer                        libclang-rt-dev|libclang-rt-14-dev compiler-rt
	bench  tool:perf                     linux-perf|linux-tools-generic  perf
	bench  tool:python3                  python3                         python3
	bench-system tool:python3            python3                         python3
	bench-system tool:perl               perl                            perl
	bench-system tool:nginx              nginx-light|nginx               nginx
	bench-system tool:wrk                wrk                             wrk
	bench-system tool:openssl            openssl                         openssl
	bench-system file:/usr/lib/postgresql/*/bin/pgbench|/usr/bin/pgbench postgresql postgresql-contrib
	bench-system tool:node               nodejs                          nodejs
	bench-system tool:javac              default-jdk-headless            java-latest-openjdk-devel
	bench-system tool:rustc              rustc                           rust
	bench-system tool:gcc                gcc                             gcc
	bench-system tool:clang              clang                           clang
	bench-system tool:go                 golang-go                       golang
	bench-system tool:ruby               ruby                            ruby
	bench-system tool:php                php-cli                         php-cli
	bench-system tool:luajit             luajit                          luajit
	bench-system tool:redis-server       redis-server                    redis
	bench-system tool:memcached          memcached                       memcached
	bench-system tool:ffmpeg             ffmpeg                          ffmpeg-free
	bench-system tool:git                git                             git
	bench-system tool:xz                 xz-utils                        xz
	bench-system tool:zstd               zstd                            zstd
	bench-system tool:sqlite3            sqlite3                         sqlite
	bench-system tool:busybox            busybox-static|busybox          busybox
	bench-system tool:stress-ng          stress-ng                       stress-ng
	bench-system tool:gdb                gdb                             gdb
	bench-system tool:strace             strace                          strace
	bench-system tool:qemu-system-x86_64 qemu-system-x86                 qemu-system-x86-core
	bench-system python:numpy            python3-numpy                   python3-numpy
	bench  tool:g++                      g++                             gcc-c++
	bench  tool:musl-gcc                 musl-tools                      musl-gcc
	bench  tool:rustc                    rustc                           rust
	bench  tool:go                       golang-go                       golang
	bench  archive:libc.a                libc6-dev                       glibc-static
	bench-symbols tool:python3           python3                         python3
	bench-symbols tool:llvm-symbolizer   llvm                            llvm
	bench-symbols tool:addr2line         binutils                        binutils
	bench-symbols tool:eu-addr2line      elfutils                        elfutils
	bench-symbols file:/usr/share/doc/libc6-dbg libc6-dbg                glibc-debuginfo
	bench-symbols file:/usr/share/doc/openjdk-17-dbg openjdk-17-dbg      java-17-openjdk-headless
	END
}

PATH=$PATH:/usr/sbin:/sbin

# Ubuntu's bpftool in PATH may be a wrapper that only works with the running kernel's tools.
find_bpftool() {
	for tool in bpftool /usr/sbin/bpftool /usr/lib/linux-tools/*/bpftool /usr/lib/linux-tools-*/bpftool; do
		if "$tool" version >/dev/null 2>&1; then
			echo "$tool"
			return 0
		fi
	done
	echo bpftool
	return 1
}

present() { # PROBE
	case $1 in
	tool:clang) for c in clang clang-14 clang-15 clang-16 clang-17 clang-18 clang-19; do
			command -v $c >/dev/null && return 0; done; return 1 ;;
	tool:clang-format) command -v clang-format-14 >/dev/null || command -v clang-format >/dev/null ;;
	tool:*) command -v "${1#tool:}" >/dev/null ;;
	header:*) echo "#include <${1#header:}>" | ${CC:-cc} -include stddef.h -E - >/dev/null 2>&1 ;;
	python:*) python3 -c "import ${1#python:}" 2>/dev/null ;;
	file:*) for path in $(echo "${1#file:}" | tr '|' ' '); do [ -e "$path" ] && return; done; return 1 ;;
	archive:*) [ "$(${CC:-cc} -print-file-name="${1#archive:}" 2>/dev/null)" != "${1#archive:}" ] ;;
	library:*) file=lib${1#library:}.so; [ "$(${CC:-cc} -print-file-name="$file" 2>/dev/null)" != "$file" ] ;;
	fuzzer) echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9; }' |
			${CLANG:-clang} -fsanitize=fuzzer -x c - -o /dev/null 2>/dev/null ;;
	bpftool) find_bpftool >/dev/null ;;
	esac
}

# Lines "debian fedora" of what is missing from the sets named.
missing() { # SET...
	for set in "$@"; do
		table | while read -r kind probe debian fedora; do
			[ "$kind" = "$set" ] || continue
			present "$probe" || echo "$debian $fedora"
		done
	done | sort -u
}

# The first of a|b|c that this release has.
available() { # NAMES
	for name in $(echo "$1" | tr '|' ' '); do
		if [ -n "$(apt-cache madison "$name" 2>/dev/null)" ]; then
			echo "$name"
			return
		fi
	done
	echo "${1%%|*}"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else
		echo "needs root: sudo $*"
		sudo "$@"
	fi
}

install_apt() { # LINES
	as_root apt-get update -qq
	packages=$(echo "$1" | while read -r debian _; do available "$debian"; done | sort -u)
	echo "installing:" $packages
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
}

install_dnf() { # LINES
	packages=$(echo "$1" | while read -r _ fedora; do echo "$fedora"; done | sort -u)
	echo "installing:" $packages
	# shellcheck disable=SC2086
	as_root dnf install -y -q $packages
}

verb=${1:-}
[ $# -gt 0 ] && shift
case $verb in
bpftool)
	find_bpftool || :
	;;
check)
	lines=$(missing "$@")
	[ -z "$lines" ] && exit 0
	echo "missing packages (\`make deps\` installs them):" >&2
	echo "$lines" | while read -r debian fedora; do
		echo "  Debian, Ubuntu: $debian   Fedora: $fedora" >&2
	done
	exit 1
	;;
install)
	lines=$(missing "$@")
	if [ -z "$lines" ]; then
		echo "all packages for $* are installed"
	elif command -v apt-get >/dev/null; then
		install_apt "$lines"
	elif command -v dnf >/dev/null; then
		install_dnf "$lines"
	else
		echo "neither apt-get nor dnf here; install these by hand:" >&2
		echo "$lines" >&2
		exit 1
	fi
	exec "$0" check "$@"
	;;
*)
	sed -n '2,6s/^# //p' "$0" >&2
	exit 2
	;;
esac
