//! The watchdog: whether every thread's loop turns, for the service manager and for whoever asks whether we live.
//!
//! A thread notes when it turns ([`Counters::turned`]); one that has not done so for long hangs.

use crate::{counters::Counters, log};
use program::notify;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The first thread that has not turned for longer than `limit`, if there is one.
pub fn stuck(threads: &[Arc<Counters>], limit: Duration, now: Instant) -> Option<usize> {
    threads.iter().position(|counters| counters.since_turn(now) > limit)
}

/// Tells systemd that we live, within each such time, for as long as all threads turn; the one that it runs on must.
pub async fn watch(threads: Vec<Arc<Counters>>, within: Duration) {
    let mut complained = None;
    loop {
        let stuck = stuck(&threads, within / 2, Instant::now());
        match stuck {
            None => notify::alive(),
            Some(thread) if stuck != complained => log::error(format_args!(
                "thread http-{thread}: has hung for {:.1} s; leaving the restart to systemd's watchdog",
                within.as_secs_f64() / 2.0
            )),
            Some(_) => {}
        }
        complained = stuck;
        sleep(within / 4).await;
    }
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
        threads.iter().for_each(|counters| counters.turned(start));
        assert_eq!(stuck(&threads, limit, after(5)), None);
        threads[0].turned(after(6));
        threads[2].turned(after(6));
        assert_eq!(stuck(&threads, limit, after(6)), Some(1));
        threads[1].turned(after(7));
        assert_eq!(stuck(&threads, limit, after(11)), None);
        assert_eq!(stuck(&threads, limit, after(12)), Some(0));
    }
}
