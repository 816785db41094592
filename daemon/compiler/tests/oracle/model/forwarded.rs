//! Which hop of `X-Forwarded-For` is the client: SPEC.md §2.

use super::{
    prefix::{Prefix, plain},
    question::{hop, trim},
};
use std::net::IpAddr;

/// "all header lines joined in order, walked from the right, trusted hops skipped, the first untrusted one taken; if
/// all are trusted, the leftmost; ... empty elements are tolerated, nginx's `unix:` is a trusted hop; what does not
/// parse ends the walk at the last good hop". No peer is a UNIX socket.
pub fn client(peer: Option<IpAddr>, trusted: &[Prefix], lines: &[Vec<u8>]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|prefix| prefix.contains(address));
    let mut last_good = peer.map(plain);
    if last_good.is_some_and(|peer| !is_trusted(peer)) {
        return last_good;
    }
    let joined = lines.join(&b',');
    for text in joined.split(|b| *b == b',').rev().map(trim) {
        if text.is_empty() || text == b"unix:" {
            continue;
        }
        match hop(text).map(plain) {
            None => return last_good,
            Some(address) if !is_trusted(address) => return Some(address),
            trusted_hop => last_good = trusted_hop,
        }
    }
    last_good
}
