//! What all tests here need.

pub mod client;
pub mod forms;
pub mod load;

pub use client::{Answer, Client};
pub use load::Load;

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};
use testkit::{
    inputs, sample,
    stack::{Programs, Stack, children},
};

/// How long anything here may take; only what has failed takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The built programs.
pub fn programs() -> Programs {
    Programs::build().unwrap()
}

/// The sample, compiled once for all tests of this program.
pub fn sample_cache() -> &'static Path {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample.mlc");
        sample::write(folder.path()).unwrap();
        inputs::compile(&programs(), folder.path(), &cache).unwrap();
        cache
    })
}

/// The service on the sample, with two workers.
pub fn sample_stack(frontend_options: &[&str]) -> Stack {
    Stack::start(&programs(), sample_cache(), &["--workers", "2"], frontend_options).unwrap()
}

/// The worker processes of a stack.
pub fn workers(stack: &Stack) -> Vec<u32> {
    children(stack.daemon.pid()).unwrap()
}

/// Waits until something is so, and fails when it does not become so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a process with this id is there, ended ones that nobody has waited for included.
pub fn is_there(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}
