//! How generations follow each other: load aside, start, exchange, retire; and back again if the new one is bad.
//!
//! A client never meets a new generation before all of its workers are ready, and never loses an old one before the
//! new one serves. Nothing here grows with the number of reloads.

use super::{Master, loader::Loading};
use crate::{cache_file::CacheFile, generation::Generation, log};
use program::notify;
use std::{
    mem,
    rc::Rc,
    time::{Duration, Instant},
};

/// How long all workers of a new generation may take to get ready.
const READY_LIMIT: Duration = Duration::from_secs(10);
/// How long a new generation is on probation, with the cache before it at hand.
const PROBATION: Duration = Duration::from_secs(10);
/// Retired generations that may be answering still. At that many, the next reload waits until one has gone.
const MOST_RETIRING: usize = 4;

/// A generation on its way to become the current one.
pub(super) struct Starting {
    pub(super) generation: Generation,
    since: Instant,
    /// It brings an earlier cache back: should it fail too, there is nothing to go back to.
    is_return: bool,
}

/// A generation that finishes what it has begun.
pub(super) struct Retiring {
    pub(super) generation: Generation,
    deadline: Instant,
}

/// A cache to go back to.
pub(super) struct Previous {
    pub(super) cache: Rc<CacheFile>,
    number: u64,
    until: Instant,
}

impl Master {
    /// Takes every step from one generation to the next that is due at `now`.
    pub(super) fn advance(&mut self, now: Instant) {
        self.previous.take_if(|previous| previous.until <= now);
        for retiring in self.retiring.iter_mut().filter(|retiring| retiring.deadline <= now) {
            let number = retiring.generation.number;
            log::warning(format_args!(
                "generation {number}: still busy at the drain limit; killing its workers"
            ));
            retiring.generation.kill();
            retiring.deadline = now + READY_LIMIT;
        }
        self.retiring.retain(|retiring| !retiring.generation.is_empty());
        if self.stopping.is_some() {
            return;
        }
        self.tell_of_slow_loader(now);
        match &self.starting {
            Some(starting) if starting.generation.is_ready() => self.exchange(now),
            Some(starting) if starting.since + READY_LIMIT <= now => {
                self.give_up(&format!("not ready within {} s", READY_LIMIT.as_secs()), now);
            }
            Some(_) => {}
            None if self.has_room() => {
                if let Some(loading) = self.loading.take_if(|loading| loading.has_ended()) {
                    self.take(loading, now);
                }
            }
            None if self.reload_wanted || self.loading.is_some() => self.tell_of_hold_up(now),
            None => {}
        }
    }

    /// Whether one more generation may live.
    pub(super) fn has_room(&self) -> bool {
        self.retiring.len() < MOST_RETIRING
    }

    /// Says, once for each reload, what it waits for.
    fn tell_of_hold_up(&mut self, now: Instant) {
        let drained = self.retiring.iter().map(|retiring| retiring.deadline).min();
        if let Some(deadline) = drained.filter(|_| !mem::replace(&mut self.reload_held_up, true)) {
            let (count, seconds) =
                (self.retiring.len(), deadline.saturating_duration_since(now).as_secs() + 1);
            log::warning(format_args!(
                "reload: waiting for one of {count} retired generations, which front ends still use; \
                 the first is killed in {seconds} s at the latest (drain-limit)"
            ));
        }
    }

    /// When [`Master::advance`] has something to do next, unless a worker or a signal comes first.
    pub(super) fn next_step(&self) -> Option<Instant> {
        let starting = self.starting.as_ref().map(|starting| starting.since + READY_LIMIT);
        let previous = self.previous.as_ref().map(|previous| previous.until);
        let drained = self.retiring.iter().map(|retiring| retiring.deadline).min();
        let slow = self.loading.as_ref().and_then(Loading::next_word);
        [starting, previous, drained, slow].into_iter().flatten().min()
    }

    /// A generation whose workers keep failing: a new one is given up, one on probation is replaced by its forerunner,
    /// and one without alternative goes on trying.
    pub(super) fn condemn(&mut self, number: u64, now: Instant) {
        if self.starting.as_ref().is_some_and(|starting| starting.generation.number == number) {
            self.give_up("its workers keep failing", now);
        } else if number == self.current.number && self.starting.is_none() && self.stopping.is_none() {
            let Some(previous) = self.previous.take() else { return };
            let new = self.begin(Rc::clone(&previous.cache), true, now);
            let old = previous.number;
            log::error(format_args!(
                "generation {number}: its workers keep failing; going back to the cache of generation {old} as generation {new}"
            ));
            self.note_reload(Err(&format!("generation {number}: its workers keep failing")));
        }
    }

    /// Binds socket files anew that have been taken away. Workers hold the socket that they were forked with, so a new
    /// one is for a new generation, of the same cache.
    pub(super) fn look_after_files(&mut self, now: Instant) {
        if self.stopping.is_some() {
            return;
        }
        self.orders.callers.look_after_file();
        if self.listener.look_after_file() {
            self.listened_to_from = self.last_number + 1;
        }
        let deaf = self.current.number < self.listened_to_from;
        if deaf && self.starting.is_none() && self.has_room() {
            self.begin(Rc::clone(&self.current.cache), true, now);
        }
    }

    /// A reload begins: whoever asks for one from now on asks for the next.
    pub(super) fn reload_begins(&mut self) {
        (self.reload_wanted, self.reload_held_up) = (false, false);
        notify::reloading();
        self.orders.reload_begins();
    }

    /// Begins a generation with what was loaded, whose time to get ready begins now, or says why not.
    fn take(&mut self, loading: Loading, now: Instant) {
        match loading.outcome(&self.config.cache) {
            Ok(cache) => {
                self.begin(Rc::new(cache), false, now);
            }
            Err(refusal) => self.refuse(&refusal, now),
        }
    }

    /// A reload is over before it had a generation.
    pub(super) fn refuse(&mut self, refusal: &str, now: Instant) {
        let (current, facts) = (self.current.number, self.current.cache.facts());
        log::error(format_args!("{refusal}; keeping generation {current} ({facts})"));
        self.reload_is_over(Err(refusal), now);
        notify::ready();
        self.notify_status();
    }

    fn begin(&mut self, cache: Rc<CacheFile>, is_return: bool, now: Instant) -> u64 {
        self.last_number += 1;
        let generation = Generation::new(self.last_number, cache, self.config.slots(), now);
        self.starting = Some(Starting { generation, since: now, is_return });
        self.last_number
    }

    /// The new generation takes the old one's place.
    fn exchange(&mut self, now: Instant) {
        let Some(Starting { mut generation, since, is_return }) = self.starting.take() else { return };
        generation.serve();
        let old = mem::replace(&mut self.current, generation);
        let took = now.duration_since(since).as_millis();
        self.announced = true;
        self.publish();
        self.announce(Some(&format!("after {took} ms; retiring generation {}", old.number)));
        self.previous = (!is_return).then(|| Previous {
            cache: Rc::clone(&old.cache),
            number: old.number,
            until: now + PROBATION,
        });
        self.retire(old, now + self.config.drain_limit);
        if !is_return {
            self.reload_is_over(Ok(()), now);
        }
    }

    /// Tells that the current generation is ready.
    pub(super) fn announce(&self, more: Option<&str>) {
        let (cache, number) = (self.config.cache.display(), self.current.number);
        let (workers, facts) = (self.current.size(), self.current.cache.facts());
        let more = more.map_or(String::new(), |more| format!(" {more}"));
        log::info(format_args!(
            "cache {cache}: generation {number} is ready with {workers} workers ({facts}){more}"
        ));
        notify::ready();
        self.notify_status();
    }

    /// The new generation will not do.
    fn give_up(&mut self, cause: &str, now: Instant) {
        let Some(Starting { mut generation, is_return, .. }) = self.starting.take() else { return };
        let (bad, current) = (generation.number, self.current.number);
        log::error(format_args!("generation {bad}: {cause}; keeping generation {current}"));
        generation.kill();
        self.retire(generation, now + READY_LIMIT);
        if !is_return {
            self.reload_is_over(Err(&format!("generation {bad}: {cause}")), now);
        }
        notify::ready();
        self.notify_status();
    }

    fn retire(&mut self, mut generation: Generation, deadline: Instant) {
        generation.drain();
        self.retiring.push(Retiring { generation, deadline });
    }
}
