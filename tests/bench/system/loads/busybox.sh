# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: busybox
# threads: busybox|sh|awk|sort|gzip|md5sum|sed|ash|grep|seq
# Static, without a table of its frames' descriptions.
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		busybox sh -c 'busybox seq 100000 | busybox awk "{ s[\$1 % 997] += \$1 } END { for (k in s) print k, s[k] }" | busybox sort -n | busybox md5sum
			busybox seq 200000 | busybox gzip -c | busybox gunzip -c | busybox sed "s/1/2/g" | busybox grep -c 22; i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done'
	done >/dev/null
}
