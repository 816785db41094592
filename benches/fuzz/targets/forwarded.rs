//! The forwarded header: any lines give the client that a plain walk through the hops gives.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;
use wire::net::{Peer, Trusted, embedded_ipv4, parse_hop};

const TRUSTED: [&str; 4] = ["127.0.0.0/8", "10.0.0.0/8", "fe80::/10", "::ffff:192.0.2.0/120"];
const PEERS: [&str; 4] = ["127.0.0.1", "::ffff:10.1.2.3", "198.51.100.7", "2001:db8::7"];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, text)) = bytes.split_first() else { return };
    let trusted = match choice & 3 {
        0 => Trusted::default(),
        1 => Trusted::new([]),
        _ => Trusted::new(TRUSTED.iter().filter_map(|prefix| prefix.parse().ok())),
    };
    let peer = match PEERS.get(usize::from(choice >> 2 & 7)).and_then(|address| address.parse().ok()) {
        Some(address) => Peer::Address(address),
        None => Peer::Unix,
    };
    let lines = || text.split(|byte| *byte == b'\n');
    let hops: Vec<Option<IpAddr>> =
        lines().flat_map(|line| line.split(|byte| *byte == b',')).map(parse_hop).collect();
    for hop in hops.iter().flatten() {
        assert_eq!(*hop, hop.to_canonical());
        // As it is printed it is read again.
        assert_eq!(parse_hop(hop.to_string().as_bytes()), Some(*hop));
        if let IpAddr::V6(v6) = hop {
            embedded_ipv4(*v6);
        }
    }
    assert_eq!(trusted.client(peer, lines()), walk(&trusted, peer, &hops), "{}", text.escape_ascii());
});

/// The rule, hop by hop from the right; the nearest fifty count.
fn walk(trusted: &Trusted, peer: Peer, hops: &[Option<IpAddr>]) -> Option<IpAddr> {
    let mut client = match peer {
        Peer::Unix => None,
        Peer::Address(address) => Some(address.to_canonical()),
    };
    for hop in hops.iter().rev().take(50) {
        let reporter = client.map_or(Peer::Unix, Peer::Address);
        match hop {
            Some(hop) if trusted.trusts(reporter) => client = Some(*hop),
            _ => break,
        }
    }
    client
}
