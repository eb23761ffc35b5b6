# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: python3 xargs
# threads: python.*
# Interpreters that live 20 to 50 ms.
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		seq 16 | xargs -P 2 -I{} /usr/bin/python3 -c 'import json; json.dumps(list(range(1000)))'
	done
}
