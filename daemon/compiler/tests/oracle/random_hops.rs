//! Lines of `X-Forwarded-For` as proxies write them, and as they should not.

use crate::{dice::Dice, model::prefix::Prefix};
use std::net::IpAddr;

/// Proxies that are believed in these tests.
pub const TRUSTED: [&str; 4] = ["127.0.0.0/8", "10.0.0.0/8", "::1", "2001:db8:1::/48"];
const TRUSTED_HOPS: [&str; 5] = ["127.0.0.1", "10.1.2.3", "::1", "2001:db8:1::5", "::ffff:10.0.0.1"];

/// Addresses in those prefixes, just outside, and elsewhere.
pub const ADDRESSES: [&str; 10] = [
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

/// [`TRUSTED`] as the model has it.
pub fn trusted() -> Vec<Prefix> {
    TRUSTED.iter().map(|text| Prefix::parse(text).expect("a prefix")).collect()
}

/// Up to three lines of any hops.
pub fn any(dice: &mut Dice) -> Vec<Vec<u8>> {
    let line = |dice: &mut Dice| {
        let hops: Vec<Vec<u8>> = (0..1 + dice.below(4)).map(|_| any_hop(dice)).collect();
        hops.join(separator(dice))
    };
    (0..dice.below(4)).map(|_| line(dice)).collect()
}

/// Lines of which this address should come out: what the client made up, the address, and the proxies after it.
pub fn around(dice: &mut Dice, address: IpAddr) -> Vec<Vec<u8>> {
    let mut hops: Vec<Vec<u8>> = (0..dice.below(3)).map(|_| any_hop(dice)).collect();
    hops.push(written(dice, &address.to_string()));
    for _ in 0..dice.below(3) {
        let proxy = *dice.pick(&TRUSTED_HOPS);
        hops.push(written(dice, proxy));
    }
    let mut lines = Vec::new();
    while !hops.is_empty() {
        let count = 1 + dice.below(hops.len());
        let line: Vec<Vec<u8>> = hops.drain(..count).collect();
        lines.push(line.join(separator(dice)));
    }
    lines
}

fn separator(dice: &mut Dice) -> &'static [u8] {
    if dice.percent(50) { b", " } else { b"," }
}

fn any_hop(dice: &mut Dice) -> Vec<u8> {
    match dice.below(14) {
        0 if dice.percent(30) => b"\xff\xe9".to_vec(),
        0 => dice
            .one(&[
                "",
                " ",
                ",,",
                "unix:",
                " unix: ",
                "unknown",
                "_hidden",
                "192.0.2.256",
                "192.0.2.1:",
                "[::1",
                "::1]",
                "-",
            ])
            .as_bytes()
            .to_vec(),
        _ => {
            let address = *dice.pick(&ADDRESSES);
            written(dice, address)
        }
    }
}

/// An address with or without what is tolerated around it.
fn written(dice: &mut Dice, address: &str) -> Vec<u8> {
    let v6 = address.contains(':');
    let text = match dice.below(12) {
        0 if v6 => format!("[{address}]"),
        1 if v6 => format!("[{address}]:443"),
        2 if v6 => format!("{address}%eth0"),
        3 if v6 => format!("[{address}%25eth0]:1"),
        0..=3 => format!("{address}:8080"),
        4 => format!(" {address}\t"),
        _ => address.to_owned(),
    };
    text.into_bytes()
}
