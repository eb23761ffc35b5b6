# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: git
# threads: git.*
prepare() {
	git init -q r && cd r && for i in $(seq 60); do
		seq "$i" 900 | awk '{ print $1, $1 * 7919 % 1009 }' >f$((i % 17)) && git add . &&
			git -c user.name=a -c user.email=a@b commit -q -m "$i"
	done
}
run() {
	cd r || exit
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		git gc -q --aggressive --prune=now; git log -p >/dev/null; git fsck >/dev/null 2>&1; git blame f3 >/dev/null; git repack -q -a -d -f; git grep -c 7 >/dev/null
	done
}
