//! The daemon's counters, in memory that the master and all workers share.
//!
//! The master makes it before the first fork. It has a row of its own, and so has every living worker: a few cache
//! lines that nobody else writes to, so that counting takes neither a lock nor a system call. A row outlives its worker
//! and is handed on as it is: totals are the sums over all rows, which no reload and no lost worker can lower.

use crate::{log_file::Log, sys};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};
use wire::{Counter, Key, Outcome, ReplyHead};

/// Numbers of a cache line.
const LINE: usize = 64 / size_of::<AtomicU64>();
/// Numbers of a row, whole cache lines: the counters, then the outcomes.
const ROW: usize = (COUNTERS + Outcome::COUNT).next_multiple_of(LINE);
const COUNTERS: usize = Counter::ALL.len();
/// In the line before the rows: how many rows have been handed out to workers.
const ROWS_USED: usize = 0;
/// In the same line, from here on: whether each log ends with a torn line.
const LOGS_TORN: usize = 1;

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
        sys::shared_numbers(LINE + ROW * (1 + rows.max(1))).map(Counters)
    }

    /// A worker's row of this number. Beyond the last one there is only the last, and workers share it.
    pub fn row(self, number: usize) -> Row {
        let rows = &self.0[LINE + ROW..];
        let number = number.min(rows.len() / ROW - 1);
        self.0[ROWS_USED].fetch_max(number as u64 + 1, Relaxed);
        Row { all: self, number, own: &rows[number * ROW..][..ROW] }
    }

    /// Not zero while a log ends with a line that was cut short. All workers of all generations write to it.
    pub fn torn(self, log: Log) -> &'static AtomicU64 {
        &self.0[LOGS_TORN + log as usize]
    }

    /// Sets one of the master's gauges.
    pub fn set(self, counter: Counter, value: u64) {
        self.0[LINE + counter as usize].store(value, Relaxed);
    }

    /// Counts one more of something that the master counts.
    pub fn count(self, counter: Counter) {
        self.0[LINE + counter as usize].fetch_add(1, Relaxed);
    }

    /// Requests answered by all workers that there have been.
    pub fn requests(self) -> u64 {
        self.sums()[COUNTERS..].iter().copied().fold(0, u64::wrapping_add)
    }

    /// Everything that is counted: all single counters, and the outcomes that have come up.
    pub fn entries(self) -> Vec<(Key, u64)> {
        let (sums, outcomes) = (self.sums(), Outcome::all().map(Key::Requests));
        let keys = Counter::ALL.into_iter().map(Key::Counter).chain(outcomes);
        keys.zip(sums).filter(|(key, sum)| *sum > 0 || matches!(key, Key::Counter(_))).collect()
    }

    /// The single counters among them, by name; but for what is about one input of the cache.
    pub fn named(self) -> BTreeMap<String, u64> {
        let all = Counter::ALL.into_iter().zip(self.sums());
        let named = all.filter(|(counter, _)| counter.input().is_none());
        named.map(|(counter, sum)| (counter.name().into(), sum)).collect()
    }

    /// Every number of a row, summed over the rows. Those that nobody has had yet are left out: reading would make
    /// room for them.
    fn sums(self) -> [u64; ROW] {
        let mut sums = [0_u64; ROW];
        let used = 1 + self.0[ROWS_USED].load(Relaxed) as usize;
        for row in self.0[LINE..].chunks_exact(ROW).take(used) {
            for (sum, number) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(number.load(Relaxed));
            }
        }
        sums
    }
}

impl Row {
    /// A request has been answered so.
    pub fn answered(self, head: &ReplyHead) {
        self.own[COUNTERS + Outcome::of(head).index()].fetch_add(1, Relaxed);
    }

    /// So much more of something that workers count.
    pub fn add(self, counter: Counter, more: u64) {
        self.own[counter as usize].fetch_add(more, Relaxed);
    }

    /// Requests answered by all who have had this row.
    pub fn requests(self) -> u64 {
        self.own[COUNTERS..].iter().map(|count| count.load(Relaxed)).fold(0, u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Kind, Tier};

    fn head(tier: Tier) -> ReplyHead {
        ReplyHead { status: 200, kind: Kind::Mirrorlist, tier }
    }

    fn value(counters: Counters, counter: Counter) -> u64 {
        let entries = counters.entries();
        entries.iter().find(|(key, _)| *key == Key::Counter(counter)).unwrap().1
    }

    #[test]
    fn whatever_is_declared_is_counted_by_master_and_workers_and_told() {
        let counters = Counters::new(1).unwrap();
        for (number, counter) in (1..).zip(Counter::ALL) {
            counters.set(counter, number);
            counters.row(0).add(counter, number * 100);
        }
        counters.row(0).answered(&head(Tier::Location));
        for (number, counter) in (1..).zip(Counter::ALL) {
            assert_eq!(value(counters, counter), number * 101, "{counter:?}");
        }
        assert_eq!((counters.row(0).requests(), counters.requests()), (1, 1));
        assert_eq!(Log::ALL.map(|log| counters.torn(log).load(Relaxed)), [0, 0]);
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
        assert_eq!(value(counters, Counter::BytesSent), 40);
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
    }
}
