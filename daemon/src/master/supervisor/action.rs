//! What the supervisor wants done, and said.

use crate::control::Outcome;
use std::{fmt, process::ExitStatus, time::Duration};

/// Something for the master to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Fork a worker, and say at once whether it is there: [`forked`](super::Supervisor::forked).
    Fork(Place),
    /// Fork the process that reads a new cache, and say at once whether it is there: [`loading`] or [`loaded`].
    ///
    /// [`loading`]: super::Supervisor::loading
    /// [`loaded`]: super::Supervisor::loaded
    ForkLoader,
    /// Map what the loader, which has ended like this, has left, and hand it over ([`loaded`](super::Supervisor::loaded)).
    OpenCache(ExitStatus),
    /// End the loader; nobody waits for it.
    KillLoader,
    /// Ask this worker for a sign of life. An order that does not fit into its socket is lost.
    Ping(u32),
    /// Let this worker take connections; kill it if it does not take the order, for then it is dying.
    Serve(u32),
    /// Have this worker finish and leave; kill it if it does not take the order.
    Drain(u32),
    /// Kill this worker.
    Kill(u32),
    /// Answer this caller of the control socket.
    Answer(u64, Outcome),
    /// Count a worker that takes the place of an earlier one.
    CountRestart,
    /// Count a reload that is over, or a generation that is taken back.
    ReloadOver(Option<ReloadError>),
    /// Tell the counters what the current generation is.
    Publish,
    /// See whether the socket files are still there ([`rebound`](super::Supervisor::rebound)).
    LookAfterFiles,
    /// Take the socket files away, and tell the service manager that this is the end.
    CloseService,
    /// Tell the service manager that a reload has begun.
    NotifyReloading,
    /// Tell it that start or reload is over, and how.
    NotifyReady,
    /// Tell it, for people, how things are.
    NotifyStatus,
    /// Give it a sign of life.
    NotifyAlive,
    /// Tell the operator.
    Say(Message),
    /// End: no worker is left.
    Exit,
}

/// Where a worker belongs: the number of its generation, and its slot there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The generation's number.
    pub generation: u64,
    /// Counted from 0.
    pub slot: usize,
}

/// Something for the operator to read; the words are in `master::messages`.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// The current generation is ready; at a reload, after so long, and in place of that one.
    Ready(Option<(Duration, u64)>),
    /// A worker was lost: it takes the place of one that was not at fault.
    Replaced(Loss, u32),
    /// A worker was lost; the pause before the next.
    Lost(Loss, Duration),
    /// A worker could not be forked, and why; the pause before the next attempt.
    NotForked(u64, String, Duration),
    /// A worker of this generation gives no sign of life.
    Silent(u32, u64),
    /// A worker of this generation has said what no worker says.
    Violation(u32, u64, String),
    /// This process has been reading a cache for long.
    SlowLoader(u32),
    /// A new cache is refused.
    Refused(String),
    /// A new generation will not do.
    GivenUp(ReloadError),
    /// The current generation will not do; the cache of that one comes back as this one.
    GoingBack(u64, u64, u64),
    /// A reload waits for one of so many retired generations, for this long at most.
    HeldUp(usize, Duration),
    /// This generation has had its time to finish.
    StillBusy(u64),
    /// The end, by this signal.
    Stopping(&'static str),
}

/// A worker that ended without being told to.
#[derive(Debug, PartialEq, Eq)]
pub struct Loss {
    /// The number of its generation.
    pub generation: u64,
    /// Its own.
    pub pid: u32,
    /// How it ended.
    pub status: ExitStatus,
    /// Whether it was ever ready.
    pub was_ready: bool,
}

/// Why a reload has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReloadError {
    /// The cache was refused, in these words.
    Refused(String),
    /// This new generation was not ready within so many seconds.
    NotReady(u64, u64),
    /// The workers of this generation keep failing.
    Failing(u64),
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReloadError::Refused(refusal) => f.write_str(refusal),
            ReloadError::NotReady(number, limit) => {
                write!(f, "generation {number}: not ready within {limit} s")
            }
            ReloadError::Failing(number) => write!(f, "generation {number}: its workers keep failing"),
        }
    }
}

impl std::error::Error for ReloadError {}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.was_ready { "lost" } else { "lost before it was ready" };
        write!(f, "worker {} of generation {}: {when} ({})", self.pid, self.generation, self.status)
    }
}
