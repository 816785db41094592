//! What all process tests need: a small cache, a daemon in a folder of its own, a client, and patience.

pub mod cache;
mod client;
pub mod control;
pub mod daemon;
pub mod kernel;
pub mod processes;

pub use cache::{cache_bytes, write_cache, write_dear_cache, write_large_cache, write_long_cache};
pub use client::{Client, Said};
pub use daemon::{Daemon, folder};
pub use processes::{descriptors, is_alive, mapped_caches, status_number};

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long anything may take on a busy machine before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `condition` gives a value.
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until `condition` holds.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    eventually(what, || condition().then_some(()));
}
