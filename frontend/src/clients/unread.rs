//! Answers that clients do not read: how many bytes they hold on one thread, and who goes when these are too many.
//!
//! Who reads slowest goes first: what counts is what a client has taken since its answer did not fit into its socket, and
//! for how long that has been, not whether it has just taken a sip. One that has only just come counts as a slow reader,
//! above those that hardly read and below those that have been seen to. Each costs a place in a list, and only while its
//! answer does not fit.

use super::Client;
use slab::Slab;
use std::{
    cell::Cell,
    cmp::Reverse,
    rc::Rc,
    time::{Duration, Instant},
};

/// Bytes a second that a client is supposed to read of which nothing is known yet: a slow line.
const SUPPOSED: u64 = 8 * 1024;
/// For how long that counts as much as what is known.
const UNKNOWN: Duration = Duration::from_secs(1);

/// The clients of one thread that are to read.
#[derive(Debug)]
pub(super) struct Unread {
    limit: usize,
    bytes: usize,
    all: Slab<(usize, Rc<Client>)>,
}

/// Finds a client among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnreadKey(usize);

/// What a client has read of the answer that did not fit into its socket.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes that were its to take: in the socket at first, and written since.
    offered: Cell<usize>,
    /// Those that it had taken when it was looked at last.
    taken: Cell<usize>,
}

impl Progress {
    /// The answer does not fit any more, with so many bytes in the socket.
    pub fn begin(&self, untaken: usize) {
        self.offered.set(untaken);
        self.taken.set(0);
    }

    /// So many bytes more were written.
    pub fn written(&self, bytes: usize) {
        self.offered.set(self.offered.get() + bytes);
    }

    /// So many bytes are in the socket now.
    pub fn look(&self, untaken: usize) {
        self.taken.set(self.offered.get().saturating_sub(untaken).max(self.taken.get()));
    }

    /// Bytes a second, after this time.
    fn rate(&self, time: Duration) -> u64 {
        let known = self.taken.get() as u64 * 1000 + SUPPOSED * UNKNOWN.as_millis() as u64;
        known / (time + UNKNOWN).as_millis() as u64
    }
}

impl Unread {
    /// None yet, and so many bytes at most.
    pub fn new(limit: usize) -> Unread {
        Unread { limit, bytes: 0, all: Slab::new() }
    }

    /// A client with so many bytes to read.
    pub fn enter(&mut self, bytes: usize, client: Rc<Client>) -> UnreadKey {
        self.bytes += bytes;
        UnreadKey(self.all.insert((bytes, client)))
    }

    /// This client is no longer to read.
    pub fn leave(&mut self, key: UnreadKey) {
        if let Some((bytes, _)) = self.all.try_remove(key.0) {
            self.bytes -= bytes;
        }
        if self.all.is_empty() {
            self.all = Slab::new();
        }
    }

    /// Takes the slowest out while there are more bytes than there may be, of equals the one that is here for the longest.
    /// One client is always left: a limit below a single answer cuts nobody off who is alone.
    pub fn surplus(&mut self, now: Instant) -> Option<Rc<Client>> {
        if self.bytes <= self.limit || self.all.len() < 2 {
            return None;
        }
        let order = |client: &Client| {
            let time = now.saturating_duration_since(client.since.get());
            (client.progress.rate(time), Reverse(time))
        };
        let (slowest, _) = self.all.iter().min_by_key(|(_, (_, client))| order(client))?;
        let (bytes, client) = self.all.remove(slowest);
        self.bytes -= bytes;
        Some(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::net::Peer;

    fn client(since: Instant, taken: usize) -> Rc<Client> {
        let client = Client::new(Peer::Unix);
        client.since.set(since);
        client.progress.begin(100_000);
        client.progress.written(taken);
        client.progress.look(100_000);
        Rc::new(client)
    }

    #[test]
    fn the_slowest_goes_first_and_one_is_left() {
        let start = Instant::now();
        let now = start + Duration::from_secs(10);
        let mut unread = Unread::new(100);
        // One that sips, one that reads slowly and steadily, two that have just come, and one that reads nothing.
        let clients = [(start, 10_000), (start, 200_000), (now, 0), (now, 0), (start, 0)]
            .map(|(since, taken)| client(since, taken));
        for client in &clients {
            unread.enter(50, Rc::clone(client));
        }
        let mut gone = Vec::new();
        while let Some(slowest) = unread.surplus(now) {
            gone.push(clients.iter().position(|client| Rc::ptr_eq(client, &slowest)).unwrap());
        }
        assert_eq!(gone, [4, 0, 2]);
        unread.enter(201, client(start, 1_000_000));
        let mut left = || unread.surplus(now).map(|slowest| Rc::ptr_eq(&slowest, &clients[1]));
        assert_eq!(
            (left(), left(), left()),
            (Some(false), Some(true), None),
            "the last is left whatever it holds"
        );
    }

    #[test]
    fn who_leaves_takes_its_bytes_along() {
        let start = Instant::now();
        let mut unread = Unread::new(100);
        let [first, second] = [60, 60].map(|bytes| unread.enter(bytes, client(start, 0)));
        unread.leave(first);
        unread.leave(first);
        assert!(unread.surplus(start).is_none());
        unread.leave(second);
        assert_eq!((unread.bytes, unread.all.len()), (0, 0));
    }
}
