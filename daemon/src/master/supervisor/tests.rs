//! The supervisor's rules, with time given: workers, reloads, the end, and a long walk at random.

mod ending;
mod random;
mod reloads;
mod workers;

use super::{Action, Limits, Message, Place, ReloadError, Supervisor};
use crate::{channel::Word, control::Outcome, failure::Failure};
use std::{
    collections::BTreeMap,
    io,
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    time::{Duration, Instant},
};

const DRAIN_LIMIT: Duration = Duration::from_secs(60);
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
/// The first process id that is given to a child.
const FIRST_PID: u32 = 100;

/// A supervisor, and a master that does what it wants and writes down what else it says. Caches are names.
struct Rig {
    supervisor: Supervisor<&'static str>,
    now: Instant,
    last_pid: u32,
    /// Living workers, and where they belong.
    workers: BTreeMap<u32, Place>,
    loader: Option<u32>,
    /// What the loader leaves.
    cache: Result<&'static str, &'static str>,
    /// No process can be made.
    no_forks: bool,
    done: Vec<Action>,
}

impl Rig {
    /// A supervisor whose first workers have been forked.
    fn new(slots: u16) -> Rig {
        Rig::with(Limits { slots, drain_limit: DRAIN_LIMIT, waiting: 3, watchdog: None })
    }

    fn with(limits: Limits) -> Rig {
        let now = Instant::now();
        let mut rig = Rig {
            supervisor: Supervisor::new(limits, "first", now),
            now,
            last_pid: FIRST_PID - 1,
            workers: BTreeMap::new(),
            loader: None,
            cache: Ok("second"),
            no_forks: false,
            done: Vec::new(),
        };
        rig.settle();
        rig
    }

    /// One whose first generation is ready, and nothing of that is left to be read.
    fn ready(slots: u16) -> Rig {
        let mut rig = Rig::new(slots);
        rig.all_ready();
        rig.done.clear();
        rig
    }

    /// Does what is wanted, at this moment.
    fn settle(&mut self) {
        while let Some(action) = self.supervisor.next_action(self.now) {
            match action {
                Action::Fork(place) if self.no_forks => {
                    self.supervisor.forked(place, Err(io::Error::other("no room")), self.now);
                }
                Action::Fork(place) => {
                    self.last_pid += 1;
                    assert!(!self.workers.values().any(|other| *other == place), "two workers in {place:?}");
                    self.workers.insert(self.last_pid, place);
                    self.supervisor.forked(place, Ok(self.last_pid), self.now);
                }
                Action::ForkLoader => {
                    self.last_pid += 1;
                    self.loader = Some(self.last_pid);
                    self.supervisor.loading(self.last_pid, self.now);
                }
                Action::OpenCache(_) => self.supervisor.loaded(self.cache.map_err(Failure::cache), self.now),
                Action::Exit => {
                    self.done.push(action);
                    return;
                }
                Action::KillLoader => {
                    self.loader = None;
                    self.done.push(action);
                }
                Action::Ping(pid) => assert!(self.workers.contains_key(&pid)),
                Action::LookAfterFiles => {}
                Action::Serve(pid) | Action::Drain(pid) | Action::Kill(pid) => {
                    assert!(self.workers.contains_key(&pid), "{action:?} for nobody");
                    self.done.push(action);
                }
                action => self.done.push(action),
            }
        }
    }

    /// Lets the supervisor do what is due, and does what it wants.
    fn tick(&mut self) {
        self.supervisor.tick(self.now);
        self.settle();
    }

    /// Lets this time pass, second by second; all workers but those `silent` give signs of life.
    fn pass(&mut self, time: Duration, silent: &[u32]) {
        let end = self.now + time;
        while self.now < end {
            self.now = (self.now + Duration::from_secs(1)).min(end);
            for pid in self.workers.keys().filter(|pid| !silent.contains(pid)) {
                self.supervisor.heard(*pid, Word::Alive, self.now);
            }
            self.tick();
        }
    }

    /// The next moment at which something is due.
    fn wake(&mut self) {
        self.now = self.now.max(self.supervisor.next_wake());
        self.tick();
    }

    fn say_ready(&mut self, pid: u32) {
        assert!(self.supervisor.heard(pid, Word::Ready, self.now));
        self.tick();
    }

    /// Every worker says that it is ready, those that come meanwhile too.
    fn all_ready(&mut self) {
        for pid in FIRST_PID.. {
            if pid > self.last_pid {
                break;
            }
            if self.workers.contains_key(&pid) {
                self.say_ready(pid);
            }
        }
    }

    /// A worker ends, by a signal or (0) by itself.
    fn end(&mut self, pid: u32, signal: i32) {
        self.workers.remove(&pid).unwrap();
        self.supervisor.ended(pid, ExitStatus::from_raw(signal), self.now);
        self.tick();
    }

    /// The loader ends well.
    fn loader_ends(&mut self) {
        let pid = self.loader.take().unwrap();
        self.supervisor.ended(pid, ExitStatus::from_raw(0), self.now);
        self.tick();
    }

    /// A reload up to the moment at which the new workers are forked.
    fn reload(&mut self) {
        self.supervisor.want_reload();
        self.tick();
        self.loader_ends();
    }

    /// The workers of a generation.
    fn of(&self, generation: u64) -> Vec<u32> {
        let own = self.workers.iter().filter(|(_, place)| place.generation == generation);
        own.map(|(pid, _)| *pid).collect()
    }

    /// What has been done since this was asked for last.
    fn done(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.done)
    }

    /// What has been said since.
    fn said(&mut self) -> Vec<Message> {
        let said = self.done().into_iter().filter_map(|action| match action {
            Action::Say(message) => Some(message),
            _ => None,
        });
        said.collect()
    }

    /// Who has been answered since, and how.
    fn answers(&mut self) -> Vec<(u64, Outcome)> {
        let answers = self.done().into_iter().filter_map(|action| match action {
            Action::Answer(caller, outcome) => Some((caller, outcome)),
            _ => None,
        });
        answers.collect()
    }

    /// A caller who waits for a reload.
    fn wait_for_reload(&mut self, caller: u64) {
        self.supervisor.order_reload(caller, true, |_| true);
        self.tick();
    }

    fn current(&self) -> (u64, &'static str) {
        (self.supervisor.current().number, self.supervisor.current().cache)
    }
}

fn went_well(generation: u64) -> Outcome {
    Outcome { ok: true, generation: Some(generation), error: None }
}

fn failed(generation: Option<u64>, error: &str) -> Outcome {
    Outcome { ok: false, generation, error: Some(error.into()) }
}
