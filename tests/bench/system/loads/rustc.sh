# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: rustc
# threads: .*
prepare() {
	{
		echo 'use std::collections::*; fn main() { let mut n = 0usize;'
		seq 60 | sed 's/.*/n += f&(n);/'
		echo 'println!("{n}"); }'
		seq 60 | sed 's/.*/fn f&(n: usize) -> usize { let mut m: BTreeMap<String, Vec<u&0>> = BTreeMap::new(); for i in 0..n { m.entry(format!("{i}")).or_default().push(i as u&0); } let mut v: Vec<_> = m.into_iter().collect(); v.sort_by(|a, b| b.1.cmp(\&a.1)); v.iter().map(|x| x.1.len()).sum::<usize>() + HashMap::<usize, [u8; &]>::new().len() }/'
	} | sed 's/u[0-9]*0>/u32>/; s/as u[0-9]*0/as u32/' >load.rs
}
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do rustc -O --crate-name load load.rs -o out; done
}
