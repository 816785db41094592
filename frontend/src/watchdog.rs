//! The watchdog: whether every thread's loop turns, for the service manager and for whoever asks whether we live.
//!
//! A thread counts its turns ([`crate::counters::Counters::turns`]); one whose counter stands still hangs.

use crate::{counters::Counters, log};
use program::notify;
use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// The threads, and when each was last seen to have turned.
#[derive(Debug)]
pub struct Watchdog {
    threads: Vec<(Arc<Counters>, u64, Instant)>,
}

impl Watchdog {
    /// Looks at these threads from now on.
    pub fn new(threads: &[Arc<Counters>], now: Instant) -> Watchdog {
        Watchdog {
            threads: threads
                .iter()
                .map(|counters| (Arc::clone(counters), counters.turns.get(), now))
                .collect(),
        }
    }

    /// Looks at all threads. The first that has not turned for longer than `limit`, if there is one.
    ///
    /// It is only as exact as it is called often.
    pub fn stuck(&mut self, limit: Duration, now: Instant) -> Option<usize> {
        for (counters, turns, since) in &mut self.threads {
            let latest = counters.turns.get();
            if latest != *turns {
                (*turns, *since) = (latest, now);
            }
        }
        self.threads.iter().position(|(_, _, since)| now.duration_since(*since) > limit)
    }
}

/// Tells systemd that we live, within each such time, for as long as all threads turn.
pub fn start(threads: &[Arc<Counters>], within: Duration) -> io::Result<()> {
    let mut watchdog = Watchdog::new(threads, Instant::now());
    let mut complained = None;
    // Ends with the process: what it tells is true to the last.
    let watching = thread::Builder::new().name("watchdog".into()).spawn(move || {
        loop {
            let stuck = watchdog.stuck(within / 2, Instant::now());
            match stuck {
                None => notify::alive(),
                Some(thread) if stuck != complained => log::error(format_args!(
                    "thread http-{thread}: has hung for {:.1} s; leaving the restart to systemd's watchdog",
                    within.as_secs_f64() / 2.0
                )),
                Some(_) => {}
            }
            complained = stuck;
            thread::sleep(within / 4);
        }
    });
    watching.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_stuck_when_it_alone_has_not_turned_for_longer_than_the_limit() {
        let threads: Vec<Arc<Counters>> = (0..3).map(|_| Arc::default()).collect();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let limit = Duration::from_secs(5);
        let mut watchdog = Watchdog::new(&threads, start);
        assert_eq!(watchdog.stuck(limit, after(5)), None);
        threads[0].turns.count();
        threads[2].turns.count();
        assert_eq!(watchdog.stuck(limit, after(6)), Some(1));
        threads[1].turns.count();
        assert_eq!(watchdog.stuck(limit, after(7)), None);
        assert_eq!(watchdog.stuck(limit, after(12)), Some(0));
    }
}
