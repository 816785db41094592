//! The master: starts workers, replaces lost ones, loads new caches, ends it all.
//!
//! One loop over signals, the workers' channels and the clock. It answers no request, accepts no connection, and
//! reads no file that may be slow. What is to be done the [`supervisor`] decides; here are the processes, descriptors and
//! system calls that it takes. `loader` is the process that reads a new cache, `status` what there is to tell.

mod loader;
mod messages;
mod signals;
mod status;
mod supervisor;

use crate::{
    cache_file::{self, CacheFile},
    channel::{self, MasterEnd, Received, WorkerEnd},
    config::Config,
    control::{
        Order, Reloaded,
        callers::{Callers, MOST_WAITING},
    },
    counters::{Counters, Row},
    failure::Failure,
    listener::Listener,
    log,
    log_file::{self, Log},
    suspended::{Suspension, seconds},
    sys::{self, Fork},
    worker::{self, Kit},
};
use loader::{Ends, Loader};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, kill},
    unistd::{Pid, getpid},
};
use program::notify;
use rustix::process::{WaitOptions, wait};
pub use signals::Signals;
use slab::Slab;
use std::{
    io,
    os::{fd::AsFd as _, unix::process::ExitStatusExt as _},
    process::ExitStatus,
    rc::Rc,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};
use supervisor::{Action, HEARTBEAT, Limits, Place, Supervisor};
use wire::Counter;

/// Generations that may live at a time, generously.
const GENERATIONS: usize = 8;

/// Between two reloads that are wanted because a URL is suspended no longer.
const NEXT_LOOK: Duration = Duration::from_secs(60);

/// Everything that the master has.
struct Master {
    config: Config,
    pid: Pid,
    own: Opened,
    supervisor: Supervisor<Rc<CacheFile>>,
    /// Each at the number of its row of counters.
    workers: Slab<Worker>,
    loader: Option<Loader>,
    counters: Counters,
    last_reload: Option<Reloaded>,
    /// When to look again whether a URL is suspended no longer.
    next_look: Instant,
}

/// A worker process that has not been reaped yet, so its number cannot have passed to another process.
struct Worker {
    pid: u32,
    /// As long as there is something to be heard over it.
    channel: Option<MasterEnd>,
    counters: Row,
    /// Requests that earlier workers have left in its row.
    requests_before: u64,
}

/// What the process has opened at its start.
#[derive(Debug)]
pub struct Opened {
    /// Signals, from now on the master's.
    pub signals: Signals,
    /// Where access-log lines go.
    pub logs: log_file::Files,
    /// Where front ends connect.
    pub listener: Listener,
    /// Where the operator calls.
    pub callers: Callers,
    /// The URLs that are suspended.
    pub suspension: Suspension,
}

/// Runs the daemon until a signal ends it. Only the master returns from here.
pub fn run(config: Config, cache: CacheFile, opened: Opened) -> Result<(), Failure> {
    // A row for every worker that may live at a time: those who answer, start, or finish after a reload.
    let counters = Counters::new(usize::from(config.slots()) * GENERATIONS)
        .map_err(|errno| Failure::system(format!("counters: no shared memory ({errno})")))?;
    counters.set(Counter::Started, seconds());
    let limits = Limits {
        slots: config.slots(),
        drain_limit: config.drain_limit,
        waiting: MOST_WAITING,
        watchdog: notify::watchdog(),
    };
    let mut master = Master {
        pid: getpid(),
        own: opened,
        supervisor: Supervisor::new(limits, Rc::new(cache), Instant::now()),
        workers: Slab::new(),
        loader: None,
        counters,
        last_reload: None,
        next_look: Instant::now(),
        config,
    };
    let outcome = loop {
        match master.supervisor.next_action(Instant::now()) {
            Some(Action::Exit) => break Ok(()),
            Some(Action::Fork(place)) => {
                match channel::pair().and_then(|ends| Ok((ends, sys::fork()?))) {
                    Ok(((ours, _), Fork::Parent(pid))) => master.forked(place, pid.as_raw() as u32, ours),
                    Ok(((ours, theirs), Fork::Child)) => {
                        // Held open by the worker itself, it would hide the master's death.
                        drop(ours);
                        worker::run(master.into_kit(place, theirs))
                    }
                    Err(cause) => master.supervisor.forked(place, Err(cause), Instant::now()),
                }
            }
            Some(Action::ForkLoader) => match loader::fork() {
                Ok((ends, Fork::Parent(pid))) => {
                    let pid = pid.as_raw() as u32;
                    master.supervisor.loading(pid, Instant::now());
                    master.loader = Some(Loader::new(pid, ends));
                }
                Ok((ends, Fork::Child)) => loader::run(master.into_loader(ends)),
                Err(cause) => {
                    let cause = format!("not read, for no process could be started ({cause})");
                    let refused = cache_file::refused(&master.config.cache, &cause);
                    master.supervisor.loaded(Err(refused), Instant::now());
                }
            },
            Some(action) => master.execute(action, Instant::now()),
            None => {
                if let Err(failure) = master.wait() {
                    break Err(failure);
                }
            }
        }
    };
    master.own.listener.remove_file();
    master.own.callers.remove_file();
    log::info("stopped");
    outcome
}

impl Master {
    /// Waits for a signal, a worker's word, an order or the next moment at which something is due, and tells the
    /// supervisor.
    fn wait(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let wake =
            self.own.callers.next_wake(now).into_iter().fold(self.supervisor.next_wake(), Instant::min);
        let timeout = wake.saturating_duration_since(now);
        // Rounded up: waking a moment early would only mean waiting once more.
        let timeout = PollTimeout::try_from(timeout + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        let mut fds = vec![PollFd::new(self.own.signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.own.callers.files(now));
        let ends = self.workers.iter().filter_map(|(_, worker)| worker.channel.as_ref());
        fds.extend(ends.map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Lack of memory passes; until then signals and workers are looked after once a beat.
            Err(Errno::ENOMEM) => std::thread::sleep(HEARTBEAT),
            Err(errno) => return Err(Failure::system(format!("poll: {errno}"))),
        }
        drop(fds);
        let now = Instant::now();
        self.listen(now);
        while let Some(signal) = self.own.signals.take() {
            match signal {
                Signal::SIGCHLD => self.reap(now),
                Signal::SIGHUP => self.supervisor.want_reload(),
                Signal::SIGUSR1 => self.reopen_logs(),
                Signal::SIGTERM | Signal::SIGINT => self.supervisor.stop(signal.as_str(), now),
                _ => {}
            }
        }
        self.take_orders(now);
        self.renew_suspended(now);
        self.supervisor.tick(Instant::now());
        self.counters.set(Counter::WorkersReady, self.supervisor.current().ready() as u64);
        Ok(())
    }

    /// Wants a reload when something is suspended no longer; again and again, should it fail.
    fn renew_suspended(&mut self, now: Instant) {
        let until = self.supervisor.current().cache.fragments.usable().until();
        if self.next_look <= now && until.is_some_and(|until| until <= seconds()) {
            self.next_look = now + NEXT_LOOK;
            self.supervisor.want_reload();
        }
    }

    /// Does what the supervisor wants, unless it takes a fork.
    fn execute(&mut self, action: Action, now: Instant) {
        match action {
            Action::Fork(_) | Action::ForkLoader | Action::Exit => {}
            Action::OpenCache(status) => {
                let Some(loader) = self.loader.take() else { return };
                let cache = loader.outcome(&self.config.cache, status, &mut self.own.suspension);
                self.supervisor.loaded(cache.map(Rc::new), now);
            }
            Action::KillLoader => drop(self.loader.take().map(|loader| loader.kill())),
            // A full socket is a worker that does not read it; that no answer comes deals with that.
            Action::Ping(pid) => drop(self.order(pid, MasterEnd::ping)),
            Action::Serve(pid) => self.order(pid, MasterEnd::serve).unwrap_or_else(|_| self.kill(pid)),
            Action::Drain(pid) => self.order(pid, MasterEnd::drain).unwrap_or_else(|_| self.kill(pid)),
            Action::Kill(pid) => self.kill(pid),
            Action::Answer(caller, outcome) => self.own.callers.answer(caller, &outcome, now),
            Action::CountRestart => self.counters.count(Counter::WorkersRestarted),
            Action::ReloadOver(error) => self.note_reload(error.as_ref()),
            Action::Publish => self.publish(),
            Action::LookAfterFiles => {
                self.own.callers.look_after_file();
                if self.own.listener.look_after_file() {
                    self.supervisor.rebound(now);
                }
            }
            Action::CloseService => {
                notify::stopping();
                self.own.listener.remove_file();
                self.own.callers.remove_file();
            }
            Action::NotifyReloading => notify::reloading(),
            Action::NotifyReady => {
                notify::ready();
                self.notify_status();
            }
            Action::NotifyStatus => self.notify_status(),
            Action::NotifyAlive => notify::alive(),
            Action::Say(message) => {
                let current = self.supervisor.current();
                let facts = current.cache.facts();
                messages::say(message, &self.config.cache, (current.number, self.config.slots(), &facts));
            }
        }
    }

    /// Hears what the workers have said.
    fn listen(&mut self, now: Instant) {
        for (_, &mut Worker { pid, ref mut channel, .. }) in &mut self.workers {
            while let Some(end) = channel {
                match end.receive() {
                    Ok(Received::Nothing) => break,
                    Ok(Received::Message(word)) if self.supervisor.heard(pid, word, now) => continue,
                    Ok(Received::Message(_) | Received::Closed) => self.supervisor.left(pid, None),
                    Err(error) => self.supervisor.left(pid, Some(&error.to_string())),
                }
                *channel = None;
            }
        }
    }

    /// Collects ended children. Some may be nobody's: as process 1 of a container this is everyone's last parent.
    fn reap(&mut self, now: Instant) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let (pid, status) = (pid.as_raw_nonzero().get() as u32, ExitStatus::from_raw(status.as_raw()));
            self.workers.retain(|_, worker| worker.pid != pid);

            self.supervisor.ended(pid, status, now);
        }
    }

    /// Hears orders and carries them out.
    fn take_orders(&mut self, now: Instant) {
        for (caller, order) in self.own.callers.turn(now) {
            if order == Order::Status {
                let status = self.status(now);
                self.own.callers.answer(caller, &status, now);
            } else {
                let waits = order == Order::ReloadAndWait;
                self.supervisor.order_reload(caller, waits, |caller| self.own.callers.is_waiting(caller));
            }
        }
    }

    fn reopen_logs(&mut self) {
        for ((log, path), held) in Log::ALL.into_iter().zip(self.config.logs()).zip(&mut self.own.logs) {
            let Some(path) = path else { continue };
            match log_file::open(path) {
                Ok(file) => {
                    // The torn line, if any, stays behind in the old file.
                    self.counters.torn(log).store(0, Relaxed);
                    for (_, Worker { pid, channel, .. }) in &self.workers {
                        if let Some(Err(error)) = channel.as_ref().map(|end| end.log(log, file.as_fd())) {
                            let name = log.name();
                            log::warning(format_args!(
                                "worker {pid}: reopened {name} not handed over ({error}); it keeps the old file"
                            ));
                        }
                    }
                    *held = Some(file);
                }
                Err(error) => log::warning(format_args!(
                    "{} {}: cannot be reopened ({error}); keeping the old file",
                    log.name(),
                    path.display()
                )),
            }
        }
    }

    fn forked(&mut self, place: Place, pid: u32, channel: MasterEnd) {
        let counters = self.counters.row(self.workers.vacant_key());
        let requests_before = counters.requests();
        self.workers.insert(Worker { pid, channel: Some(channel), counters, requests_before });
        self.supervisor.forked(place, Ok(pid), Instant::now());
    }

    /// What a new worker needs of all this. Everything else is dropped here, in the child: other generations' caches
    /// are unmapped, siblings' sockets closed (an open copy would keep a sibling's connection to the master alive).
    fn into_kit(self, place: Place, channel: WorkerEnd) -> Kit {
        Kit {
            cache: Rc::clone(self.supervisor.cache(place.generation)),
            generation: place.generation,
            slot: place.slot as u16,
            slots: self.config.slots(),
            listener: self.own.listener.into_socket(),
            channel,
            logs: self.own.logs,
            log_address: self.config.log_address,
            counters: self.counters.row(self.workers.vacant_key()),
            rules: self.config.rules(),
            redirector: self.config.redirector(),
            peers: self.config.peers,
            sandbox: self.config.sandbox,
            master: self.pid,
        }
    }

    /// What a loader needs of all this. Everything else is dropped here, in the child, as in a worker; the caches are
    /// not, for they take the room that they take in the master.
    fn into_loader(self, ends: Ends) -> loader::Kit {
        let held = self.supervisor.caches().cloned().collect();
        let (path, sandbox) = (self.config.cache, self.config.sandbox);
        let suspended = self.config.suspended;
        loader::Kit { ends, path, suspended, sandbox, master: self.pid, _held: held }
    }

    fn worker(&self, pid: u32) -> Option<&Worker> {
        self.workers.iter().map(|(_, worker)| worker).find(|worker| worker.pid == pid)
    }

    fn order(&self, pid: u32, order: impl Fn(&MasterEnd) -> io::Result<()>) -> io::Result<()> {
        let channel = self.worker(pid).and_then(|worker| worker.channel.as_ref());
        channel.map_or(Err(io::ErrorKind::NotConnected.into()), order)
    }

    fn kill(&self, pid: u32) {
        if self.worker(pid).is_some()
            && let Err(error) = kill(Pid::from_raw(pid as i32), Signal::SIGKILL)
        {
            log::warning(format_args!("worker {pid}: {} not sent ({error}); trying again", Signal::SIGKILL));
        }
    }
}
