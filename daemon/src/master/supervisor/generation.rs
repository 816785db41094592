//! One cache and the workers that answer from it, as the supervisor sees them.
//!
//! A generation knows the state of each of its slots: which has a worker, which wants one and when, and which keeps
//! failing. The choice between generations is the supervisor's.

use super::action::{Action, Loss, Message};
use crate::{channel::Word, control};
use std::{
    collections::VecDeque,
    io, mem,
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    time::{Duration, Instant},
};

/// Failures in a row in one slot that condemn a new generation.
pub const FAILURES_OF_A_BAD_GENERATION: u32 = 3;
/// The pause before a failed worker is replaced; it doubles with each failure in a row.
pub const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest that it becomes.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A worker lost within this time of being ready counts as one that failed.
pub const INFANCY: Duration = Duration::from_secs(1);
/// Pings in a row that a worker may leave unanswered. Counted, not timed, so that a master that was stopped itself
/// (or a machine that slept) finds its workers innocent.
pub const SILENCE: u32 = 5;
/// Pings in a row after which a worker does not count as one that answers.
const QUIET: u32 = 2;
/// More words between two pings are more than pings explain, of which a worker leaves only [`SILENCE`] unanswered.
pub const MOST_WORDS: u32 = 16;

/// What the supervisor wants done, oldest first.
pub type Actions = VecDeque<Action>;

/// A cache and its workers.
#[derive(Debug)]
pub struct Generation<C> {
    /// Counted up with each cache that is tried.
    pub number: u64,
    /// What its workers answer from.
    pub cache: C,
    /// What it is at.
    pub stage: Stage,
    slots: Vec<Slot>,
}

/// What a generation is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Gets ready, since then, to become the current one. One that brings an earlier cache back (`is_return`) has nothing
    /// to go back to, should it fail too.
    Starting { since: Instant, is_return: bool },
    /// Answers.
    Current,
    /// Finishes what it has begun, until then at most.
    Retiring(Instant),
}

/// A place for one worker.
#[derive(Debug)]
struct Slot {
    state: State,
    /// The process that is there.
    pid: Option<u32>,
    /// When the last worker was forked, if any ever was.
    forked: Option<Instant>,
    /// Pings in a row that it has not answered.
    unanswered: u32,
    /// What it has said since the last ping.
    words: u32,
    /// Failures in a row.
    failures: u32,
    /// The worker before, if its replacement is still to be told of.
    lost: Option<Loss>,
}

/// How things are in a slot.
#[derive(Clone, Copy, Debug)]
enum State {
    /// There is no worker, and none is wanted.
    Vacant,
    /// The next worker is to be started then: at once, or after the pause that failures cost.
    BackingOff(Instant),
    /// A worker that is not ready yet.
    Starting,
    /// One that is ready, and since when.
    Ready(Instant),
    /// One that is about to end unasked, for it has closed its channel, or was killed for what it said (`expelled`).
    Leaving { ready: Option<Instant>, expelled: bool },
    /// One that was told to finish, and is not replaced.
    Draining { was_ready: bool },
}

impl<C> Generation<C> {
    /// A generation with `slots` workers to be started at `now`.
    pub fn new(number: u64, cache: C, stage: Stage, slots: u16, now: Instant) -> Generation<C> {
        let state = State::BackingOff(now);
        let slot =
            |_| Slot { state, pid: None, forked: None, unanswered: 0, words: 0, failures: 0, lost: None };
        Generation { number, cache, stage, slots: (0..slots).map(slot).collect() }
    }

    /// When the next worker is due, and in which slot.
    pub fn next_start(&self) -> Option<(Instant, usize)> {
        let starts = self.slots.iter().enumerate().filter_map(|(place, slot)| match slot.state {
            State::BackingOff(until) => Some((until, place)),
            _ => None,
        });
        starts.min()
    }

    /// How many workers are ready.
    pub fn ready(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_ready()).count()
    }

    /// Whether every slot has a worker that is ready.
    pub fn is_ready(&self) -> bool {
        self.slots.iter().all(Slot::is_ready)
    }

    /// Whether a worker that is ready has given a sign of life lately.
    pub fn is_heard(&self) -> bool {
        self.slots.iter().any(|slot| slot.is_ready() && slot.unanswered <= QUIET)
    }

    /// Whether no worker is left.
    pub fn is_empty(&self) -> bool {
        self.slots.iter().all(|slot| slot.pid.is_none())
    }

    /// Its workers: their slots, process ids, states, and when they were forked.
    pub fn workers(&self) -> impl Iterator<Item = (u16, u32, control::State, Instant)> {
        self.slots.iter().zip(0..).filter_map(|(slot, place)| {
            let state = match slot.state {
                State::Draining { .. } => control::State::Draining,
                State::Ready(_) | State::Leaving { ready: Some(_), .. } => control::State::Ready,
                _ => control::State::Starting,
            };
            Some((place, slot.pid?, state, slot.forked?))
        })
    }

    /// The slot of this worker, if it is of this generation.
    pub fn slot(&self, pid: u32) -> Option<usize> {
        self.slots.iter().position(|slot| slot.pid == Some(pid))
    }

    /// A worker has been forked.
    pub fn forked(&mut self, slot: usize, pid: u32, now: Instant, actions: &mut Actions) {
        let slot = &mut self.slots[slot];
        (slot.state, slot.pid, slot.unanswered, slot.words) = (State::Starting, Some(pid), 0, 0);
        actions.extend(slot.lost.take().map(|loss| Action::Say(Message::Replaced(loss, pid))));
        actions.extend(slot.forked.replace(now).map(|_| Action::CountRestart));
    }

    /// A worker could not be forked. Whether that speaks against the generation.
    pub fn not_forked(
        &mut self,
        slot: usize,
        cause: &io::Error,
        now: Instant,
        actions: &mut Actions,
    ) -> bool {
        let pause = self.slots[slot].fail(now);
        actions.push_back(Action::Say(Message::NotForked(self.number, cause.to_string(), pause)));
        self.slots[slot].is_bad()
    }

    /// A worker has said something. Whether it is to be heard any longer.
    pub fn heard(&mut self, slot: usize, word: Word, now: Instant, actions: &mut Actions) -> bool {
        let Slot { state, pid, words, unanswered, .. } = &mut self.slots[slot];
        (*words, *unanswered) = (*words + 1, 0);
        if *words > MOST_WORDS {
            self.leaves(slot, Some("more answers than the master asked for"), actions);
            return false;
        }
        if let (State::Starting, Word::Ready) = (*state, word) {
            *state = State::Ready(now);
            actions.extend(pid.filter(|_| self.stage == Stage::Current).map(Action::Serve));
        }
        true
    }

    /// A worker is about to end: it has closed its channel, or is killed for what it has said.
    pub fn leaves(&mut self, slot: usize, violation: Option<&str>, actions: &mut Actions) {
        let slot = &mut self.slots[slot];
        if let State::Starting | State::Ready(_) = slot.state {
            slot.state = State::Leaving { ready: slot.ready_since(), expelled: violation.is_some() };
        }
        if let (Some(pid), Some(said)) = (slot.pid, violation) {
            actions.push_back(Action::Say(Message::Violation(pid, self.number, said.into())));
            actions.push_back(Action::Kill(pid));
        }
    }

    /// Asks every worker for a sign of life, and kills those that have given none for too long.
    pub fn ping(&mut self, now: Instant, actions: &mut Actions) {
        for slot in &mut self.slots {
            let Some(pid) = slot.pid else { continue };
            if slot.ready_since().is_some_and(|ready| now.duration_since(ready) > INFANCY) {
                slot.failures = 0;
            }
            if slot.unanswered >= SILENCE {
                actions.extend([Action::Say(Message::Silent(pid, self.number)), Action::Kill(pid)]);
            }
            (slot.unanswered, slot.words) = (slot.unanswered + 1, 0);
            actions.push_back(Action::Ping(pid));
        }
    }

    /// Becomes the current one: all workers take connections, those to come as well.
    pub fn serve(&mut self, actions: &mut Actions) {
        self.stage = Stage::Current;
        actions.extend(
            self.slots.iter().filter(|slot| slot.is_ready()).filter_map(|slot| slot.pid).map(Action::Serve),
        );
    }

    /// Tells all workers to finish and leave; none is replaced any more.
    pub fn drain(&mut self, actions: &mut Actions) {
        for slot in &mut self.slots {
            slot.state = match (slot.state, slot.pid) {
                (_, None) => State::Vacant,
                (already @ State::Draining { .. }, _) => already,
                (_, Some(pid)) => {
                    actions.push_back(Action::Drain(pid));
                    State::Draining { was_ready: slot.is_ready() }
                }
            };
        }
    }

    /// Kills all workers at once; none is replaced any more.
    pub fn kill(&mut self, actions: &mut Actions) {
        self.drain(actions);
        actions.extend(self.slots.iter().filter_map(|slot| slot.pid).map(Action::Kill));
    }

    /// A worker has ended. Whether that speaks against its generation.
    pub fn ended(&mut self, slot: usize, status: ExitStatus, now: Instant, actions: &mut Actions) -> bool {
        let slot = &mut self.slots[slot];
        let ready = slot.ready_since();
        let state = mem::replace(&mut slot.state, State::Vacant);
        let Some(pid) = slot.pid.take().filter(|_| !matches!(state, State::Draining { .. })) else {
            return false;
        };
        let loss = Loss { generation: self.number, pid, status, was_ready: ready.is_some() };
        // Killing is done from outside, unless it was for what the worker said; all else is the worker's own doing.
        let expelled = matches!(state, State::Leaving { expelled: true, .. });
        let killed = status.signal() == Some(libc::SIGKILL);
        if !expelled && ready.is_some_and(|ready| killed || now.duration_since(ready) >= INFANCY) {
            (slot.state, slot.lost) = (State::BackingOff(now), Some(loss));
        } else {
            let pause = slot.fail(now);
            actions.push_back(Action::Say(Message::Lost(loss, pause)));
        }
        slot.is_bad()
    }
}

impl Slot {
    /// Counts a failure and puts the next start off. By how long.
    fn fail(&mut self, now: Instant) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.state = State::BackingOff(now + pause);
        pause
    }

    /// So many failed in a row that the cache, or this build, is to blame.
    fn is_bad(&self) -> bool {
        self.failures >= FAILURES_OF_A_BAD_GENERATION
    }

    fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready(_) | State::Draining { was_ready: true })
    }

    /// Since when a worker has been ready that nobody told to finish.
    fn ready_since(&self) -> Option<Instant> {
        match self.state {
            State::Ready(since) => Some(since),
            State::Leaving { ready, .. } => ready,
            _ => None,
        }
    }
}
