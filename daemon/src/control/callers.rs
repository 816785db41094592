//! The master's side of the control socket: hears orders and sends answers, and never waits for anyone.
//!
//! Few may call at a time, each with one short line, and each for a limited time; further ones wait in the socket's
//! queue, until those that say nothing make room. Only root and the daemon's own user are heard. What an order means is
//! the master's business.

use super::{Order, Outcome};
use crate::{failure::Failure, listener::Listener};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{getsockopt, sockopt},
    unistd::geteuid,
};
use program::socket_file::Access;
use serde::Serialize;
use std::{
    io::{self, Read as _, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::Path,
    time::{Duration, Instant},
};

/// Callers at a time.
const MOST_CALLERS: usize = 64;
/// Longest order, with its line feed.
const LONGEST: usize = 64;
/// How long a caller may take to say its order, and to read its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a caller may be silent, or not read, when others wait: whoever has something to say says it at once. So short
/// that a full queue (4096) has had its turn within [`PATIENCE`].
const IDLE_LIMIT: Duration = Duration::from_millis(50);
/// Callers that may wait for a reload at a time: they wait for as long as that takes, and others have orders too.
pub const MOST_WAITING: usize = MOST_CALLERS / 2;
/// How long no caller is let in after the system has refused one.
const PAUSE: Duration = Duration::from_secs(1);
/// Permissions of the socket file.
const MODE: u32 = 0o600;

/// The control socket and those who call on it.
#[derive(Debug)]
pub struct Callers {
    listener: Listener,
    callers: Vec<Caller>,
    last_number: u64,
    /// Nobody is let in before this moment.
    closed_until: Option<Instant>,
}

#[derive(Debug)]
struct Caller {
    number: u64,
    stream: UnixStream,
    stage: Stage,
    /// What has been heard, then what is still to be sent.
    bytes: Vec<u8>,
    /// When its stage began.
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Has not said all of its order.
    Speaking,
    /// Waits for the master, which answers in its own time.
    Waiting,
    /// Has not read all of its answer.
    Listening,
}

impl Callers {
    /// Binds the control socket.
    pub fn open(path: &Path) -> Result<Callers, Failure> {
        let listener =
            Listener::bind("control socket", path, Access { mode: MODE, owner: None, group: None })?;
        Ok(Callers { listener, callers: Vec::new(), last_number: 0, closed_until: None })
    }

    /// Removes the socket file. Those who have called are still answered.
    pub fn remove_file(&mut self) {
        self.listener.remove_file();
    }

    /// Binds the socket file anew if it has been taken away.
    pub fn look_after_file(&mut self) {
        self.listener.look_after_file();
    }

    /// What to poll for.
    pub fn files(&self, now: Instant) -> impl Iterator<Item = PollFd<'_>> {
        let open = self.has_room(now) && self.closed_until.is_none();
        let listener = open.then(|| PollFd::new(self.listener.socket().as_fd(), PollFlags::POLLIN));
        let callers = self.callers.iter().map(|caller| {
            let events = match caller.stage {
                Stage::Speaking => PollFlags::POLLIN,
                // Woken up by its end only, which needs not be asked for.
                Stage::Waiting => PollFlags::empty(),
                Stage::Listening => PollFlags::POLLOUT,
            };
            PollFd::new(caller.stream.as_fd(), events)
        });
        listener.into_iter().chain(callers)
    }

    /// When to look again even if nobody has news.
    pub fn next_wake(&self, now: Instant) -> Option<Instant> {
        let impatient = self.callers.iter().filter(|caller| caller.stage != Stage::Waiting);
        let full = self.callers.len() >= MOST_CALLERS;
        // Once one may make room there is nothing to wait for but others, who are polled for.
        let limit = |caller: &Caller| {
            let idle = full.then(|| caller.since + IDLE_LIMIT).filter(|until| *until > now);
            idle.unwrap_or(caller.since + PATIENCE)
        };
        impatient.map(limit).chain(self.closed_until).min()
    }

    /// Whether one more caller could be let in.
    fn has_room(&self, now: Instant) -> bool {
        self.callers.len() < MOST_CALLERS || self.dispensable(now).is_some()
    }

    /// The caller that has been silent for the longest, if that is long enough to make room for another one.
    fn dispensable(&self, now: Instant) -> Option<usize> {
        let silent = self.callers.iter().enumerate().filter(|(_, caller)| caller.stage != Stage::Waiting);
        let (place, caller) = silent.min_by_key(|(_, caller)| caller.since)?;
        (caller.since + IDLE_LIMIT <= now).then_some(place)
    }

    /// Whether this caller still waits to be answered.
    pub fn is_waiting(&self, number: u64) -> bool {
        self.callers.iter().any(|caller| caller.number == number && caller.stage == Stage::Waiting)
    }

    /// Lets callers in, hears and sends what there is, and forgets those who are gone or too slow. Returns the orders
    /// heard, each with the number of its caller, for [`Callers::answer`].
    pub fn turn(&mut self, now: Instant) -> Vec<(u64, Order)> {
        self.closed_until.take_if(|until| *until <= now);
        let mut orders = Vec::new();
        self.callers.retain_mut(|caller| {
            let stays = match caller.stage {
                Stage::Speaking => caller.hear(now, &mut orders),
                Stage::Waiting => !caller.is_gone(),
                Stage::Listening => caller.send(),
            };
            stays && (caller.stage == Stage::Waiting || now < caller.since + PATIENCE)
        });
        self.let_in(now, &mut orders);
        orders
    }

    /// Answers a caller, if it is still there.
    pub fn answer(&mut self, number: u64, answer: &impl Serialize, now: Instant) {
        let Some(place) = self.callers.iter().position(|caller| caller.number == number) else { return };
        if !self.callers[place].answer(answer, now) {
            self.callers.remove(place);
        }
    }

    /// Lets callers in and hears what they have said already.
    fn let_in(&mut self, now: Instant, orders: &mut Vec<(u64, Order)>) {
        while self.has_room(now) && self.closed_until.is_none() {
            match self.listener.socket().accept() {
                Ok((stream, _)) => {
                    if self.callers.len() >= MOST_CALLERS
                        && let Some(place) = self.dispensable(now)
                    {
                        self.callers.remove(place);
                    }
                    self.last_number += 1;
                    if let Some(mut caller) = Caller::new(self.last_number, stream, now)
                        && caller.hear(now, orders)
                    {
                        self.callers.push(caller);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // No descriptor is free, say. Who waits is heard later.
                Err(_) => self.closed_until = Some(now + PAUSE),
            }
        }
    }
}

impl Caller {
    /// A caller with the right to call.
    fn new(number: u64, stream: UnixStream, now: Instant) -> Option<Caller> {
        let peer = getsockopt(&stream, sockopt::PeerCredentials).ok()?;
        let allowed = peer.uid() == 0 || peer.uid() == geteuid().as_raw();
        stream.set_nonblocking(true).ok()?;
        let mut caller = Caller { number, stream, stage: Stage::Speaking, bytes: Vec::new(), since: now };
        if !allowed {
            caller.refuse("only root and the daemon's own user may give orders", now);
        }
        allowed.then_some(caller)
    }

    /// Reads on. Whether the caller stays.
    fn hear(&mut self, now: Instant, orders: &mut Vec<(u64, Order)>) -> bool {
        let mut room = [0; LONGEST];
        let ended = match self.stream.read(&mut room) {
            Ok(count) => {
                self.bytes.extend_from_slice(&room[..count]);
                count == 0
            }
            Err(error) => return is_passing(&error),
        };
        let line = self.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.len() == self.bytes.len() && !ended && line.len() < LONGEST {
            return true;
        }
        if let Some(order) = Order::parse(line) {
            self.stage = Stage::Waiting;
            orders.push((self.number, order));
            return true;
        }
        let words: Vec<&str> = Order::ALL.iter().map(|order| order.word()).collect();
        !line.is_empty() && self.refuse(&format!("not an order; orders are {}", words.join(", ")), now)
    }

    fn refuse(&mut self, error: &str, now: Instant) -> bool {
        self.answer(&Outcome { ok: false, generation: None, error: Some(error.into()) }, now)
    }

    /// Whether the caller stays to read the rest of its answer.
    fn answer(&mut self, answer: &impl Serialize, now: Instant) -> bool {
        self.stage = Stage::Listening;
        self.since = now;
        // Numbers and texts always serialize.
        self.bytes = serde_json::to_vec(answer).unwrap_or_default();
        self.bytes.push(b'\n');
        self.send()
    }

    /// Sends on. Whether something is left to be sent.
    fn send(&mut self) -> bool {
        while !self.bytes.is_empty() {
            match self.stream.write(&self.bytes) {
                Ok(count) => drop(self.bytes.drain(..count)),
                Err(error) => return is_passing(&error),
            }
        }
        false
    }

    /// Whether the caller has closed its end, and not only said all that it has to say.
    fn is_gone(&self) -> bool {
        let mut files = [PollFd::new(self.stream.as_fd(), PollFlags::empty())];
        let polled = poll(&mut files, PollTimeout::ZERO);
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR;
        polled.is_ok() && files[0].revents().is_some_and(|events| events.intersects(gone))
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
