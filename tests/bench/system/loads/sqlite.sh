# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: sqlite3
# threads: sqlite3
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		sqlite3 :memory: 'create table t(a integer primary key, b text); with recursive c(x) as (values(1) union all select x+1 from c where x<200000) insert into t select x, hex(x*7919%10007) from c; create index i on t(b); select count(distinct b), sum(length(b)) from t; select b, count(*) from t group by b having count(*) > 3 order by 2 limit 9; select sum(a) from t where b like "%3%"' >/dev/null
	done
}
