//! Answers that clients do not read: how many bytes they hold on one thread, and who goes when these are too many.
//!
//! Who has taken nothing for the longest goes first, so that a slow reader outlives those that do not read at all. Each
//! costs a place in an ordered map, and only while its answer does not fit into its socket.

use super::Client;
use std::{collections::BTreeMap, rc::Rc};

/// The clients of one thread that are to read, in the order in which they last took something.
#[derive(Debug)]
pub(super) struct Unread {
    limit: usize,
    bytes: usize,
    next: u64,
    all: BTreeMap<u64, (usize, Rc<Client>)>,
}

/// A client's place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(u64);

impl Unread {
    /// None yet, and so many bytes at most.
    pub fn new(limit: usize) -> Unread {
        Unread { limit, bytes: 0, next: 0, all: BTreeMap::new() }
    }

    /// A client with so many bytes to read, at the end of the order.
    pub fn enter(&mut self, bytes: usize, client: Rc<Client>) -> Turn {
        let turn = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.all.insert(turn, (bytes, client));
        Turn(turn)
    }

    /// The client at this place is no longer to read.
    pub fn leave(&mut self, turn: Turn) -> Option<(usize, Rc<Client>)> {
        let left = self.all.remove(&turn.0)?;
        self.bytes -= left.0;
        Some(left)
    }

    /// Takes the first in the order out while there are more bytes than there may be. One client is always left: a
    /// limit below a single answer cuts nobody off who is alone.
    pub fn surplus(&mut self) -> Option<Rc<Client>> {
        if self.bytes <= self.limit || self.all.len() < 2 {
            return None;
        }
        let (_, (bytes, client)) = self.all.pop_first()?;
        self.bytes -= bytes;
        Some(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_taken_nothing_for_the_longest_goes_first_and_one_is_left() {
        let mut unread = Unread::new(100);
        let clients: Vec<_> = (0..4).map(|_| Rc::new(Client::new(shared::net::Peer::Unix))).collect();
        let turns: Vec<_> = clients.iter().map(|client| unread.enter(50, Rc::clone(client))).collect();
        // The first takes something, the second has read all.
        let (bytes, first) = unread.leave(turns[0]).unwrap();
        unread.enter(bytes, first);
        assert!(unread.leave(turns[1]).is_some() && unread.leave(turns[1]).is_none());
        assert!(Rc::ptr_eq(&unread.surplus().unwrap(), &clients[2]));
        assert!(unread.surplus().is_none(), "{} bytes", unread.bytes);
        let long = Rc::new(Client::new(shared::net::Peer::Unix));
        let turn = unread.enter(101, Rc::clone(&long));
        assert!(Rc::ptr_eq(&unread.surplus().unwrap(), &clients[3]));
        assert!(Rc::ptr_eq(&unread.surplus().unwrap(), &clients[0]));
        assert!(unread.surplus().is_none(), "the last is left whatever it holds");
        unread.leave(turn);
        assert_eq!((unread.bytes, unread.all.len()), (0, 0));
    }
}
