//! Which address a request comes from, when proxies stand in between.
//!
//! Whoever connects may write any `X-Forwarded-For`; only what trusted proxies have appended to it counts, and they
//! append at the right. Source: SPEC.md §2.

use super::address::{canonical, parse_hop, trim_blanks};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Hops of a forwarded header that are looked at, from the right. No chain of trusted proxies is as long; a header that
/// is, is made up to keep us busy.
const MOST_HOPS: usize = 50;

/// Elements of the list that are looked at, empty ones included; RFC 9110 §5.6.1.2 asks for a reasonable number.
const MOST_ELEMENTS: usize = 500;

/// What nginx appends (as `$remote_addr`) for whoever connected to a UNIX socket of its own.
const UNIX_HOP: &[u8] = b"unix:";

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Someone on a UNIX socket: always a trusted proxy, never itself the client.
    Unix,
    /// Someone at this address.
    Address(IpAddr),
}

/// The proxies whose forwarded header is believed: UNIX sockets always, and these prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    prefixes: Vec<IpNetwork>,
}

impl Default for Trusted {
    /// Loopback: 127.0.0.0/8 and ::1.
    fn default() -> Trusted {
        let v4 = Ipv4Network::new_checked(Ipv4Addr::new(127, 0, 0, 0), 8).map(IpNetwork::V4);
        let v6 = Ipv6Network::new_checked(Ipv6Addr::LOCALHOST, 128).map(IpNetwork::V6);
        Trusted { prefixes: v4.into_iter().chain(v6).collect() }
    }
}

impl Trusted {
    /// Trusts these prefixes and no others. Host bits are ignored; an IPv4-mapped IPv6 prefix is the IPv4 one.
    pub fn new(prefixes: impl IntoIterator<Item = IpNetwork>) -> Trusted {
        Trusted { prefixes: prefixes.into_iter().map(canonical).collect() }
    }

    /// Whether `peer` is a proxy that is believed.
    pub fn trusts(&self, peer: Peer) -> bool {
        match peer {
            Peer::Unix => true,
            Peer::Address(address) => self.contains(address.to_canonical()),
        }
    }

    /// The client's address: the first hop from the right that no trusted proxy stands on.
    ///
    /// `lines` are the values of the `X-Forwarded-For` lines in the order in which they were sent; they count as one
    /// list. Empty elements are none (RFC 9110 §5.6.1), and `unix:`, which nginx writes for a peer on a UNIX socket, is
    /// a trusted hop without an address. Trusted hops are skipped; when all hops are trusted it is the leftmost; a hop
    /// that cannot be read ends the walk at the last one that could, and so does the fiftieth hop. Without any such
    /// hop, or when the peer is not trusted, it is the peer. `None` when that leaves a UNIX socket: the client is
    /// unknown.
    ///
    /// Cost: only the hops from the right to the answer are read.
    pub fn client<'a, L>(&self, peer: Peer, lines: L) -> Option<IpAddr>
    where
        L: IntoIterator<Item = &'a [u8]>,
        L::IntoIter: DoubleEndedIterator,
    {
        let mut found = match peer {
            Peer::Unix => None,
            Peer::Address(address) => Some(address.to_canonical()),
        };
        if !self.trusts(peer) {
            return found;
        }
        let hops = lines.into_iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        let hops = hops.take(MOST_ELEMENTS).map(trim_blanks).filter(|hop| !hop.is_empty());
        for hop in hops.take(MOST_HOPS) {
            if hop == UNIX_HOP {
                continue;
            }
            let Some(address) = parse_hop(hop) else { break };
            found = Some(address);
            if !self.contains(address) {
                break;
            }
        }
        found
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| prefix.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: Peer = Peer::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));

    fn trusting(prefixes: &[&str]) -> Trusted {
        Trusted::new(prefixes.iter().map(|prefix| prefix.parse().unwrap()))
    }

    fn walk(trusted: &Trusted, peer: Peer, lines: &[&str]) -> Option<String> {
        trusted.client(peer, lines.iter().map(|line| line.as_bytes())).map(|address| address.to_string())
    }

    #[test]
    fn without_the_header_the_peer_is_the_client() {
        let peer = Peer::Address("198.51.100.9".parse().unwrap());
        assert_eq!(walk(&Trusted::default(), peer, &[]).as_deref(), Some("198.51.100.9"));
        assert_eq!(walk(&Trusted::default(), LOCAL, &[]).as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn a_stranger_cannot_forge_the_header() {
        let peer = Peer::Address("198.51.100.9".parse().unwrap());
        assert_eq!(walk(&Trusted::default(), peer, &["192.0.2.1"]).as_deref(), Some("198.51.100.9"));
    }

    #[test]
    fn a_client_behind_a_proxy_cannot_forge_its_part_of_the_header() {
        let forged = ["10.9.9.9, 192.0.2.66, 203.0.113.7"];
        assert_eq!(walk(&Trusted::default(), LOCAL, &forged).as_deref(), Some("203.0.113.7"));
    }

    #[test]
    fn loopback_is_trusted_by_default_in_every_spelling() {
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let peer = Peer::Address(peer.parse().unwrap());
            assert_eq!(walk(&Trusted::default(), peer, &["192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        }
        for peer in ["128.0.0.1", "::2", "10.0.0.1", "fe80::1"] {
            assert!(!Trusted::default().trusts(Peer::Address(peer.parse().unwrap())), "{peer}");
        }
    }

    #[test]
    fn trusted_hops_are_skipped_from_the_right() {
        let trusted = trusting(&["127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48"]);
        let lines = ["192.0.2.1, 198.51.100.3, 10.0.0.7,2001:db8:1::5"];
        assert_eq!(walk(&trusted, LOCAL, &lines).as_deref(), Some("198.51.100.3"));
    }

    #[test]
    fn all_header_lines_are_one_list_in_their_order() {
        let trusted = trusting(&["127.0.0.0/8", "10.0.0.0/8"]);
        let lines = ["192.0.2.1", "198.51.100.3,10.1.1.1", "10.0.0.7"];
        assert_eq!(walk(&trusted, LOCAL, &lines).as_deref(), Some("198.51.100.3"));
    }

    #[test]
    fn when_every_hop_is_trusted_the_leftmost_is_the_client() {
        let trusted = trusting(&["127.0.0.0/8", "10.0.0.0/8"]);
        assert_eq!(walk(&trusted, LOCAL, &["10.3.3.3, 10.2.2.2", "10.1.1.1"]).as_deref(), Some("10.3.3.3"));
    }

    #[test]
    fn what_cannot_be_read_ends_the_walk_at_the_last_good_hop() {
        let trusted = trusting(&["127.0.0.0/8", "10.0.0.0/8"]);
        for bad in ["unknown", "_x", "192.0.2.300", "é", "unix"] {
            let line = format!("192.0.2.1, {bad}, 10.0.0.7");
            assert_eq!(walk(&trusted, LOCAL, &[&line]).as_deref(), Some("10.0.0.7"), "{bad:?}");
            let line = format!("192.0.2.1, {bad}");
            assert_eq!(walk(&trusted, LOCAL, &[&line]).as_deref(), Some("127.0.0.1"), "{bad:?}");
        }
    }

    #[test]
    fn the_walk_ends_after_fifty_hops() {
        let trusted = trusting(&["127.0.0.0/8", "10.0.0.0/8"]);
        let line = |hops: usize| format!("192.0.2.1,10.0.0.7{}", ",10.0.0.8".repeat(hops - 2));
        assert_eq!(walk(&trusted, LOCAL, &[&line(50)]).as_deref(), Some("192.0.2.1"));
        assert_eq!(walk(&trusted, LOCAL, &[&line(51)]).as_deref(), Some("10.0.0.7"));
        assert_eq!(walk(&trusted, LOCAL, &[&line(50), "10.1.1.1"]).as_deref(), Some("10.0.0.7"));
        assert_eq!(walk(&trusted, LOCAL, &["10.1.1.1", &line(999)]).as_deref(), Some("10.0.0.8"));
    }

    #[test]
    fn blanks_ports_brackets_and_zones_are_tolerated_in_every_hop() {
        let trusted = trusting(&["127.0.0.0/8", "10.0.0.0/8", "fe80::/10"]);
        let lines = [" 192.0.2.1:5555 ,\t[fe80::2%eth0]:80 ,10.0.0.1:1 "];
        assert_eq!(walk(&trusted, LOCAL, &lines).as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn over_a_unix_socket_the_header_counts_and_without_it_the_client_is_unknown() {
        let trusted = trusting(&["10.0.0.0/8"]);
        assert_eq!(walk(&trusted, Peer::Unix, &["192.0.2.1, 10.0.0.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(walk(&trusted, Peer::Unix, &["192.0.2.1, unix"]), None);
        assert_eq!(walk(&trusted, Peer::Unix, &[]), None);
    }

    #[test]
    fn empty_elements_are_none() {
        let trusted = trusting(&["127.0.0.0/8", "10.0.0.0/8"]);
        for lines in [
            &["192.0.2.1,"][..],
            &["192.0.2.1, ,\t, 10.0.0.7"],
            &["", "192.0.2.1", "", " "],
            &[",192.0.2.1,,10.0.0.7,"],
            &["192.0.2.1\r\n"],
        ] {
            assert_eq!(walk(&trusted, LOCAL, lines).as_deref(), Some("192.0.2.1"), "{lines:?}");
        }
        assert_eq!(walk(&trusted, LOCAL, &[", ,"]).as_deref(), Some("127.0.0.1"));
        assert_eq!(walk(&trusted, Peer::Unix, &[","]), None);
        let line = |empty: usize| format!("192.0.2.1{}", ",".repeat(empty));
        assert_eq!(walk(&trusted, LOCAL, &[&line(MOST_ELEMENTS - 1)]).as_deref(), Some("192.0.2.1"));
        assert_eq!(walk(&trusted, LOCAL, &[&line(MOST_ELEMENTS)]).as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn a_unix_socket_of_a_proxy_is_a_trusted_hop() {
        let trusted = trusting(&["127.0.0.0/8", "10.0.0.0/8"]);
        for line in ["192.0.2.1, unix:", "192.0.2.1, unix:, 10.0.0.7", "192.0.2.1,unix:,unix:"] {
            assert_eq!(walk(&trusted, LOCAL, &[line]).as_deref(), Some("192.0.2.1"), "{line}");
            assert_eq!(walk(&trusted, Peer::Unix, &[line]).as_deref(), Some("192.0.2.1"), "{line}");
        }
        assert_eq!(walk(&trusted, Peer::Unix, &["unix:"]), None);
        assert_eq!(walk(&trusted, LOCAL, &["unix:"]).as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn bytes_that_are_not_ascii_end_the_walk_and_do_not_panic() {
        let lines: [&[u8]; 2] = [b"192.0.2.1", b"\xff\xfe\xe9, \xc3("];
        assert_eq!(Trusted::default().client(Peer::Unix, lines), None);
        let lines: [&[u8]; 2] = [b"\xe9", b"192.0.2.1"];
        assert_eq!(Trusted::default().client(Peer::Unix, lines), Some(IpAddr::from([192, 0, 2, 1])));
    }

    #[test]
    fn a_mapped_hop_or_prefix_is_ipv4() {
        let trusted = trusting(&["::ffff:10.0.0.0/104", "127.0.0.1"]);
        let lines = ["::ffff:192.0.2.1, ::ffff:10.0.0.7, 10.0.0.8"];
        assert_eq!(walk(&trusted, LOCAL, &lines).as_deref(), Some("192.0.2.1"));
        assert!(trusted.trusts(Peer::Address("::ffff:10.1.2.3".parse().unwrap())));
    }

    #[test]
    fn prefixes_that_are_given_replace_loopback() {
        assert!(!trusting(&["10.0.0.0/8"]).trusts(LOCAL));
        assert!(trusting(&[]).trusts(Peer::Unix));
    }

    #[test]
    fn any_bytes_give_an_answer() {
        let mut state = 0x9e37_79b9_u32;
        let alphabet = b"0123456789abcdef:.[]%, \t\xff\x80xu-";
        for _ in 0..20_000 {
            let mut line = Vec::new();
            for _ in 0..state % 40 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                line.push(alphabet[(state >> 16) as usize % alphabet.len()]);
            }
            state = state.wrapping_add(0x6d2b_79f5);
            Trusted::default().client(Peer::Unix, [&line[..]]);
        }
    }
}
