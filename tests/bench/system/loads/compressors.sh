# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: xz zstd gzip bzip2
# threads: xz|zstd|gzip|bzip2|gunzip
prepare() {
	seq 400000 >data
}
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		xz -T2 -2 -k -c data >d.xz; xz -dc d.xz >/dev/null; zstd -q -9 -T2 -c data >d.zst; zstd -q -19 -c <f.small >/dev/null 2>&1
		zstd -q -dc d.zst >/dev/null; gzip -c data >d.gz; gzip -dc d.gz >/dev/null; bzip2 -c data >d.bz2; bzip2 -dc d.bz2 >/dev/null
	done
}
