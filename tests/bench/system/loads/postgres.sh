# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: initdb pgbench psql setpriv
# threads: postgres
prepare() {
	chmod 777 . && setpriv --reuid nobody --clear-groups initdb -D "$PWD/data" -A trust >/dev/null
	cat >plain.sql <<'END'
select bench_loop(300);
select count(*), avg(abalance + aid % 7) from pgbench_accounts a where aid % 3 = 0 group by bid;
select md5(string_agg(filler, '')) from (select filler from pgbench_accounts limit 2000) f;
select jsonb_agg(to_jsonb(t)) from (select * from pgbench_accounts order by abalance, aid desc limit 300) t;
select count(*) from pgbench_accounts where filler ~ '^\s*(a|b)?$';
END
	cat >function.sql <<'END'
create function bench_loop(n int) returns numeric language plpgsql as $$
declare s numeric := 0; begin
	for i in 1..n loop s := s + sqrt(i) * i; begin perform 1/(i % 50); exception when division_by_zero then null; end; end loop;
	return s; end $$;
END
}
run() {
	export PGHOST=$PWD PGPORT=15432
	setpriv --reuid nobody --clear-groups postgres -D "$PWD/data" -k "$PWD" -p 15432 -c listen_addresses= -c "jit=${JIT:-off}" \
		-c jit_above_cost=0 -c jit_inline_above_cost=1000 -c jit_optimize_above_cost=1000 -c parallel_setup_cost=0 -c min_parallel_table_scan_size=0 &
	while ! psql -U nobody -c 'select 1' postgres; do sleep 0.1; done >/dev/null 2>&1
	pgbench -U nobody -i -s 5 -q postgres && psql -U nobody -q -f function.sql postgres
	pgbench -U nobody -n -c 2 -T $(($1 / 2)) postgres
	pgbench -U nobody -n -c 2 -T $((($1 + 1) / 2)) -f plain.sql postgres
	kill -INT $! && wait
}
