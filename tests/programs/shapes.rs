// SPDX-License-Identifier: Apache-2.0
// Rust names worth demangling: a module, a trait's method. Runs for a minute at most.
use std::hint::black_box;
use std::time::{Duration, Instant};

mod shapes {
    use std::hint::black_box;

    pub trait Churn {
        fn churn(&self, seed: u64) -> u64;
    }

    pub struct Square(pub u64);

    impl Churn for Square {
        #[inline(never)]
        fn churn(&self, mut seed: u64) -> u64 {
            for _ in 0..10_000_000 {
                seed = black_box(seed).wrapping_mul(6364136223846793005).wrapping_add(self.0);
            }
            seed
        }
    }

    #[inline(never)]
    pub fn twice(shape: &Square, seed: u64) -> u64 {
        let once = shape.churn(seed);
        black_box(shape.churn(once) + 1)
    }
}

fn main() {
    let end = Instant::now() + Duration::from_secs(60);
    let square = shapes::Square(black_box(3));
    let mut seed = 1;

    while Instant::now() < end {
        seed = shapes::twice(&square, seed);
    }
    black_box(seed);
}
