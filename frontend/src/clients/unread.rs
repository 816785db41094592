//! Answers that clients do not read: how many bytes they hold on one thread, and who goes when these are too many.
//!
//! Who reads slowest goes first: what counts is what a client has taken since its answer did not fit into its socket, and
//! for how long that has been, not whether it has just taken a sip. One that has only just come counts as a slow reader,
//! above those that hardly read and below those that have been seen to. Each costs a place in a list, and only while its
//! answer does not fit.

use super::Client;
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
    all: Vec<Rc<Client>>,
}

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
        Unread { limit, bytes: 0, all: Vec::new() }
    }

    /// A client that is to read its answer.
    pub fn enter(&mut self, client: Rc<Client>) {
        self.bytes += client.answer.get();
        self.all.push(client);
    }

    /// This client is no longer to read, if it was.
    pub fn leave(&mut self, client: &Rc<Client>) {
        if let Some(at) = self.all.iter().position(|other| Rc::ptr_eq(other, client)) {
            self.remove(at);
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
        let slowest = (0..self.all.len()).min_by_key(|at| order(&self.all[*at]))?;
        Some(self.remove(slowest))
    }

    fn remove(&mut self, at: usize) -> Rc<Client> {
        let client = self.all.remove(at);
        self.bytes -= client.answer.get();
        if self.all.is_empty() {
            self.all = Vec::new();
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::net::Peer;

    fn client(answer: usize, since: Instant, taken: usize) -> Rc<Client> {
        let client = Client::new(Peer::Unix);
        client.answer.set(answer);
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
            .map(|(since, taken)| client(50, since, taken));
        for client in &clients {
            unread.enter(Rc::clone(client));
        }
        let mut gone = Vec::new();
        while let Some(slowest) = unread.surplus(now) {
            gone.push(clients.iter().position(|client| Rc::ptr_eq(client, &slowest)).unwrap());
        }
        assert_eq!(gone, [4, 0, 2]);
        unread.enter(client(201, start, 1_000_000));
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
        let [first, second] = [60, 60].map(|bytes| client(bytes, start, 0));
        unread.enter(Rc::clone(&first));
        unread.enter(Rc::clone(&second));
        unread.leave(&first);
        unread.leave(&first);
        assert!(unread.surplus(start).is_none());
        unread.leave(&second);
        assert_eq!((unread.bytes, unread.all.len()), (0, 0));
    }
}
