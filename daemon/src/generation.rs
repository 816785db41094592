//! One cache and the workers that answer from it.
//!
//! A generation knows which of its slots have a worker, which want one and when, and which keep failing. It sends
//! orders and signals to its workers; forking, reaping and the choice between generations are the master's. `loss`
//! judges the end of a worker, `status` tells the operator of those that live.

mod loss;
mod status;

use crate::{
    cache_file::CacheFile,
    channel::{MasterEnd, Received, Word},
    counters::Row,
    log,
};
use loss::{INFANCY, Loss};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fmt, mem,
    os::fd::BorrowedFd,
    process::ExitStatus,
    rc::Rc,
    time::{Duration, Instant},
};

/// Failures in a row in one slot that condemn a new generation.
const FAILURES_OF_A_BAD_GENERATION: u32 = 3;
/// The pause before a failed worker is replaced; it doubles with each failure in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Pings in a row that a worker may leave unanswered. Counted, not timed, so that a master that was stopped itself
/// (or a machine that slept) finds its workers innocent.
const SILENCE: u32 = 5;
/// Pings in a row after which a worker does not count as one that answers.
const QUIET: u32 = 2;
/// More words between two pings are more than pings explain, of which a worker leaves only [`SILENCE`] unanswered.
const MOST_WORDS: u32 = 16;

/// A cache and its workers.
#[derive(Debug)]
pub struct Generation {
    /// Counted up with each cache that is tried.
    pub number: u64,
    /// What its workers answer from.
    pub cache: Rc<CacheFile>,
    /// Whether its workers take connections.
    pub serving: bool,
    slots: Vec<Slot>,
}

/// A place for one worker.
#[derive(Debug)]
struct Slot {
    worker: Option<Worker>,
    /// When to start a worker; `None` when there is one or none is wanted.
    start: Option<Instant>,
    /// Failures in a row.
    failures: u32,
    /// The worker before, if its replacement is still to be told of.
    lost: Option<Loss>,
    /// It has had a worker.
    used: bool,
}

/// A running worker process.
#[derive(Debug)]
struct Worker {
    pid: Pid,
    channel: MasterEnd,
    started: Instant,
    ready: Option<Instant>,
    unanswered: u32,
    /// What it has said since the last ping.
    words: u32,
    draining: bool,
    /// It is about to end, for it has closed its channel or was expelled; the channel is of no more interest.
    leaving: bool,
    /// Its master has killed it for what it said.
    expelled: bool,
    counters: Row,
    /// Requests that earlier workers have left in its row.
    requests_before: u64,
}

/// What the end of a worker means for its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its slot will get another one, or needs none.
    Fine,
    /// So many failed in a row in one slot that the cache, or this build, is to blame.
    Bad,
}

impl Generation {
    /// A generation with `slots` workers to be started at `now`.
    pub fn new(number: u64, cache: Rc<CacheFile>, slots: u16, now: Instant) -> Generation {
        let slot = || Slot { worker: None, start: Some(now), failures: 0, lost: None, used: false };
        Generation { number, cache, serving: false, slots: (0..slots).map(|_| slot()).collect() }
    }

    /// A slot whose worker is due at `now`.
    pub fn due(&self, now: Instant) -> Option<usize> {
        self.slots.iter().position(|slot| slot.start.is_some_and(|start| start <= now))
    }

    /// When the next worker is due.
    pub fn next_start(&self) -> Option<Instant> {
        self.slots.iter().filter_map(|slot| slot.start).min()
    }

    /// How many workers it is meant to have.
    pub fn size(&self) -> usize {
        self.slots.len()
    }

    /// A worker has been forked. Whether it takes the place of a lost one.
    pub fn started(&mut self, slot: usize, pid: Pid, channel: MasterEnd, counters: Row) -> bool {
        let slot = &mut self.slots[slot];
        slot.start = None;
        slot.worker = Some(Worker {
            pid,
            channel,
            started: Instant::now(),
            ready: None,
            unanswered: 0,
            words: 0,
            draining: false,
            leaving: false,
            expelled: false,
            counters,
            requests_before: counters.requests(),
        });
        if let Some(loss) = slot.lost.take() {
            log::warning(format_args!("{loss}; replaced by {pid}"));
        }
        mem::replace(&mut slot.used, true)
    }

    /// A worker could not be forked.
    pub fn not_started(&mut self, slot: usize, cause: &dyn fmt::Display, now: Instant) -> Verdict {
        let pause = self.slots[slot].fail(now);
        log::warning(format_args!(
            "new worker of generation {}: not started ({cause}); {pause}",
            self.number
        ));
        self.verdict(slot)
    }

    /// Whether every slot has a worker that is ready.
    pub fn is_ready(&self) -> bool {
        self.ready() == self.size()
    }

    /// How many workers are ready.
    pub fn ready(&self) -> usize {
        self.workers().filter(|worker| worker.ready.is_some() && !worker.leaving).count()
    }

    /// Whether a worker that is ready has given a sign of life lately.
    pub fn is_heard(&self) -> bool {
        self.workers().any(|worker| worker.ready.is_some() && worker.unanswered <= QUIET)
    }

    /// Its workers' counters.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.workers().map(|worker| worker.counters)
    }

    /// Whether no worker is left.
    pub fn is_empty(&self) -> bool {
        self.workers().next().is_none()
    }

    /// The workers' channels, for the master's poll.
    pub fn channels(&self) -> impl Iterator<Item = &MasterEnd> {
        self.workers().filter(|worker| !worker.leaving).map(|worker| &worker.channel)
    }

    /// Hears what the workers have said.
    pub fn listen(&mut self, now: Instant) {
        let serving = self.serving;
        let workers = self.slots.iter_mut().filter_map(|slot| slot.worker.as_mut());
        for worker in workers.filter(|worker| !worker.leaving) {
            loop {
                let word = match worker.channel.receive() {
                    Ok(Received::Message(word)) => word,
                    Ok(Received::Nothing) => break,
                    Ok(Received::Closed) => {
                        worker.leaving = true;
                        break;
                    }
                    Err(error) => {
                        worker.expel(self.number, &error);
                        break;
                    }
                };
                worker.words += 1;
                if worker.words > MOST_WORDS {
                    worker.expel(self.number, &"more answers than the master asked for");
                    break;
                }
                worker.unanswered = 0;
                if word == Word::Ready && worker.ready.is_none() {
                    worker.ready = Some(now);
                    if serving && worker.channel.serve().is_err() {
                        // A socket that does not take the very first order is a worker that is dying.
                        signal(worker.pid, Signal::SIGKILL);
                    }
                }
            }
        }
    }

    /// Asks every worker for a sign of life, and kills those that have given none for too long.
    pub fn ping(&mut self) {
        for slot in &mut self.slots {
            let Some(worker) = &mut slot.worker else { continue };
            if worker.ready.is_some_and(|ready| ready.elapsed() > INFANCY) {
                slot.failures = 0;
            }
            if worker.unanswered >= SILENCE {
                let (pid, number) = (worker.pid, self.number);
                log::warning(format_args!(
                    "worker {pid} of generation {number}: silent for {SILENCE} s; killing it"
                ));
                signal(pid, Signal::SIGKILL);
            }
            worker.unanswered += 1;
            worker.words = 0;
            // A full socket is a worker that does not read it; the count above deals with that.
            worker.channel.ping().unwrap_or_default();
        }
    }

    /// Lets all workers take connections, those to come as well.
    pub fn serve(&mut self) {
        self.serving = true;
        for worker in self.workers().filter(|worker| worker.ready.is_some()) {
            if worker.channel.serve().is_err() {
                signal(worker.pid, Signal::SIGKILL);
            }
        }
    }

    /// Tells all workers to finish and leave; none is replaced any more.
    pub fn drain(&mut self) {
        self.serving = false;
        for slot in &mut self.slots {
            slot.start = None;
            let Some(worker) = &mut slot.worker else { continue };
            if !worker.draining && worker.channel.drain().is_err() {
                signal(worker.pid, Signal::SIGKILL);
            }
            worker.draining = true;
        }
    }

    /// Kills all workers at once; none is replaced any more.
    pub fn kill(&mut self) {
        self.drain();
        for worker in self.workers() {
            signal(worker.pid, Signal::SIGKILL);
        }
    }

    /// Hands a newly opened access log to all workers.
    pub fn pass_access_log(&self, file: BorrowedFd<'_>) {
        for worker in self.workers() {
            if let Err(error) = worker.channel.access_log(file) {
                let pid = worker.pid;
                log::warning(format_args!(
                    "worker {pid}: reopened access log not handed over ({error}); it keeps the old file"
                ));
            }
        }
    }

    /// A child has ended. `None` if it was no worker of this generation.
    pub fn ended(&mut self, pid: Pid, status: ExitStatus, now: Instant) -> Option<Verdict> {
        let is_it = |slot: &Slot| slot.worker.as_ref().is_some_and(|worker| worker.pid == pid);
        let place = self.slots.iter().position(is_it)?;
        let slot = &mut self.slots[place];
        let worker = slot.worker.take()?;
        if worker.draining {
            return Some(Verdict::Fine);
        }
        let loss = Loss { generation: self.number, pid, status, was_ready: worker.ready.is_some() };
        if worker.expelled || loss.is_failure(worker.ready, now) {
            let pause = slot.fail(now);
            log::warning(format_args!("{loss}; {pause}"));
        } else {
            slot.start = Some(now);
            slot.lost = Some(loss);
        }
        Some(self.verdict(place))
    }

    fn verdict(&self, slot: usize) -> Verdict {
        let bad = self.slots[slot].failures >= FAILURES_OF_A_BAD_GENERATION;
        if bad { Verdict::Bad } else { Verdict::Fine }
    }

    fn workers(&self) -> impl Iterator<Item = &Worker> {
        self.slots.iter().filter_map(|slot| slot.worker.as_ref())
    }
}

impl Slot {
    /// Counts a failure and puts the next start off. Returns what happens next, in words.
    fn fail(&mut self, now: Instant) -> String {
        let doublings = self.failures.min(16);
        self.failures += 1;
        let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        self.start = Some(now + pause);
        format!("next one in {} ms", pause.as_millis())
    }
}

impl Worker {
    /// Kills a worker that has said what no worker says, and hears it no more.
    fn expel(&mut self, generation: u64, said: &dyn fmt::Display) {
        let pid = self.pid;
        log::warning(format_args!(
            "worker {pid} of generation {generation}: protocol violation on its channel ({said}); killing it"
        ));
        (self.leaving, self.expelled) = (true, true);
        signal(pid, Signal::SIGKILL);
    }
}

/// Sends a signal to a child that has not been reaped yet, so its number cannot have passed to another process.
fn signal(pid: Pid, signal: Signal) {
    if let Err(error) = kill(pid, signal) {
        log::warning(format_args!("worker {pid}: {signal} not sent ({error}); trying again"));
    }
}
