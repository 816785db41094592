//! How fast processes may be made: a bound on what a machine-wide killer of processes can cost.

use std::time::{Duration, Instant};

/// Forks a second, in the long run and at once.
const LIMIT: u32 = 100;

/// A bucket of permissions to fork that fills up again with time.
#[derive(Debug)]
pub struct ForkRate {
    left: u32,
    /// When the bucket was last filled up.
    filled: Instant,
}

impl ForkRate {
    /// A full bucket.
    pub fn new(now: Instant) -> ForkRate {
        ForkRate { left: LIMIT, filled: now }
    }

    /// Takes a permission, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        let gained = now.duration_since(self.filled).as_nanos() / interval().as_nanos();
        if gained >= u128::from(LIMIT) {
            *self = ForkRate::new(now);
        } else {
            self.filled += interval() * gained as u32;
            self.left = (self.left + gained as u32).min(LIMIT);
        }
        let taken = self.left > 0;
        self.left -= u32::from(taken);
        taken
    }

    /// When there is a permission to be had.
    pub fn next(&self) -> Instant {
        if self.left > 0 { self.filled } else { self.filled + interval() }
    }
}

const fn interval() -> Duration {
    Duration::from_millis(1000 / LIMIT as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_every_hundredth_of_a_second() {
        let start = Instant::now();
        let mut forks = ForkRate::new(start);
        assert_eq!((0..500).filter(|_| forks.take(start)).count(), 100);
        let later = start + Duration::from_millis(35);
        assert_eq!((0..500).filter(|_| forks.take(later)).count(), 3);
        assert_eq!(forks.next(), start + Duration::from_millis(40));
        let much_later = start + Duration::from_secs(3600);
        assert_eq!((0..500).filter(|_| forks.take(much_later)).count(), 100);
    }
}
