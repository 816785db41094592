//! What the operator wants of the master, and what the master has to tell.
//!
//! A reload that someone waits for is one that began after it was asked for: only that one has surely read the file
//! that the asker had written. Those who come while one is under way wait for the next, all of them for the same.

use super::Master;
use crate::{
    control::{
        Order, Outcome, Reloaded, Status,
        callers::{Callers, MOST_WAITING},
    },
    counters::Counters,
};
use program::notify;
use std::{
    collections::HashSet,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use wire::Counter;

/// Orders, and reloads as they are counted and waited for.
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) callers: Callers,
    pub(super) counters: Counters,
    /// Reloads that have begun.
    begun: u64,
    /// Callers who wait for a reload: which one, counted by `begun`, and their numbers.
    waiting: Vec<(u64, u64)>,
    last: Option<Reloaded>,
}

impl Orders {
    /// None so far.
    pub(super) fn new(callers: Callers, counters: Counters) -> Orders {
        counters.set(Counter::Started, seconds());
        Orders { callers, counters, begun: 0, waiting: Vec::new(), last: None }
    }

    /// Whether more callers who wait for a reload would keep out those who want something else.
    fn are_enough_waiting(&self) -> bool {
        let waiting = self.waiting.iter().filter(|(_, caller)| self.callers.is_waiting(*caller));
        waiting.count() >= MOST_WAITING
    }

    /// A reload begins.
    pub(super) fn reload_begins(&mut self) {
        self.begun += 1;
    }
}

impl Master {
    /// Hears orders and carries them out.
    pub(super) fn take_orders(&mut self, now: Instant) {
        for (caller, order) in self.orders.callers.turn(now) {
            match order {
                Order::Status => {
                    let status = self.status(now);
                    self.orders.callers.answer(caller, &status, now);
                }
                _ if self.stopping.is_some() => self.tell(caller, Err("the daemon is stopping"), now),
                Order::Reload => {
                    self.reload_wanted = true;
                    self.tell(caller, Ok(()), now);
                }
                Order::ReloadAndWait if self.orders.are_enough_waiting() => {
                    let error = Some("too many wait for a reload already; ask without --wait".into());
                    let outcome = Outcome { ok: false, generation: None, error };
                    self.orders.callers.answer(caller, &outcome, now);
                }
                Order::ReloadAndWait => {
                    self.reload_wanted = true;
                    self.orders.waiting.push((self.orders.begun + 1, caller));
                }
            }
        }
    }

    /// A reload is over: counts it, and tells those who have waited for it.
    pub(super) fn reload_is_over(&mut self, outcome: Result<(), &str>, now: Instant) {
        self.note_reload(outcome);
        let begun = self.orders.begun;
        let told = self.orders.waiting.extract_if(.., |(reload, _)| *reload <= begun);
        for (_, caller) in told.collect::<Vec<_>>() {
            self.tell(caller, outcome, now);
        }
    }

    /// Counts a reload that is over, or (an error) one that is taken back.
    pub(super) fn note_reload(&mut self, outcome: Result<(), &str>) {
        let counters = self.orders.counters;
        counters.count(if outcome.is_ok() { Counter::Reloads } else { Counter::ReloadsFailed });
        counters.set(Counter::LastReload, if outcome.is_ok() { 1 } else { 2 });
        counters.set(Counter::LastReloadTime, seconds());
        let error = outcome.err().map(ToString::to_string);
        self.orders.last = Some(Reloaded { time: seconds(), error });
    }

    /// Tells all who wait that there will be no more reloads, and takes the socket file away.
    pub(super) fn end_orders(&mut self, now: Instant) {
        self.orders.callers.remove_file();
        for (_, caller) in std::mem::take(&mut self.orders.waiting) {
            self.tell(caller, Err("the daemon is stopping"), now);
        }
    }

    fn tell(&mut self, caller: u64, outcome: Result<(), &str>, now: Instant) {
        let answers = (self.announced && self.stopping.is_none()).then_some(self.current.number);
        let error = outcome.err().map(ToString::to_string);
        let outcome = Outcome { ok: error.is_none(), generation: answers, error };
        self.orders.callers.answer(caller, &outcome, now);
    }

    /// Tells the counters what the current generation is.
    pub(super) fn publish(&self) {
        let (counters, cache) = (self.orders.counters, &self.current.cache);
        counters.set(Counter::Generation, self.current.number);
        counters.set(Counter::CacheBytes, cache.size());
        // It has been checked when it was opened.
        if let Ok(view) = cache.view() {
            counters.set(Counter::CacheBuilt, view.header().build_time);
            counters.set(Counter::CacheSource, view.source_time());
            counters.set(Counter::Hosts, view.host_count() as u64);
            counters.set(Counter::Directories, view.directory_count() as u64);
            counters.set(Counter::Repositories, view.repository_count() as u64);
        }
        counters.set(Counter::WorkersWanted, self.current.size() as u64);
    }

    /// Tells systemd, for people, what answers and how the last reload went.
    pub(super) fn notify_status(&self) {
        let (number, workers, facts) = (self.current.number, self.current.size(), self.current.cache.facts());
        let failed = self.orders.last.as_ref().and_then(|last| last.error.as_ref());
        let failed = failed.map_or(String::new(), |error| format!("; the last reload failed: {error}"));
        let loading = if self.loading.is_some() { "; a reload is reading the cache" } else { "" };
        notify::status(&format!(
            "generation {number} of {workers} workers answers ({facts}){failed}{loading}"
        ));
    }

    /// The lowest row of counters that no living worker has.
    pub(super) fn free_row(&self) -> usize {
        let used: HashSet<usize> =
            self.generations().flat_map(|generation| generation.rows()).map(|row| row.number).collect();
        (0..).find(|row| !used.contains(row)).unwrap_or_default()
    }

    fn status(&self, now: Instant) -> Status {
        let counters = self.orders.counters;
        Status {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: self.pid.as_raw() as u32,
            stopping: self.stopping.is_some(),
            generation: self.current.number,
            cache: self.current.cache.path().display().to_string(),
            workers_wanted: self.current.size() as u64,
            workers_ready: self.current.ready() as u64,
            last_reload: self.orders.last.clone(),
            loader: self.loading.as_ref().map(|loading| loading.status(now)),
            requests: counters.requests(),
            counters: counters.named(),
            workers: self.generations().flat_map(|generation| generation.status(now)).collect(),
        }
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
