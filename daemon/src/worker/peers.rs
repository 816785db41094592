//! The peers: who may ask at all, by what the kernel tells of a connection's other end (SO_PEERCRED).
//!
//! Anyone else is turned away before a byte is read or sent.

use crate::log::{self, Seldom};
use mio::net::UnixStream;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::time::Instant;

/// Knows who may come in.
#[derive(Debug)]
pub struct Peers {
    /// Users whose processes may come in; everyone's may if there are none.
    peers: Vec<u32>,
    turned_away: u64,
    refusals: Seldom,
}

impl Peers {
    /// Lets in processes of these users; all if there are none.
    pub fn new(peers: Vec<u32>) -> Peers {
        Peers { peers, turned_away: 0, refusals: Seldom::default() }
    }

    /// Whether the process that has made this connection may come in.
    pub fn admits(&mut self, stream: &UnixStream, now: Instant) -> bool {
        if self.peers.is_empty() {
            return true;
        }
        let refusal = match getsockopt(stream, PeerCredentials) {
            Ok(peer) if self.peers.contains(&peer.uid()) => return true,
            Ok(peer) => {
                format!("process {} of user {} is not listed in the option peer", peer.pid(), peer.uid())
            }
            Err(errno) => format!("its user is not known: {errno}"),
        };
        self.turned_away += 1;
        if self.refusals.passes(now) {
            let count = self.turned_away;
            log::warning(format_args!(
                "new connection: refused, {count} so far ({refusal}); serving the others"
            ));
        }
        false
    }
}
