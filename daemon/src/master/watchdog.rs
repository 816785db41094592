//! Signs of life for systemd, given only by a daemon that is able to answer.

use program::notify;
use std::time::{Duration, Instant};

/// A sign of life that is due again and again.
#[derive(Debug)]
pub struct Watchdog {
    every: Duration,
    next: Instant,
}

impl Watchdog {
    /// What systemd has asked for: twice within its limit, so that one may come late.
    pub fn asked_for(now: Instant) -> Option<Watchdog> {
        notify::watchdog().map(|limit| Watchdog { every: limit / 2, next: now })
    }

    /// When to call [`Watchdog::tend`].
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Gives a sign of life if it is time to. While the daemon is not `able` to answer it gives none and looks again
    /// soon.
    pub fn tend(&mut self, able: bool, now: Instant) {
        if self.next <= now {
            if able {
                notify::alive();
            }
            self.next = now + if able { self.every } else { self.every / 4 };
        }
    }
}
