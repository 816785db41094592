//! The acceptor: takes connections from the listening socket that all workers share.
//!
//! It takes a few at a time, so that open connections are not kept waiting, and lets the other workers go first when it
//! has just taken some. It takes none while there are too many or no descriptors are left: then it waits for one to
//! close, or a moment. When there are too many and more wait, it asks for those that want nothing to be closed.

use super::peers::Peers;
use crate::log::{self, Seldom};
use mio::{
    Interest, Registry, Token,
    net::{UnixListener, UnixStream},
};
use std::{
    io,
    time::{Duration, Instant},
};

/// Connections that a worker holds at most; further ones wait for another worker, or for one to close.
const MOST_CONNECTIONS: usize = 1000;
/// Connections taken in one turn of the event loop.
const TAKEN_AT_ONCE: usize = 4;
/// How long a worker that took a connection lately leaves the next one to its siblings. The kernel wakes all of them,
/// but the one that is warm always wins: without this a front end may try a hundred times before it has met all.
const YIELD: Duration = Duration::from_millis(2);
/// What counts as lately: longer than one that tries until it has met all takes from one try to the next, or it would
/// meet the same worker each time.
const LATELY: Duration = Duration::from_secs(1);
/// How long to wait before trying again after the system has refused a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// A worker's hold on the listening socket.
#[derive(Debug)]
pub struct Acceptor {
    listener: Option<UnixListener>,
    peers: Peers,
    open: bool,
    has_siblings: bool,
    /// Someone may be waiting: the listener is edge-triggered.
    pending: bool,
    taken: Option<Instant>,
    /// Nothing is taken before this moment.
    wait_until: Option<Instant>,
    refusals: Seldom,
    /// When to look next for connections to close in favour of those who wait.
    next_clearing: Option<Instant>,
    cleared: u64,
    clearings: Seldom,
}

impl Acceptor {
    /// An acceptor that takes nothing yet.
    pub fn new(listener: std::os::unix::net::UnixListener, has_siblings: bool, peers: Peers) -> Acceptor {
        Acceptor {
            listener: Some(UnixListener::from_std(listener)),
            peers,
            open: false,
            has_siblings,
            pending: false,
            taken: None,
            wait_until: None,
            refusals: Seldom::default(),
            next_clearing: None,
            cleared: 0,
            clearings: Seldom::default(),
        }
    }

    /// Lets connections in from now on.
    pub fn open(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        if let Some(listener) = self.listener.as_mut().filter(|_| !self.open) {
            registry.register(listener, token, Interest::READABLE)?;
            self.open = true;
            self.pending = true;
        }
        Ok(())
    }

    /// Lets go of the listener. Connections that wait in it are another worker's.
    pub fn close(&mut self, registry: &Registry) {
        self.pending = false;
        let Some(mut listener) = self.listener.take() else { return };
        if self.open {
            // Closing alone would not end the events: the siblings hold the same socket. Should this fail, they only
            // wake the worker for nothing.
            registry.deregister(&mut listener).unwrap_or_default();
        }
    }

    /// The listener is readable: someone may wait.
    pub fn on_readable(&mut self, now: Instant) {
        self.pending = true;
        self.yield_to_siblings(now);
    }

    /// A connection has been closed, so there is room again.
    pub fn make_room(&mut self) {
        self.wait_until = None;
    }

    /// Whether [`Acceptor::take`] may have something at `now`, with so many connections open already.
    pub fn may_accept(&self, connections: usize, now: Instant) -> bool {
        self.pending && connections < MOST_CONNECTIONS && self.wait_until.is_none_or(|until| until <= now)
    }

    /// When to look again.
    pub fn retry_at(&self, connections: usize, now: Instant) -> Option<Instant> {
        let next =
            if connections < MOST_CONNECTIONS { self.wait_until } else { self.next_clearing.or(Some(now)) };
        next.filter(|_| self.pending)
    }

    /// How many of the `connections` would have to be closed at `now` so that those who wait get in.
    pub fn wants_closed(&self, connections: usize, now: Instant) -> usize {
        let full = self.pending && connections >= MOST_CONNECTIONS;
        if full && self.next_clearing.is_none_or(|next| next <= now) { TAKEN_AT_ONCE } else { 0 }
    }

    /// So many have been closed for them. If none could be, it is tried again after a moment.
    pub fn clear(&mut self, count: usize, now: Instant) {
        self.next_clearing = (count == 0).then_some(now + PAUSE);
        self.cleared += count as u64;
        if count > 0 && self.clearings.passes(now) {
            let cleared = self.cleared;
            log::warning(format_args!(
                "connections: {MOST_CONNECTIONS} are open and more wait; closed {cleared} idle ones so far"
            ));
        }
    }

    /// New connections, a few at most, while there are fewer than allowed with the `connections` there are.
    pub fn take(&mut self, connections: usize, now: Instant) -> Vec<UnixStream> {
        let mut taken = Vec::new();
        self.wait_until = None;
        let Some(listener) = self.listener.as_ref().filter(|_| self.open) else { return taken };
        let most = TAKEN_AT_ONCE.min(MOST_CONNECTIONS.saturating_sub(connections));
        let mut turned_away = 0;
        while taken.len() + turned_away < most {
            match listener.accept() {
                Ok((stream, _)) if self.peers.admits(&stream, now) => taken.push(stream),
                Ok(_) => turned_away += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.pending = false;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    self.refused(&error, now);
                    return taken;
                }
            }
        }
        if !taken.is_empty() {
            self.taken = Some(now);
            self.yield_to_siblings(now);
        }
        taken
    }

    fn yield_to_siblings(&mut self, now: Instant) {
        let lately = self.taken.is_some_and(|taken| now - taken < LATELY);
        if lately && self.has_siblings && self.wait_until.is_none() {
            self.wait_until = Some(now + YIELD);
        }
    }

    fn refused(&mut self, error: &io::Error, now: Instant) {
        self.wait_until = Some(now + PAUSE);
        if self.refusals.passes(now) {
            log::warning(format_args!("new connection: not accepted ({error}); trying again"));
        }
    }
}
