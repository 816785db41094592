//! What the promises share: the programs as a service, load, figures, patience.
//!
//! Tests here take turns ([`alone`]): each wants the machine for itself, and reads figures of whole processes.

pub mod cache;
pub mod figures;
pub mod frames;
pub mod http;
pub mod load;
pub mod proc;
pub mod service;
pub mod site;
pub mod trouble;

pub use figures::{Figures, tell};
pub use load::Load;
pub use service::{NOBODY, Program, Service};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long anything may take on a busy machine before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A test's turn; it ends when this is dropped.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the long profile is wanted: `MIRRORLIST_LONG=1`.
pub fn is_long() -> bool {
    std::env::var("MIRRORLIST_LONG").is_ok_and(|value| value == "1")
}

/// What fits the profile.
pub fn by_profile<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}

/// Waits until `condition` gives a value.
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until `condition` holds, and tells how long that took.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    eventually(what, || condition().then_some(()));
    start.elapsed()
}

/// Sets a flag when it is dropped, also by a test that fails: threads that look at the flag must not wait for ever.
pub struct Raised<'a>(pub &'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sends a signal; whether there was anyone to get it.
pub fn signal(pid: u32, signal: Signal) -> bool {
    kill(Pid::from_raw(pid as i32), signal).is_ok()
}
