//! Whether the front end lives, and whether it can answer clients.

use super::Desk;
use crate::{backend::probe, counters::Counters};
use std::time::{Duration, Instant};

/// A thread whose loop has not turned for this long hangs; each turns twice a second at least.
const HUNG: Duration = Duration::from_secs(5);

impl Desk {
    /// Every thread's loop turns. If not, only a restart helps.
    pub(super) fn live(&self) -> Result<(), String> {
        match self.watchdog.borrow_mut().stuck(HUNG, Instant::now()) {
            None => Ok(()),
            Some(thread) => Err(format!("thread http-{thread} has hung for {} s", HUNG.as_secs())),
        }
    }

    /// One more client would get in: there is a place, or a connection that would make room. The latter is known from the
    /// threads' last sweep.
    fn room(&self) -> Result<(), String> {
        let sum = |counter: fn(&Counters) -> u64| {
            self.process.counters.iter().map(|counters| counter(counters)).sum()
        };
        let (taken, ended): (u64, u64) =
            (sum(|counters| counters.connections.get()), sum(|counters| counters.closed.get()));
        let (open, most) = (taken.saturating_sub(ended), self.process.gate.limit as u64);
        let dispensable: u64 = sum(|counters| counters.dispensable.get());
        if open < most || dispensable > 0 {
            return Ok(());
        }
        Err(format!("all {most} connections are taken, and none is idle"))
    }

    /// There is room for clients, a worker answers a request in time, and the front end is not about to stop.
    ///
    /// A worker exists only with a cache that was checked, and has to look a directory up in it; that it does not find
    /// this one is the answer that is expected.
    pub(super) async fn ready(&self) -> Result<(), String> {
        let config = &self.process.config;
        if *self.process.stop.borrow() {
            return Err("stopping".into());
        }
        self.live()?;
        self.room()?;
        match probe::look_up(&config.daemon, config.relay).await {
            Ok(200..500) => Ok(()),
            Ok(status) => Err(format!("daemon {}: a worker answers with {status}", config.daemon.display())),
            Err(cause) => Err(format!("daemon {}: no worker answers ({cause})", config.daemon.display())),
        }
    }
}
