//! Processes that hold the data themselves, each for itself: the way of a module in every process of a web server.

use answer::{Fragments, Scratch, Service, rules::Rules};
use cache::{CacheBytes, View};
use interchange::message::MirrorList;
use prost::Message as _;
use rand::{SeedableRng, rngs::SmallRng};
use std::{fs, hint::black_box, path::Path, thread};
use testkit::load::questions::{Kind, questions};

/// What they say when the data is there.
pub const READY: &str = "data is in memory";
/// How many requests are answered before that, so that what answering needs is in memory too.
const ANSWERED: usize = 5_000;

/// Holds a cache file on the heap, answers from it for a while, and stays.
pub fn copy(file: &Path) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("cache {}: {error}", file.display());
    let bytes = CacheBytes::read(file).map_err(|error| failed(&error))?;
    let view = View::check(&bytes).map_err(|error| failed(&error))?;
    let fragments = Fragments::prepare(&view).map_err(|error| failed(&error))?;
    let service = Service {
        view,
        fragments: &fragments,
        rules: Rules::default(),
        redirector: None,
        version: env!("CARGO_PKG_VERSION"),
    };
    let (mut scratch, mut page) = (Scratch::default(), Vec::new());
    let mut dice = SmallRng::seed_from_u64(1);
    for question in questions(&view, Kind::Mix, ANSWERED, 1) {
        page.clear();
        service.answer(&question.request(), 0, &mut dice, &mut scratch, &mut page);
    }
    stay(&bytes)
}

/// Holds the structures that MirrorManager's cache decodes to, as its servers do, and stays.
pub fn decoded(file: &Path) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let bytes = fs::read(file).map_err(|error| failed(&error))?;
    let list = MirrorList::decode(&bytes[..]).map_err(|error| failed(&error))?;
    drop(bytes);
    stay(&list)
}

fn stay<T>(held: &T) -> ! {
    eprintln!("info: yardstick: {READY}");
    loop {
        black_box(held);
        thread::park();
    }
}
