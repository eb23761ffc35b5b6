# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: dpkg apt-cache
# threads: .*
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		dpkg -l; dpkg -S /bin/ls; apt-cache search editor; apt-cache depends bash
	done >/dev/null 2>&1
}
