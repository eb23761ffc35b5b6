// SPDX-License-Identifier: Apache-2.0
//! rust SECONDS [NAME,...] - what Rust makes of stacks; the same as bursts.c and its paths, see bursts.h.
use std::hint::black_box;
use std::panic;

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}
extern "C" {
    fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
}
const PROCESS: i32 = 2;
const THREAD: i32 = 3;

fn clock_ns(clock: i32) -> u64 {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    unsafe { clock_gettime(clock, &mut time) };
    time.seconds as u64 * 1_000_000_000 + time.nanoseconds as u64
}

#[inline(never)]
fn burn(units: i64) {
    let mut x: u64 = 88172645463325252;
    for _ in 0..units {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    black_box(x);
}

#[inline(never)]
fn plain_inner(units: i64) {
    burn(units);
    black_box(units);
}

#[inline(never)]
fn path_plain(units: i64) {
    plain_inner(units);
    black_box(units);
}

#[inline(never)]
fn recurse(depth: i64, units: i64) {
    if depth > 1 {
        recurse(depth - 1, units);
    } else {
        burn(units);
    }
    black_box(units);
}

#[inline(never)]
fn path_recurse300(units: i64) {
    recurse(300, units);
    black_box(units);
}

/// Unwinds the stack by the language's own unwinder, with values to drop on the way.
#[inline(never)]
fn panic_deep(depth: i64, units: i64) {
    let owned = black_box(vec![1u8; 40]);
    if depth > 1 {
        panic_deep(depth - 1, units);
    } else {
        burn(units);
        panic::resume_unwind(Box::new(()));
    }
    black_box(&owned);
}

#[inline(never)]
fn path_panic(units: i64) {
    for _ in 0..units {
        let _ = black_box(panic::catch_unwind(|| panic_deep(10, 20)));
    }
}

#[inline(never)]
fn path_sort(units: i64) {
    for i in 0..units {
        let mut items: Vec<i64> = (0..64).map(|k: i64| (k * 2654435761 + i) % 1000).collect();
        items.sort_by(|a, b| {
            burn(20);
            a.cmp(b)
        });
        black_box(&items);
    }
}

trait Burns {
    fn burn_by_table(&self, units: i64);
}
struct Frames([u64; 64]);
impl Burns for Frames {
    #[inline(never)]
    fn burn_by_table(&self, units: i64) {
        let copy = black_box(self.0);
        burn(units);
        black_box(&copy);
    }
}

#[inline(never)]
fn path_dyn(units: i64) {
    let object: Box<dyn Burns> = black_box(Box::new(Frames([1; 64])));
    object.burn_by_table(units);
    black_box(&object);
}

#[inline(never)]
fn path_aligned(units: i64) {
    #[repr(align(64))]
    struct Aligned([u8; 192]);
    let room = Aligned([units as u8; 192]);
    black_box(&room.0);
    burn(units);
    black_box(&room.0);
}

#[inline(never)]
fn path_format(units: i64) {
    for i in 0..units {
        black_box(format!("{} {:.3} {:?}", i, i as f64 / 7.0, "text"));
    }
}

struct Path {
    name: &'static str,
    weight: u64,
    run: fn(i64),
    frames: &'static str,
}
const PATHS: [Path; 7] = [
    Path { name: "plain", weight: 4, run: path_plain, frames: "bursts::burn,bursts::plain_inner,bursts::path_plain" },
    Path { name: "recurse300", weight: 2, run: path_recurse300, frames: "bursts::burn,bursts::recurse*300,bursts::path_recurse300" },
    Path { name: "panic", weight: 3, run: path_panic, frames: "~~,bursts::burn,bursts::panic_deep*10,~*,bursts::path_panic|~~,bursts::path_panic" },
    Path { name: "sort", weight: 3, run: path_sort, frames: "bursts::burn,~,bursts::path_sort|~~,bursts::path_sort" },
    Path { name: "dyn", weight: 2, run: path_dyn, frames: "bursts::burn,<bursts::Frames as bursts::Burns>::burn_by_table,bursts::path_dyn|~~,bursts::path_dyn" },
    Path { name: "aligned", weight: 2, run: path_aligned, frames: "bursts::burn,bursts::path_aligned" },
    Path { name: "format", weight: 2, run: path_format, frames: "~*,bursts::path_format" },
];

#[inline(never)]
fn run_path(run: fn(i64), units: i64) -> u64 {
    let begin = clock_ns(THREAD);
    run(units);
    clock_ns(THREAD) - begin
}

#[inline(never)]
fn run_bursts(seconds: f64, list: &str) -> u64 {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    let paths: Vec<&Path> = PATHS.iter().filter(|p| list.is_empty() || list.split(',').any(|n| n == p.name)).collect();
    let end = clock_ns(PROCESS) + (seconds * 1e9) as u64;
    let mut spent = vec![0u64; paths.len()];
    let mut rates = vec![0f64; paths.len()];
    for (i, path) in paths.iter().enumerate() {
        let mut units = 1i64;
        loop {
            let ns = run_path(path.run, units);
            spent[i] += ns;
            if ns >= 200_000 || units > 1 << 40 {
                rates[i] = units as f64 / (ns + 1) as f64;
                break;
            }
            units *= 2;
        }
    }
    let total: u64 = paths.iter().map(|p| p.weight).sum();
    let mut state = seed;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    while clock_ns(PROCESS) < end {
        let mut at = random() % total;
        let i = paths.iter().position(|p| if at < p.weight { true } else { at -= p.weight; false }).unwrap();
        let ns = 300_000 + random() % 2_700_000;
        spent[i] += run_path(paths[i].run, ((ns as f64 * rates[i]) as i64).max(1));
    }
    let process = clock_ns(PROCESS);
    let told: Vec<String> = paths
        .iter()
        .zip(&spent)
        .map(|(p, ns)| format!("{{\"name\": \"{}\", \"seconds\": {:.9}, \"frames\": \"{}\"}}", p.name, *ns as f64 / 1e9, p.frames))
        .collect();
    println!(
        "{{\"seed\": {}, \"process_seconds\": {:.9}, \"tail\": \"bursts::run_path,bursts::run_bursts,bursts::main\",\n \"paths\": [{}]}}",
        seed, process as f64 / 1e9, told.join(",\n  ")
    );
    end
}

#[inline(never)]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let seconds = arguments.get(1).map_or(10.0, |s| s.parse().unwrap());
    black_box(run_bursts(seconds, arguments.get(2).map_or("", |s| s.as_str())));
}
