# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: bash dash find grep sort awk
# threads: .*
# Many short processes, most of their time in the dynamic loader.
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		bash -c 'for i in {1..60}; do x=$(echo "$i" | sed s/1/2/); [[ $x =~ ^[0-9]+$ ]]; /bin/true; done; declare -A m; for i in {1..3000}; do m[k$i]=$((i * i)); done'
		dash -c 'i=0; while [ $i -lt 60 ]; do i=$((i + 1)); /bin/true; expr $i + 1 >/dev/null; done'
		find /usr/lib -name '*.so*' -size +10k | grep -c lib | sort; find /usr/share -name '*.h' -type f | sort -r | awk -F/ '{ n[$4]++ } END { for (k in n) print n[k], k }' | sort -n | tail -3
		grep -rE '(foo|ba[rz])+[0-9]{2}' /usr/share/perl/ 2>/dev/null | wc -l
	done >/dev/null
}
