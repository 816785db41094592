//! The daemon's counters, in memory that the master and all workers share.
//!
//! The master makes it before the first fork. Every living worker has a row of its own, a few cache lines that nobody
//! else writes to, so that counting takes neither a lock nor a system call. A row outlives its worker and is handed on
//! as it is: totals are the sums over all rows, which no reload and no lost worker can lower.

use crate::sys;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wire::{Counter, Key, Outcome, ReplyHead};

/// The first counter that workers have. Those before it are the master's.
const FIRST_OF_WORKERS: usize = Counter::Connections as usize;
/// Numbers of a row in front of its outcomes.
const COUNTERS_OF_ROW: usize = 8;
/// Numbers of a row: whole cache lines, and the master's counters before the rows are so too.
const ROW: usize = (COUNTERS_OF_ROW + Outcome::COUNT).next_multiple_of(64 / size_of::<AtomicU64>());
/// How many rows have been handed out: a number that no counter has.
const ROWS_USED: usize = 0;
/// Whether the access log ends with a torn line: no counter has this number either.
const LOG_TORN: usize = FIRST_OF_WORKERS - 1;

/// All counters of the daemon.
#[derive(Clone, Copy, Debug)]
pub struct Counters(&'static [AtomicU64]);

/// The counters of one worker.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The counters that it is part of.
    pub all: Counters,
    /// Its number among the rows.
    pub number: usize,
    own: &'static [AtomicU64],
}

impl Counters {
    /// Zeros, with room for so many workers at a time. They stay in memory until the process ends.
    pub fn new(rows: usize) -> nix::Result<Counters> {
        sys::shared_numbers(FIRST_OF_WORKERS + ROW * rows.max(1)).map(Counters)
    }

    /// The row of this number. Beyond the last one there is only the last, and workers share it.
    pub fn row(self, number: usize) -> Row {
        let rows = &self.0[FIRST_OF_WORKERS..];
        let number = number.min(rows.len() / ROW - 1);
        self.0[ROWS_USED].fetch_max(number as u64 + 1, Relaxed);
        Row { all: self, number, own: &rows[number * ROW..][..ROW] }
    }

    /// Not zero while the access log ends with a line that was cut short. All workers of all generations write to it.
    pub fn log_torn(self) -> &'static AtomicU64 {
        &self.0[LOG_TORN]
    }

    /// Sets one of the master's counters.
    pub fn set(self, counter: Counter, value: u64) {
        self.0[counter as usize].store(value, Relaxed);
    }

    /// Counts one more of something that the master counts.
    pub fn count(self, counter: Counter) {
        self.0[counter as usize].fetch_add(1, Relaxed);
    }

    /// A counter's value: the master's, or the sum over all workers.
    pub fn get(self, counter: Counter) -> u64 {
        match (counter as usize).checked_sub(FIRST_OF_WORKERS) {
            Some(place) => self.sum(place),
            None => self.0[counter as usize].load(Relaxed),
        }
    }

    /// Requests answered by all workers that there have been.
    pub fn requests(self) -> u64 {
        (COUNTERS_OF_ROW..ROW).map(|place| self.sum(place)).fold(0, u64::wrapping_add)
    }

    /// Everything that is counted: all single counters, and the outcomes that have come up.
    pub fn entries(self) -> Vec<(Key, u64)> {
        let single = Counter::ALL.into_iter().map(|counter| (Key::Counter(counter), self.get(counter)));
        let outcomes = Outcome::all()
            .map(|outcome| (Key::Requests(outcome), self.sum(COUNTERS_OF_ROW + outcome.index())))
            .filter(|(_, count)| *count > 0);
        single.chain(outcomes).collect()
    }

    /// Rows that nobody has had yet are left out: reading would make room for them.
    fn sum(self, place: usize) -> u64 {
        let used = self.0[ROWS_USED].load(Relaxed) as usize;
        let rows = self.0[FIRST_OF_WORKERS..].chunks_exact(ROW).take(used);
        rows.map(|row| row[place].load(Relaxed)).fold(0, u64::wrapping_add)
    }
}

impl Row {
    /// A request has been answered so.
    pub fn answered(self, head: &ReplyHead) {
        self.own[COUNTERS_OF_ROW + Outcome::of(head).index()].fetch_add(1, Relaxed);
    }

    /// So much more of something that workers count.
    pub fn add(self, counter: Counter, more: u64) {
        self.own[counter as usize - FIRST_OF_WORKERS].fetch_add(more, Relaxed);
    }

    /// Requests answered by all who have had this row.
    pub fn requests(self) -> u64 {
        self.own[COUNTERS_OF_ROW..].iter().map(|count| count.load(Relaxed)).fold(0, u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Kind, Tier};

    fn head(tier: Tier) -> ReplyHead {
        ReplyHead { status: 200, kind: Kind::Mirrorlist, tier }
    }

    #[test]
    fn every_counter_has_a_number_of_its_own() {
        let counters = Counters::new(1).unwrap();
        for (value, counter) in (1..).zip(Counter::ALL) {
            match (counter as usize) < FIRST_OF_WORKERS {
                true => counters.set(counter, value),
                false => counters.row(0).add(counter, value),
            }
        }
        counters.row(0).answered(&head(Tier::Location));
        for (value, counter) in (1..).zip(Counter::ALL) {
            assert_eq!(counters.get(counter), value, "{counter:?}");
        }
        assert_eq!(counters.row(0).requests(), 1);
        assert_eq!(counters.log_torn().load(Relaxed), 0);
        assert_eq!(counters.entries().len(), Counter::ALL.len() + 1);
    }

    #[test]
    fn totals_are_sums_over_rows_whoever_has_them() {
        let counters = Counters::new(3).unwrap();
        for row in [0, 2, 2, 7] {
            counters.row(row).answered(&head(Tier::Geoip));
            counters.row(row).add(Counter::BytesSent, 10);
        }
        let geoip = Key::Requests(Outcome::of(&head(Tier::Geoip)));
        assert!(counters.entries().contains(&(geoip, 4)));
        assert_eq!(counters.get(Counter::BytesSent), 40);
        assert_eq!(
            (counters.row(0).requests(), counters.row(1).requests(), counters.row(2).requests()),
            (1, 0, 3)
        );
    }

    #[test]
    fn rows_are_whole_cache_lines() {
        let counters = Counters::new(5).unwrap();
        for row in 0..5 {
            assert_eq!(counters.row(row).own.as_ptr().addr() % 64, 0);
        }
        assert!(
            Counter::ALL.into_iter().all(|counter| (counter as usize) < FIRST_OF_WORKERS + COUNTERS_OF_ROW)
        );
    }
}
