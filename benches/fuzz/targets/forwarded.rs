//! The forwarded header: any lines give the client that a plain walk through the hops gives.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;
use wire::net::{Peer, Trusted, embedded_ipv4, parse_hop, trim_blanks};

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
    let hops: Vec<&[u8]> = lines().flat_map(|line| line.split(|byte| *byte == b',')).collect();
    for hop in hops.iter().filter_map(|hop| parse_hop(hop)) {
        assert_eq!(hop, hop.to_canonical());
        // As it is printed it is read again.
        assert_eq!(parse_hop(hop.to_string().as_bytes()), Some(hop));
        if let IpAddr::V6(v6) = hop {
            embedded_ipv4(v6);
        }
    }
    assert_eq!(trusted.client(peer, lines()), walk(&trusted, peer, &hops), "{}", text.escape_ascii());
});

/// The rule, hop by hop from the right; of the nearest five hundred elements fifty that are not empty count.
fn walk(trusted: &Trusted, peer: Peer, hops: &[&[u8]]) -> Option<IpAddr> {
    let mut client = match peer {
        Peer::Unix => None,
        Peer::Address(address) => Some(address.to_canonical()),
    };
    let hops = hops.iter().rev().take(500).map(|hop| trim_blanks(hop)).filter(|hop| !hop.is_empty());
    for hop in hops.take(50) {
        let reporter = client.map_or(Peer::Unix, Peer::Address);
        if !trusted.trusts(reporter) {
            break;
        }
        // A socket of a proxy's own is trusted, and says nothing of who stands behind it.
        if hop != b"unix:" {
            let Some(hop) = parse_hop(hop) else { break };
            client = Some(hop);
        }
    }
    client
}
