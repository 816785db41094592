//! Whether the front end lives, and whether it can answer clients.

use super::Desk;
use crate::backend::probe;
use std::time::{Duration, Instant};

/// A thread whose loop has not turned for this long hangs; each turns twice a second at least.
const HUNG: Duration = Duration::from_secs(5);

impl Desk {
    /// Every thread's loop turns. If not, only a restart helps.
    pub(super) fn live(&self) -> Result<(), String> {
        match self.watch.borrow_mut().stuck(HUNG, Instant::now()) {
            None => Ok(()),
            Some(thread) => Err(format!("thread http-{thread} has hung for {} s", HUNG.as_secs())),
        }
    }

    /// A worker answers a request in time, and the front end is not about to stop.
    ///
    /// A worker exists only with a cache that was checked, and has to look a directory up in it; that it does not find
    /// this one is the answer that is expected.
    pub(super) async fn ready(&self) -> Result<(), String> {
        let known = &self.knowledge;
        if *known.stop.borrow() {
            return Err("stopping".into());
        }
        self.live()?;
        match probe::look_up(&known.daemon, known.deadline, known.patience).await {
            Ok(200..500) => Ok(()),
            Ok(status) => Err(format!("daemon {}: a worker answers with {status}", known.daemon.display())),
            Err(cause) => Err(format!("daemon {}: no worker answers ({cause})", known.daemon.display())),
        }
    }
}
