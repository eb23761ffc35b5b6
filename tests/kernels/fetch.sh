#!/usr/bin/env bash
# Brings a kernel:  fetch.sh CACHE_DIR KERNEL  prints the path of its image.
# KERNEL is a series as in 6.12, "newest", or the path of an image. Series come as Debian packages, by
# apt-get and from the mirror that this machine uses, but with its own lists and its own cache: the
# machine's are not touched. What is in the cache is not asked for again.
set -u
cache=$1 kernel=$2
suites='bullseye-security bookworm-security trixie-security trixie-backports'

fail() {
	echo "$*" >&2
	exit 1
}

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror that this machine uses: security updates and the rest may come from different ones.
mirror_of() { # SUITE
	local release
	# shellcheck disable=SC1091 # not ours
	release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	case $1 in
	*-security) release=$release-security ;;
	esac
	# shellcheck disable=SC2016 # apt expands them
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v release="$release" '$1 == release { print $2; exit }'
}

source_line() { # SUITE
	local uri signed=
	uri=$(mirror_of "$1")
	[ -f "$keyring" ] && signed="[signed-by=$keyring] "
	[ -n "$uri" ] && echo "deb $signed$uri $1 main"
}

apt() { # TOOL ARGUMENT...: with everything of its own below the cache
	local tool=$1
	shift
	"$tool" -q -o Dir::Etc::SourceList="$cache/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State="$cache/apt/state" -o Dir::State::Status=/dev/null -o Dir::Cache="$cache/apt/cache" \
		-o APT::Sandbox::User=root -o APT::Architecture=amd64 -o APT::Architectures=amd64 \
		-o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

update_lists() {
	local suite
	mkdir -p "$cache/apt/state/lists/partial" "$cache/apt/cache/archives/partial"
	for suite in $suites; do
		source_line "$suite"
	done >"$cache/apt/sources.list"
	[ -s "$cache/apt/sources.list" ] || fail "apt knows no Debian mirror here"
	# A suite that is gone fails, the others come; what matters is if the kernel is there then.
	apt apt-get update >"$cache/apt/update.log" 2>&1
	touch "$cache/apt/updated"
}

# The newest package that holds an image of that series: linux-binary since 7.0 or so, linux-image before.
package_of() { # SERIES or newest
	local series=${1//./\\.}
	[ "$1" = newest ] && series='[0-9]+\.[0-9]+'
	apt apt-cache pkgnames linux- | sed -En "s/^linux-(binary|image)-(${series}[.+-].*cloud-amd64)\$/\2 \1/p" |
		sort -k1,1V -k2,2r | awk 'END { if (NR) print "linux-" $2 "-" $1 }'
}

fetch() { # SERIES DIRECTORY
	local package
	[ -n "$(find "$cache/apt/updated" -mmin -60 2>/dev/null)" ] || update_lists
	package=$(package_of "$1")
	[ -n "$package" ] || fail "no package of a kernel $1 in the suites $suites ($cache/apt/update.log)"
	mkdir -p "$2.new" && cd "$2.new" || exit 1
	apt apt-get download "$package" >download.log 2>&1 || fail "cannot download $package ($PWD/download.log)"
	dpkg-deb --fsys-tarfile ./*.deb | tar -xO --wildcards '*/vmlinuz*' >vmlinuz || fail "no image in $package"
	rm -f ./*.deb
	echo "$package" >package
	rm -rf "$2" && mv "$2.new" "$2"
}

mkdir -p "$cache" && cache=$(realpath "$cache") || exit 1
if [[ $kernel == */* ]]; then
	[ -f "$kernel" ] || fail "there is no $kernel"
	realpath "$kernel"
	exit
fi
if ! [ -s "$cache/$kernel/vmlinuz" ]; then
	command -v dpkg-deb >/dev/null && command -v apt-get >/dev/null || fail "kernels come as Debian packages, and there is no apt-get here"
	(fetch "$kernel" "$cache/$kernel") || exit 1
fi
echo "$cache/$kernel/vmlinuz"
