//! Which processes there are to be, and which generation answers: events in, [`Action`]s out.
//!
//! Pure: time is an argument, and no process, socket or file is in sight; `master` brings what happens and does what is
//! wanted. The promises kept here: a lost worker is replaced; a client never meets a new generation before all of its
//! workers are ready, and never loses an old one before the new one serves; a generation that keeps failing makes way
//! for its forerunner; whoever waits for a reload is told how it went; nothing grows with the number of reloads.

mod action;
mod generation;
#[cfg(test)]
mod tests;

pub use action::{Action, Message, Place, ReloadError};
pub use generation::{Generation, SILENCE};

use crate::{channel::Word, control::Outcome, failure::Failure};
use generation::{Actions, Stage};
use std::{
    io, mem,
    process::ExitStatus,
    time::{Duration, Instant},
};

/// How often workers are asked for a sign of life.
pub const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long all workers of a new generation may take to get ready.
const READY_LIMIT: Duration = Duration::from_secs(10);
/// How long a new generation is on probation, with the cache before it at hand.
const PROBATION: Duration = Duration::from_secs(10);
/// Retired generations that may be answering still. At that many, the next reload waits until one has gone.
const MOST_RETIRING: usize = 4;
/// How long workers may go on answering when the whole daemon ends.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// After this time the operator is told that a cache is still being read.
pub const SLOW: Duration = Duration::from_secs(10);
/// Workers forked at once, at most: a bound on what a machine-wide killer of processes can cost.
const FORK_BURST: u32 = 100;
/// The time after which one more may be forked.
const FORK_INTERVAL: Duration = Duration::from_millis(10);

/// What bounds it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Workers of a generation.
    pub slots: u16,
    /// How long a retired generation may go on answering.
    pub drain_limit: Duration,
    /// Callers that may wait for a reload at a time.
    pub waiting: usize,
    /// Within which time the service manager wants a sign of life, if it does.
    pub watchdog: Option<Duration>,
}

/// All that is known of generations, with their caches, and of reloads.
#[derive(Debug)]
pub struct Supervisor<C> {
    limits: Limits,
    /// All that have workers, at the first place the current one.
    generations: Vec<Generation<C>>,
    /// The cache before the current one, as long as there may be need to go back: the number it had, and until when.
    previous: Option<(C, u64, Instant)>,
    /// The cache of the next reload, as long as it is being read or waits for its turn.
    loading: Option<Loading>,
    reload_wanted: bool,
    /// It has to wait for a retired generation, and that has been said.
    reload_held_up: bool,
    /// Reloads that have begun.
    begun: u64,
    /// Callers who wait for a reload: which one, counted by `begun`, and their numbers.
    waiting: Vec<(u64, u64)>,
    /// The first generation whose workers all hold the listener and not one whose file has been taken away.
    listened_to_from: u64,
    /// Whether the current generation has been ready once.
    announced: bool,
    /// Set when the daemon ends: when patience with its workers ends too.
    stopping: Option<Instant>,
    last_number: u64,
    /// When [`FORK_BURST`] workers could be forked at once again.
    forks_full: Instant,
    next_beat: Instant,
    /// When to give the service manager the next sign of life.
    next_alive: Instant,
    actions: Actions,
}

/// A loader at work.
#[derive(Clone, Copy, Debug)]
pub struct Loading {
    /// Its number as a process.
    pub pid: u32,
    /// When it was forked.
    pub since: Instant,
    ended: Option<ExitStatus>,
    /// That it takes long has been said.
    told: bool,
}

impl<C: Clone> Supervisor<C> {
    /// One generation, whose workers are to be started at `now`.
    pub fn new(limits: Limits, cache: C, now: Instant) -> Supervisor<C> {
        Supervisor {
            limits,
            generations: vec![Generation::new(1, cache, Stage::Current, limits.slots, now)],
            previous: None,
            loading: None,
            reload_wanted: false,
            reload_held_up: false,
            begun: 0,
            waiting: Vec::new(),
            listened_to_from: 1,
            announced: false,
            stopping: None,
            last_number: 1,
            forks_full: now,
            next_beat: now + HEARTBEAT,
            next_alive: now,
            actions: [Action::Publish].into(),
        }
    }

    /// What is to be done next; `None` when nothing is before the next event or [`next_wake`](Self::next_wake).
    pub fn next_action(&mut self, now: Instant) -> Option<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        if self.stopping.is_some() {
            return self.generations.iter().all(Generation::is_empty).then_some(Action::Exit);
        }
        if self.reload_wanted && self.loading.is_none() && self.may_begin() {
            // Whoever asks for a reload from now on asks for the next.
            (self.reload_wanted, self.reload_held_up) = (false, false);
            self.begun += 1;
            self.actions.push_back(Action::ForkLoader);
            return Some(Action::NotifyReloading);
        }
        let (_, generation, slot) = self.next_start().filter(|(start, ..)| *start <= now)?;
        self.forks_full = self.forks_full.max(now) + FORK_INTERVAL;
        Some(Action::Fork(Place { generation, slot }))
    }

    /// When to call [`tick`](Self::tick), unless something happens before.
    pub fn next_wake(&self) -> Instant {
        let slow = self.loading.filter(|loading| !loading.told && loading.ended.is_none());
        let others = [
            self.next_start().map(|(start, ..)| start),
            self.stopping,
            self.previous.as_ref().map(|(.., until)| *until),
            slow.map(|loading| loading.since + SLOW),
            self.limits.watchdog.map(|_| self.next_alive),
            self.starting().map(|(_, since, _)| since + READY_LIMIT),
            self.retiring().min(),
        ];
        others.into_iter().flatten().fold(self.next_beat, Instant::min)
    }

    /// Does what is due at `now`. Call it after all else that has happened.
    pub fn tick(&mut self, now: Instant) {
        if self.next_beat <= now {
            self.next_beat = now + HEARTBEAT;
            self.generations.iter_mut().for_each(|generation| generation.ping(now, &mut self.actions));
            if self.stopping.is_none() {
                self.actions.push_back(Action::LookAfterFiles);
                self.renew_if_deaf(now);
            }
        }
        self.previous.take_if(|(.., until)| *until <= now);
        for generation in &mut self.generations {
            if let Stage::Retiring(deadline) = &mut generation.stage
                && *deadline <= now
            {
                *deadline = now + READY_LIMIT;
                self.actions.push_back(Action::Say(Message::StillBusy(generation.number)));
                generation.kill(&mut self.actions);
            }
        }
        self.generations.retain(|one| !matches!(one.stage, Stage::Retiring(_)) || !one.is_empty());
        match self.stopping {
            None => self.advance(now),
            Some(patience) if patience <= now => {
                self.kill_all();
                self.stopping = Some(now + HEARTBEAT);
            }
            Some(_) => {}
        }
        if let Some(limit) = self.limits.watchdog
            && self.next_alive <= now
        {
            let able = self.current().is_heard();
            self.actions.extend(able.then_some(Action::NotifyAlive));
            // Twice within the limit, so that one may come late. Who is not able to answer looks again soon.
            self.next_alive = now + if able { limit / 2 } else { limit / 8 };
        }
    }

    /// A worker has been forked, or could not be, and why.
    pub fn forked(&mut self, place: Place, forked: io::Result<u32>, now: Instant) {
        let mut all = self.generations.iter_mut();
        let Some(generation) = all.find(|generation| generation.number == place.generation) else { return };
        match forked {
            Ok(pid) => generation.forked(place.slot, pid, now, &mut self.actions),
            // The system's fault, not the cache's: a new generation is put off, but the one that serves never replaced.
            Err(cause) => {
                let is_bad = generation.not_forked(place.slot, &cause, now, &mut self.actions);
                if is_bad && generation.stage != Stage::Current {
                    self.condemn(place.generation, now);
                }
            }
        }
    }

    /// A worker has said something. Whether it is to be heard any longer.
    pub fn heard(&mut self, pid: u32, word: Word, now: Instant) -> bool {
        let Some((generation, slot)) = Self::find(&mut self.generations, pid) else { return false };
        generation.heard(slot, word, now, &mut self.actions)
    }

    /// A worker is not heard any longer: it has closed its channel, or it has said what no worker says.
    pub fn left(&mut self, pid: u32, violation: Option<&str>) {
        if let Some((generation, slot)) = Self::find(&mut self.generations, pid) {
            generation.leaves(slot, violation, &mut self.actions);
        }
    }

    /// A child has ended. It may be nobody's.
    pub fn ended(&mut self, pid: u32, status: ExitStatus, now: Instant) {
        if let Some(loading) = self.loading.as_mut().filter(|loading| loading.pid == pid) {
            loading.ended = Some(status);
        } else if let Some((generation, slot)) = Self::find(&mut self.generations, pid) {
            let number = generation.number;
            if generation.ended(slot, status, now, &mut self.actions) {
                self.condemn(number, now);
            }
        }
    }

    /// A reload is wanted, and nobody waits for it. Those wanted while one is under way are one more.
    pub fn want_reload(&mut self) {
        self.reload_wanted = true;
    }

    /// A caller wants a reload, and may wait for it: for one that begins from now on, for only that one has surely read
    /// the file that the caller has written. Callers may have gone: `is_there` knows.
    pub fn order_reload(&mut self, caller: u64, waits: bool, is_there: impl Fn(u64) -> bool) {
        self.waiting.retain(|(_, waiting)| is_there(*waiting));
        if self.stopping.is_some() {
            self.answer(caller, Some("the daemon is stopping".into()));
        } else if waits && self.waiting.len() >= self.limits.waiting {
            let error = Some("too many wait for a reload already; ask with --no-wait".into());
            self.actions.push_back(Action::Answer(caller, Outcome { ok: false, generation: None, error }));
        } else {
            self.reload_wanted = true;
            if waits {
                self.waiting.push((self.begun + 1, caller));
            } else {
                self.answer(caller, None);
            }
        }
    }

    /// A loader has been forked.
    pub fn loading(&mut self, pid: u32, now: Instant) {
        self.loading = Some(Loading { pid, since: now, ended: None, told: false });
    }

    /// The loader's cache, or why there is none: a generation begins with it, whose time to get ready begins now.
    pub fn loaded(&mut self, cache: Result<C, Failure>, now: Instant) {
        match cache {
            Ok(cache) => drop(self.begin(cache, false, now)),
            Err(refusal) => {
                let refusal = refusal.to_string();
                self.actions.push_back(Action::Say(Message::Refused(refusal.clone())));
                self.reload_is_over(Some(ReloadError::Refused(refusal)));
                self.actions.push_back(Action::NotifyReady);
            }
        }
    }

    /// The listener's file had been taken away and is bound anew. Workers hold the socket that they were forked with,
    /// so the new one is for a new generation, of the same cache.
    pub fn rebound(&mut self, now: Instant) {
        self.listened_to_from = self.last_number + 1;
        self.renew_if_deaf(now);
    }

    /// The daemon is to end: nobody new connects, workers finish what they have. At the second time nobody finishes
    /// anything.
    pub fn stop(&mut self, signal: &'static str, now: Instant) {
        if self.stopping.is_some() {
            return self.kill_all();
        }
        self.stopping = Some(now + STOP_LIMIT.min(self.limits.drain_limit));
        self.actions.extend([Action::Say(Message::Stopping(signal)), Action::CloseService]);
        for (_, caller) in mem::take(&mut self.waiting) {
            self.answer(caller, Some("the daemon is stopping".into()));
        }
        // Not waited for: one that hangs in the disk cannot be ended before the disk lets it.
        let at_work = self.loading.take().filter(|loading| loading.ended.is_none());
        self.actions.extend(at_work.map(|_| Action::KillLoader));
        self.generations.iter_mut().for_each(|generation| generation.drain(&mut self.actions));
    }

    /// The generation that answers.
    pub fn current(&self) -> &Generation<C> {
        &self.generations[0]
    }

    /// All generations that have workers, the current one first.
    pub fn generations(&self) -> &[Generation<C>] {
        &self.generations
    }

    /// The cache of a generation; the one that answers if it has gone.
    pub fn cache(&self, number: u64) -> &C {
        let own = self.generations.iter().find(|generation| generation.number == number);
        &own.unwrap_or(self.current()).cache
    }

    /// All caches that there may be need of.
    pub fn caches(&self) -> impl Iterator<Item = &C> {
        let previous = self.previous.iter().map(|(cache, ..)| cache);
        self.generations.iter().map(|generation| &generation.cache).chain(previous)
    }

    /// The loader, while there is one.
    pub fn loader(&self) -> Option<Loading> {
        self.loading
    }

    /// Whether the daemon is about to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Takes every step from one generation to the next that is due at `now`.
    fn advance(&mut self, now: Instant) {
        if !self.announced && self.current().is_ready() {
            self.announced = true;
            self.actions.extend([Action::Say(Message::Ready(None)), Action::NotifyReady]);
        }
        if let Some(loading) = &mut self.loading
            && !loading.told
            && loading.ended.is_none()
            && loading.since + SLOW <= now
        {
            loading.told = true;
            self.actions.extend([Action::Say(Message::SlowLoader(loading.pid)), Action::NotifyStatus]);
        }
        match self.starting() {
            Some((place, ..)) if self.generations[place].is_ready() => self.exchange(now),
            Some((place, since, _)) if since + READY_LIMIT <= now => {
                self.give_up(
                    ReloadError::NotReady(self.generations[place].number, READY_LIMIT.as_secs()),
                    now,
                );
            }
            Some(_) => {}
            None if self.may_begin() => {
                let ended = self.loading.take_if(|loading| loading.ended.is_some());
                self.actions.extend(ended.and_then(|loading| loading.ended).map(Action::OpenCache));
            }
            None if (self.reload_wanted || self.loading.is_some()) && !self.reload_held_up => {
                self.reload_held_up = true;
                let left: Vec<_> = self.retiring().map(|deadline| deadline.duration_since(now)).collect();
                let first = left.iter().min().copied().unwrap_or_default();
                self.actions.push_back(Action::Say(Message::HeldUp(left.len(), first)));
            }
            None => {}
        }
    }

    /// The worker to be forked next: when, and where. No more than [`FORK_BURST`] are at once.
    fn next_start(&self) -> Option<(Instant, u64, usize)> {
        let may = self.forks_full - FORK_INTERVAL * (FORK_BURST - 1);
        let starts = self.generations.iter().filter_map(|generation| {
            generation.next_start().map(|(start, slot)| (start.max(may), generation.number, slot))
        });
        starts.min()
    }

    /// Whether one more generation may live now.
    fn may_begin(&self) -> bool {
        self.starting().is_none() && self.retiring().count() < MOST_RETIRING
    }

    /// The generation that is to be the next: its place, since when it starts, whether it brings a cache back.
    fn starting(&self) -> Option<(usize, Instant, bool)> {
        self.generations.iter().enumerate().find_map(|(place, generation)| match generation.stage {
            Stage::Starting { since, is_return } => Some((place, since, is_return)),
            _ => None,
        })
    }

    /// When the patience with each of those ends that retire.
    fn retiring(&self) -> impl Iterator<Item = Instant> {
        self.generations.iter().filter_map(|generation| match generation.stage {
            Stage::Retiring(deadline) => Some(deadline),
            _ => None,
        })
    }

    /// Where this worker belongs.
    fn find(generations: &mut [Generation<C>], pid: u32) -> Option<(&mut Generation<C>, usize)> {
        generations.iter_mut().find_map(|generation| generation.slot(pid).map(|slot| (generation, slot)))
    }

    /// A generation whose workers keep failing: a new one is given up, one on probation is replaced by its forerunner,
    /// and one without alternative goes on trying.
    fn condemn(&mut self, number: u64, now: Instant) {
        let starting = self.starting();
        if starting.is_some_and(|(place, ..)| self.generations[place].number == number) {
            self.give_up(ReloadError::Failing(number), now);
        } else if number == self.current().number && starting.is_none() && self.stopping.is_none() {
            let Some((cache, old, _)) = self.previous.take() else { return };
            let new = self.begin(cache, true, now);
            self.actions.push_back(Action::Say(Message::GoingBack(number, old, new)));
            self.actions.push_back(Action::ReloadOver(Some(ReloadError::Failing(number))));
        }
    }

    fn renew_if_deaf(&mut self, now: Instant) {
        if self.current().number < self.listened_to_from && self.may_begin() && self.stopping.is_none() {
            self.begin(self.current().cache.clone(), true, now);
        }
    }

    fn begin(&mut self, cache: C, is_return: bool, now: Instant) -> u64 {
        self.last_number += 1;
        let stage = Stage::Starting { since: now, is_return };
        self.generations.push(Generation::new(self.last_number, cache, stage, self.limits.slots, now));
        self.last_number
    }

    /// The new generation takes the old one's place.
    fn exchange(&mut self, now: Instant) {
        let Some((place, since, is_return)) = self.starting() else { return };
        self.generations.swap(0, place);
        let old = &self.generations[place];
        let (old, cache) = (old.number, old.cache.clone());
        self.generations[0].serve(&mut self.actions);
        self.announced = true;
        let ready = Message::Ready(Some((now.duration_since(since), old)));
        self.actions.extend([Action::Publish, Action::Say(ready)]);
        self.previous = (!is_return).then_some((cache, old, now + PROBATION));
        self.generations[place].stage = Stage::Retiring(now + self.limits.drain_limit);
        self.generations[place].drain(&mut self.actions);
        if !is_return {
            self.reload_is_over(None);
        }
        self.actions.push_back(Action::NotifyReady);
    }

    /// The new generation will not do.
    fn give_up(&mut self, error: ReloadError, now: Instant) {
        let Some((place, _, is_return)) = self.starting() else { return };
        self.actions.push_back(Action::Say(Message::GivenUp(error.clone())));
        self.generations[place].stage = Stage::Retiring(now + READY_LIMIT);
        self.generations[place].kill(&mut self.actions);
        if !is_return {
            self.reload_is_over(Some(error));
        }
        self.actions.push_back(Action::NotifyReady);
    }

    /// A reload is over: tells those who have waited for it.
    fn reload_is_over(&mut self, error: Option<ReloadError>) {
        let told: Vec<_> = self.waiting.extract_if(.., |(reload, _)| *reload <= self.begun).collect();
        self.actions.push_back(Action::ReloadOver(error.clone()));
        for (_, caller) in told {
            self.answer(caller, error.as_ref().map(ToString::to_string));
        }
    }

    fn answer(&mut self, caller: u64, error: Option<String>) {
        let answers = (self.announced && self.stopping.is_none()).then_some(self.current().number);
        let outcome = Outcome { ok: error.is_none(), generation: answers, error };
        self.actions.push_back(Action::Answer(caller, outcome));
    }

    fn kill_all(&mut self) {
        self.generations.iter_mut().for_each(|generation| generation.kill(&mut self.actions));
    }
}
