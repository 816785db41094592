//! What the parts of an answer cost, without system calls: one question a function.
//!
//! On a synthetic cache of 120,000 directories (`MIRRORLIST_BENCH_DIRECTORIES` for another size) that share their sets of
//! hosts (`MIRRORLIST_BENCH_UNFRIENDLY=1` for one in which each has its own), compiled as operators compile theirs. Run with `cargo bench --package benches --bench functions`; the functions are in
//! `benches/src/functions/`.

use benches::functions::{ALL, Parts};
use divan::Bencher;
use std::{env, sync::LazyLock, time::Duration};
use testkit::synthetic::Options;

fn main() {
    // Long enough for a median that repeats.
    divan::Divan::from_args().min_time(Duration::from_millis(300)).main();
}

static PARTS: LazyLock<Parts> = LazyLock::new(|| {
    let size = env::var("MIRRORLIST_BENCH_DIRECTORIES").ok().and_then(|size| size.parse().ok());
    let unfriendly = env::var_os("MIRRORLIST_BENCH_UNFRIENDLY").is_some_and(|value| value == "1");
    let options = Options { unfriendly, ..Options::new(size.unwrap_or(120_000)) };
    Parts::synthetic(&options).expect("the synthetic cache compiles")
});

#[divan::bench(args = ALL.iter().map(|(name, _)| *name))]
fn function(bencher: Bencher<'_, '_>, name: &str) {
    let make = ALL.iter().find(|function| function.0 == name).map(|function| function.1);
    let mut call = make.expect("names come from the list")(&PARTS);
    bencher.bench_local(&mut call);
}
