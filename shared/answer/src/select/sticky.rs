//! The same mirror twice: a draw that a client gets again, though nobody keeps it.
//!
//! Weighted rendezvous hashing: a host's time, by which hosts are ordered (see [`order`](super::order)), comes from a hash
//! of client, epoch and host in place of a die. So all workers agree, and a cache that is built anew changes nothing, as
//! long as hosts keep their ids and weights. Over clients the law is that of the die. Source: SPEC.md §13.

use cache::{HostId, View};
use std::net::IpAddr;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What makes a client's draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw(u64);

impl Draw {
    /// That of a client at a time in seconds since the epoch, for `sticky` seconds. `again` is what the client says to get
    /// another. `None` where each answer is a draw of its own.
    pub fn of(client: Option<IpAddr>, now: u64, sticky: u64, again: Option<&[u8]>) -> Option<Draw> {
        if sticky == 0 {
            return None;
        }
        let net = match client? {
            IpAddr::V4(address) => u64::from(address.to_bits() >> 8),
            // The first 48 bits; no IPv4 network has the bit.
            IpAddr::V6(address) => (address.to_bits() >> 80) as u64 | 1 << 63,
        };
        let net = xxh3_64_with_seed(&net.to_le_bytes(), 0);
        // Not all clients move at once.
        let epoch = (now + net % sticky) / sticky;
        let seed = xxh3_64_with_seed(&epoch.to_le_bytes(), net);
        Some(Draw(again.map_or(seed, |again| xxh3_64_with_seed(again, seed))))
    }

    /// A number of the open interval from 0 to 1, evenly, the host's own.
    pub fn even(self, view: &View<'_>, host: HostId) -> f64 {
        let hash = xxh3_64_with_seed(&view.host_source_id(host).to_le_bytes(), self.0);
        ((hash >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// An exponential time of rate 1, the host's own.
    pub fn time(self, view: &View<'_>, host: HostId) -> f64 {
        -self.even(view, host).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(client: &str, now: u64) -> Option<Draw> {
        Draw::of(Some(client.parse().unwrap()), now, 600, None)
    }

    #[test]
    fn a_network_has_one_draw_for_as_long_as_it_is_to_last() {
        for (one, same, other) in [
            ("192.0.2.1", "192.0.2.254", "192.0.3.1"),
            ("2001:db8:1::1", "2001:db8:1:ffff::2", "2001:db8:2::1"),
        ] {
            let changes = (0..6000).filter(|now| draw(one, *now) != draw(one, now + 1)).count();
            assert_eq!(changes, 10, "{one}");
            assert!((0..1200).all(|now| draw(one, now) == draw(same, now)));
            assert!((0..1200).all(|now| draw(one, now) != draw(other, now)));
        }
        assert_eq!(
            [Draw::of(None, 0, 600, None), Draw::of(Some([192, 0, 2, 1].into()), 0, 0, None)],
            [None; 2]
        );
    }

    #[test]
    fn clients_do_not_all_move_at_once_and_again_is_another_draw() {
        let moves = |net: u8| {
            let client = format!("192.0.{net}.1");
            (0..600).find(|now| draw(&client, *now) != draw(&client, now + 1)).unwrap()
        };
        let moments: std::collections::BTreeSet<u64> = (0..100).map(moves).collect();
        assert!(moments.len() > 80, "{moments:?}");
        let client = Some(IpAddr::from([192, 0, 2, 1]));
        let draws: std::collections::BTreeSet<u64> =
            (0..16).map(|n: u8| Draw::of(client, 0, 600, Some(&[n])).unwrap().0).collect();
        assert_eq!(draws.len(), 16);
    }
}
