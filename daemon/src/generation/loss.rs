//! Workers that ended without being told to.

use nix::{sys::signal::Signal, unistd::Pid};
use std::{
    fmt,
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    time::{Duration, Instant},
};

/// A worker lost within this time of being ready counts as one that failed.
pub(super) const INFANCY: Duration = Duration::from_secs(1);

/// A worker that ended without being told to.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) generation: u64,
    pub(super) pid: Pid,
    pub(super) status: ExitStatus,
    pub(super) was_ready: bool,
}

impl Loss {
    /// Whether it speaks against the generation: killing is done from outside, all else is the worker's own doing.
    pub(super) fn is_failure(&self, ready: Option<Instant>, now: Instant) -> bool {
        let killed = self.status.signal() == Some(Signal::SIGKILL as i32);
        ready.is_none_or(|ready| !killed && now.duration_since(ready) < INFANCY)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.was_ready { "lost" } else { "lost before it was ready" };
        write!(f, "worker {} of generation {}: {when} ({})", self.pid, self.generation, self.status)
    }
}
