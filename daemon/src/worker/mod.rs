//! A worker process: answers requests from one cache until it is told to leave.
//!
//! It reads as the way of a request: the acceptor takes a connection, the event loop gives it its turn, the connection
//! reads bytes and finds whole messages in them, frames turn each into an answer.

mod accept;
pub mod connection;
mod event_loop;
pub mod frames;
mod idle;
mod peers;

use crate::{
    cache_file::CacheFile,
    channel::WorkerEnd,
    config::SandboxMode,
    counters::Row,
    failure::Failure,
    log,
    log_file::{self, Log, LogFile},
    sandbox,
};
use accept::Acceptor;
use answer::{
    RequestLines, Scratch, Service,
    redirector::Redirector,
    rules::{LogAddress, Rules},
};
use event_loop::EventLoop;
use nix::{
    sys::{
        prctl,
        signal::{SigSet, SigmaskHow, Signal, sigprocmask},
    },
    unistd::{Pid, getpid, getppid},
};
use peers::Peers;
use rand::{SeedableRng as _, rngs::SmallRng, rngs::SysRng};
use std::{ffi::CString, os::unix::net::UnixListener, process, rc::Rc, time::Instant};
use wire::Hello;

/// Signals that a terminal or a service manager sends to all processes at once. They are for the master, which tells
/// its workers what to do; workers keep them blocked.
pub const MASTERS_SIGNALS: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1];

/// All that a worker has.
#[derive(Debug)]
pub struct Kit {
    /// What it answers from.
    pub cache: Rc<CacheFile>,
    /// The number of its generation.
    pub generation: u64,
    /// Its place in the generation.
    pub slot: u16,
    /// How many places there are.
    pub slots: u16,
    /// Where connections come from.
    pub listener: UnixListener,
    /// Its end of the channel to the master.
    pub channel: WorkerEnd,
    /// Where lines of logs go.
    pub logs: log_file::Files,
    /// What of clients' addresses the request log has.
    pub log_address: LogAddress,
    /// Its counters.
    pub counters: Row,
    /// How answers are made.
    pub rules: Rules,
    /// What paths of files lead to.
    pub redirector: Redirector,
    /// Users whose processes may ask; everyone's if there are none.
    pub peers: Vec<u32>,
    /// Whether it shuts itself in.
    pub sandbox: SandboxMode,
    /// The process that must not die before it.
    pub master: Pid,
}

/// What the connections of a worker share while they have their turns, one after the other.
#[derive(Debug)]
pub struct Desk<'a> {
    /// What answers.
    pub service: Service<'a>,
    /// What orders mirrors.
    pub dice: SmallRng,
    /// Buffers of the service, and the lines for the access log.
    pub scratch: Scratch,
    /// The worker's counters.
    pub counters: Row,
    /// Seconds since the epoch, as of this turn of the event loop.
    pub now: u64,
    /// The same moment on the clock that is never set.
    moment: Instant,
    /// Where bytes are read to.
    input: Box<[u8]>,
    /// Answers about to be sent. Empty between turns.
    output: Vec<u8>,
}

impl<'a> Desk<'a> {
    /// A desk with empty buffers.
    pub fn new(service: Service<'a>, dice: SmallRng, counters: Row) -> Desk<'a> {
        Desk {
            service,
            dice,
            scratch: Scratch::default(),
            counters,
            now: 0,
            moment: Instant::now(),
            input: vec![0; connection::MOST_READ].into(),
            output: Vec::new(),
        }
    }
}

/// Works until the master says to leave, or is gone. Ends the process.
pub fn run(kit: Kit) -> ! {
    let code = match work(kit) {
        Ok(()) => 0,
        Err(failure) => {
            log::error(format_args!("worker {}: {failure}; ending", getpid()));
            failure.fault.code()
        }
    };
    process::exit(code)
}

fn work(kit: Kit) -> Result<(), Failure> {
    part_from_master(kit.master, &format!("mirrorlistd/{}", kit.slot))
        .map_err(|errno| Failure::system(format!("cannot set up its process ({errno})")))?;
    let view = kit.cache.view().map_err(|error| Failure::cache(format!("cache: {error}")))?;
    let dice = SmallRng::try_from_rng(&mut SysRng)
        .map_err(|error| Failure::system(format!("no random numbers ({error})")))?;
    let service = Service {
        view,
        fragments: &kit.cache.fragments,
        rules: kit.rules,
        redirector: Some(&kit.redirector),
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut desk = Desk::new(service, dice, kit.counters);
    let [access, requests] = kit.logs;
    if requests.is_some() {
        desk.scratch.requests = Some(RequestLines { address: kit.log_address, lines: Vec::new() });
    }
    let log = |log, file| LogFile::new(log, file, kit.counters.all.torn(log));
    let logs = [log(Log::Access, access), log(Log::Requests, requests)];
    let hello = Hello { slot: kit.slot, slots: kit.slots, pid: process::id(), generation: kit.generation };
    let acceptor = Acceptor::new(kit.listener, kit.slots > 1, Peers::new(kit.peers));
    sandbox::shut_in(kit.sandbox)?;
    EventLoop::new(desk, hello, acceptor, kit.channel, logs)
        .and_then(EventLoop::run)
        .map_err(|error| Failure::system(format!("event loop: {error}")))
}

/// Makes a fork of `master` a process of its own, called `name`: it dies with the master, and signals find it as they
/// should.
pub fn part_from_master(master: Pid, name: &str) -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != master {
        // The master died before its death could be noticed.
        process::exit(0);
    }
    // With the one that `survive_file_size_limit` has blocked: an access log at its limit costs lines, not the worker.
    let blocked: SigSet = MASTERS_SIGNALS.into_iter().chain([Signal::SIGXFSZ]).collect();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&blocked), None)?;
    if let Ok(name) = CString::new(name) {
        prctl::set_name(&name)?;
    }
    Ok(())
}
