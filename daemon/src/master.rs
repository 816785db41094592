//! The master: starts workers, replaces lost ones, loads new caches, ends it all.
//!
//! One loop over signals, the workers' channels and the clock. It answers no request, accepts no connection, and
//! reads no file that may be slow. `loader` is the process that reads a new cache, `reload` holds how generations follow
//! each other.

mod fork_rate;
mod loader;
mod orders;
mod reload;
mod signals;
mod watchdog;

use crate::{
    access_log,
    cache_file::CacheFile,
    channel::{self, MasterEnd, WorkerEnd},
    config::Config,
    control::callers::Callers,
    counters::{Counters, Row},
    failure::Failure,
    generation::{Generation, Verdict},
    listener::Listener,
    log,
    sys::{self, Fork},
    worker::{self, Kit},
};
use fork_rate::ForkRate;
use loader::Loading;
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::Signal,
    unistd::{Pid, getpid},
};
use orders::Orders;
pub use signals::Signals;

use program::notify;
use reload::{Previous, Retiring, Starting};
use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    rc::Rc,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};
use watchdog::Watchdog;
use wire::Counter;

/// How often workers are asked for a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long workers may go on answering when the whole daemon ends.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// Generations that may live at a time, generously.
const GENERATIONS: usize = 8;

/// Everything that the master knows.
struct Master {
    config: Config,
    pid: Pid,
    listener: Listener,
    /// The first generation whose workers all hold this listener and not one whose file has been taken away.
    listened_to_from: u64,
    signals: Signals,
    access_log: Option<OwnedFd>,
    /// The generation that answers.
    current: Generation,
    /// The cache of the next reload, as long as it is being read.
    loading: Option<Loading>,
    /// The one that is to replace it.
    starting: Option<Starting>,
    /// Those that it has replaced.
    retiring: Vec<Retiring>,
    /// The cache before the current one, as long as there may be need to go back.
    previous: Option<Previous>,
    reload_wanted: bool,
    /// It has to wait for a retired generation, and that has been said.
    reload_held_up: bool,
    /// Whether the current generation has been ready once.
    announced: bool,
    /// Set when the daemon ends: when patience with its workers ends too.
    stopping: Option<Instant>,
    last_number: u64,
    forks: ForkRate,
    next_beat: Instant,
    watchdog: Option<Watchdog>,
    orders: Orders,
}

/// A worker to be started: the number of its generation, its slot, and its counters.
#[derive(Clone, Copy)]
struct NewWorker {
    generation: u64,
    slot: usize,
    counters: Row,
}

/// What the process has opened at its start.
#[derive(Debug)]
pub struct Opened {
    /// Signals, from now on the master's.
    pub signals: Signals,
    /// Where access-log lines go.
    pub access_log: Option<OwnedFd>,
    /// Where front ends connect.
    pub listener: Listener,
    /// Where the operator calls.
    pub callers: Callers,
}

/// Runs the daemon until a signal ends it. Only the master returns from here.
pub fn run(config: Config, cache: CacheFile, opened: Opened) -> Result<(), Failure> {
    // A row for every worker that may live at a time: those who answer, start, or finish after a reload.
    let counters = Counters::new(usize::from(config.slots()) * GENERATIONS)
        .map_err(|errno| Failure::system(format!("counters: no shared memory ({errno})")))?;
    let mut master = Master::new(config, cache, opened, counters);
    let outcome = loop {
        if master.is_done() {
            break Ok(());
        }
        if master.wants_loader() {
            match loader::fork() {
                Ok((ends, Fork::Parent(pid))) => master.load(pid, ends),
                Ok((ends, Fork::Child)) => loader::run(master.into_loader(ends)),
                Err(error) => master.not_loading(&error),
            }
        }
        while let Some(new) = master.next_due() {
            let forked = channel::pair().and_then(|ends| Ok((ends, sys::fork()?)));
            match forked {
                Ok(((ours, _), Fork::Parent(pid))) => master.started(new, pid, ours),
                Ok(((ours, theirs), Fork::Child)) => {
                    // Held open by the worker itself, it would hide the master's death.
                    drop(ours);
                    worker::run(master.into_kit(new, theirs))
                }
                Err(error) => master.not_started(new, &error),
            }
        }
        if let Err(failure) = master.wait() {
            break Err(failure);
        }
        master.tend(Instant::now());
    };
    master.listener.remove_file();
    master.orders.callers.remove_file();
    log::info("stopped");
    outcome
}

impl Master {
    fn new(config: Config, cache: CacheFile, opened: Opened, counters: Counters) -> Master {
        let now = Instant::now();
        let mut current = Generation::new(1, Rc::new(cache), config.slots(), now);
        current.serving = true;
        let master = Master {
            pid: getpid(),
            listener: opened.listener,
            listened_to_from: 1,
            signals: opened.signals,
            access_log: opened.access_log,
            current,
            loading: None,
            starting: None,
            retiring: Vec::new(),
            previous: None,
            reload_wanted: false,
            reload_held_up: false,
            announced: false,
            stopping: None,
            last_number: 1,
            forks: ForkRate::new(now),
            next_beat: now + HEARTBEAT,
            watchdog: Watchdog::asked_for(now),
            orders: Orders::new(opened.callers, counters),
            config,
        };
        master.publish();
        master
    }

    /// Waits for a signal, a worker's word or the next moment at which something is due; hears signals and words.
    fn wait(&mut self) -> Result<(), Failure> {
        let timeout = self.next_wake().saturating_duration_since(Instant::now());
        // Rounded up: waking a moment early would only mean waiting once more.
        let timeout = PollTimeout::try_from(timeout + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.orders.callers.files(Instant::now()));
        let ends = self.generations().flat_map(Generation::channels);
        fds.extend(ends.map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Lack of memory passes; until then signals and workers are looked after once a beat.
            Err(Errno::ENOMEM) => std::thread::sleep(HEARTBEAT),
            Err(errno) => return Err(Failure::system(format!("poll: {errno}"))),
        }
        drop(fds);
        let now = Instant::now();
        self.generations_mut().for_each(|generation| generation.listen(now));
        while let Some(signal) = self.signals.take() {
            self.obey(signal, now);
        }
        self.take_orders(now);
        Ok(())
    }

    fn obey(&mut self, signal: Signal, now: Instant) {
        match signal {
            Signal::SIGCHLD => self.reap(now),
            Signal::SIGHUP => self.reload_wanted = true,
            Signal::SIGUSR1 => self.reopen_access_log(),
            Signal::SIGTERM | Signal::SIGINT => self.stop(signal, now),
            _ => {}
        }
    }

    /// Does what is due at `now`.
    fn tend(&mut self, now: Instant) {
        if self.next_beat <= now {
            self.next_beat = now + HEARTBEAT;
            self.generations_mut().for_each(Generation::ping);
            self.look_after_files(now);
        }
        self.advance(now);
        if !self.announced && self.current.is_ready() {
            self.announced = true;
            self.announce(None);
        }
        self.orders.counters.set(Counter::WorkersReady, self.current.ready() as u64);
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.tend(self.current.is_heard(), now);
        }
        if self.stopping.is_some_and(|patience| patience <= now) {
            self.generations_mut().for_each(Generation::kill);
            self.stopping = Some(now + HEARTBEAT);
        }
    }

    /// Collects ended children. Some may be nobody's: as process 1 of a container this is everyone's last parent.
    fn reap(&mut self, now: Instant) {
        while let Some((pid, status)) = sys::reap() {
            if self.loader_ended(pid, status) {
                continue;
            }
            let ended = self.generations_mut().find_map(|generation| {
                generation.ended(pid, status, now).map(|verdict| (generation.number, verdict))
            });
            if let Some((number, Verdict::Bad)) = ended {
                self.condemn(number, now);
            }
        }
    }

    /// Begins the end: nobody new connects, workers finish what they have.
    fn stop(&mut self, signal: Signal, now: Instant) {
        if self.stopping.is_some() {
            self.generations_mut().for_each(Generation::kill);
            return;
        }
        log::info(format_args!("{signal}: stopping"));
        notify::stopping();
        self.stopping = Some(now + STOP_LIMIT.min(self.config.drain_limit));
        self.listener.remove_file();
        self.end_orders(now);
        // Not waited for: one that hangs in the disk cannot be ended before the disk lets it.
        if let Some(loading) = self.loading.take() {
            loading.kill();
        }
        self.generations_mut().for_each(Generation::drain);
    }

    fn is_done(&self) -> bool {
        self.stopping.is_some() && self.generations().all(Generation::is_empty)
    }

    fn reopen_access_log(&mut self) {
        let Some(path) = &self.config.access_log else { return };
        match access_log::open(path) {
            Ok(file) => {
                // The torn line, if any, stays behind in the old file.
                self.orders.counters.log_torn().store(0, Relaxed);
                self.generations().for_each(|generation| generation.pass_access_log(file.as_fd()));
                self.access_log = Some(file);
            }
            Err(error) => {
                let path = path.display();
                log::warning(format_args!(
                    "access log {path}: cannot be reopened ({error}); keeping the old file"
                ));
            }
        }
    }

    /// The next worker to be forked now, `None` when none is due or too many have been forked of late.
    fn next_due(&mut self) -> Option<NewWorker> {
        let now = Instant::now();
        let (generation, slot) =
            self.generations().find_map(|generation| Some((generation.number, generation.due(now)?)))?;
        let may = self.forks.take(now);
        may.then(|| NewWorker { generation, slot, counters: self.orders.counters.row(self.free_row()) })
    }

    fn started(&mut self, worker: NewWorker, pid: Pid, channel: MasterEnd) {
        if let Some(generation) = self.generation(worker.generation) {
            let again = generation.started(worker.slot, pid, channel, worker.counters);
            if again {
                self.orders.counters.count(Counter::WorkersRestarted);
            }
        }
    }

    fn not_started(&mut self, worker: NewWorker, cause: &io::Error) {
        let now = Instant::now();
        let verdict = self
            .generation(worker.generation)
            .map_or(Verdict::Fine, |generation| generation.not_started(worker.slot, cause, now));
        // The system's fault, not the cache's: a new generation is put off, but the one that serves never replaced.
        if verdict == Verdict::Bad && worker.generation != self.current.number {
            self.condemn(worker.generation, now);
        }
    }

    /// What a new worker needs of all this. Everything else is dropped here, in the child: other generations' caches
    /// are unmapped, siblings' sockets closed (an open copy would keep a sibling's connection to the master alive).
    fn into_kit(mut self, worker: NewWorker, channel: WorkerEnd) -> Kit {
        let slots = self.config.slots();
        let generation = self.generation(worker.generation);
        let cache = generation.map(|generation| Rc::clone(&generation.cache));
        Kit {
            cache: cache.unwrap_or_else(|| Rc::clone(&self.current.cache)),
            generation: worker.generation,
            slot: worker.slot as u16,
            slots,
            listener: self.listener.into_socket(),
            channel,
            access_log: self.access_log,
            counters: worker.counters,
            rules: self.config.rules(),
            peers: self.config.peers,
            sandbox: self.config.sandbox,
            master: self.pid,
        }
    }

    fn generation(&mut self, number: u64) -> Option<&mut Generation> {
        self.generations_mut().find(|generation| generation.number == number)
    }

    fn generations(&self) -> impl Iterator<Item = &Generation> {
        let starting = self.starting.iter().map(|starting| &starting.generation);
        let retiring = self.retiring.iter().map(|retiring| &retiring.generation);
        std::iter::once(&self.current).chain(starting).chain(retiring)
    }

    fn generations_mut(&mut self) -> impl Iterator<Item = &mut Generation> {
        let starting = self.starting.iter_mut().map(|starting| &mut starting.generation);
        let retiring = self.retiring.iter_mut().map(|retiring| &mut retiring.generation);
        std::iter::once(&mut self.current).chain(starting).chain(retiring)
    }

    fn next_wake(&self) -> Instant {
        let start = self.generations().filter_map(Generation::next_start).min();
        let start = start.map(|start| start.max(self.forks.next()));
        let watchdog = self.watchdog.as_ref().map(Watchdog::next);
        let others =
            [start, self.stopping, self.next_step(), watchdog, self.orders.callers.next_wake(Instant::now())];
        others.into_iter().flatten().fold(self.next_beat, Instant::min)
    }
}
