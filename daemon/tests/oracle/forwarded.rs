//! Which hop of `X-Forwarded-For` is the client: spec.md §2, read a second time, against what the front end uses.

use crate::{
    dice::Dice,
    model::{prefix::Prefix, prefix::plain, question::hop},
    setting,
};
use shared::net::{Peer, Trusted};
use std::net::IpAddr;

/// "all header lines joined in order, walked from the right, trusted hops skipped, the first untrusted one taken; if all are
/// trusted, the leftmost; ... what does not parse ends the walk at the last good hop". No peer is a UNIX socket.
fn client(peer: Option<IpAddr>, trusted: &[Prefix], lines: &[Vec<u8>]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|prefix| prefix.contains(address));
    let mut last_good = peer.map(plain);
    if last_good.is_some_and(|peer| !is_trusted(peer)) {
        return last_good;
    }
    let joined = lines.join(&b',');
    for text in joined.split(|b| *b == b',').rev() {
        match hop(text).map(plain) {
            None => return last_good,
            Some(address) if !is_trusted(address) => return Some(address),
            trusted_hop => last_good = trusted_hop,
        }
    }
    last_good
}

const TRUSTED: [&str; 4] = ["127.0.0.0/8", "10.0.0.0/8", "::1", "2001:db8:1::/48"];
const ADDRESSES: [&str; 10] = [
    "127.0.0.1",
    "10.1.2.3",
    "10.255.255.255",
    "11.0.0.0",
    "192.0.2.7",
    "::1",
    "2001:db8:1::5",
    "2001:db8:2::5",
    "::ffff:10.0.0.1",
    "::ffff:192.0.2.9",
];

/// A hop as proxies write it, or as they should not.
fn written(dice: &mut Dice) -> Vec<u8> {
    let address = *dice.pick(&ADDRESSES);
    let v6 = address.contains(':');
    let text = match dice.below(14) {
        0 if v6 => format!("[{address}]"),
        1 if v6 => format!("[{address}]:443"),
        2 if v6 => format!("{address}%eth0"),
        3 if v6 => format!("[{address}%25eth0]:1"),
        0..=3 => format!("{address}:8080"),
        4 => format!(" {address}\t"),
        5 => dice
            .one(&["", " ", "unknown", "_hidden", "192.0.2.256", "192.0.2.1:", "[::1", "::1]", "-"])
            .to_owned(),
        6 if dice.percent(30) => return b"\xff\xe9".to_vec(),
        _ => address.to_owned(),
    };
    text.into_bytes()
}

#[test]
fn the_client_behind_proxies_is_the_one_that_the_model_finds() {
    let mut dice = Dice::new(setting("ORACLE_SEED", 1));
    let prefixes: Vec<Prefix> = TRUSTED.iter().filter_map(|text| Prefix::parse(text)).collect();
    let trusted = Trusted::new(TRUSTED.iter().map(|text| text.parse().expect("a prefix")));
    for _ in 0..setting("ORACLE_REQUESTS", 10_000) {
        let peer: Option<IpAddr> =
            (!dice.percent(20)).then(|| dice.pick(&ADDRESSES).parse().expect("an address"));
        let line = |dice: &mut Dice| {
            let hops: Vec<Vec<u8>> = (0..1 + dice.below(4)).map(|_| written(dice)).collect();
            hops.join(if dice.percent(50) { &b", "[..] } else { b"," })
        };
        let lines: Vec<Vec<u8>> = (0..dice.below(4)).map(|_| line(&mut dice)).collect();
        let found = trusted.client(peer.map_or(Peer::Unix, Peer::Address), lines.iter().map(Vec::as_slice));
        let shown: Vec<String> = lines.iter().map(|line| line.escape_ascii().to_string()).collect();
        assert_eq!(found, client(peer, &prefixes, &lines), "from {peer:?}: {shown:?}");
    }
}
