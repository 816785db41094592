//! Address prefixes as plain numbers, and the longest match in a table of them.
//!
//! Written without the prefix types of the product, so that a fault in those shows. An IPv4-mapped IPv6 address is
//! never looked up here: [`plain`] has made it IPv4 before; nor is such a prefix kept.

use std::{collections::HashMap, net::IpAddr};

/// A prefix without host bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    v6: bool,
    length: u8,
    bits: u128,
}

impl Prefix {
    /// Reads `ADDRESS/LENGTH`, or an address alone, which is a host route. Host bits are masked;
    /// "`::ffff:a.b.c.d/n` is the IPv4 prefix" of n - 96.
    pub fn parse(text: &str) -> Option<Prefix> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address.parse::<IpAddr>().ok()?, Some(length.parse::<u8>().ok()?)),
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let longest = width(address);
        let length = length.unwrap_or(longest);
        if length > longest {
            return None;
        }
        Some(match plain(address) {
            v4 if v4 != address && length >= 96 => Prefix::of(v4, length - 96),
            _ => Prefix::of(address, length),
        })
    }

    /// The prefix of this length around an address.
    pub fn of(address: IpAddr, length: u8) -> Prefix {
        let shift = u32::from(width(address) - length);
        let bits = bits(address).checked_shr(shift).and_then(|bits| bits.checked_shl(shift)).unwrap_or(0);
        Prefix { v6: address.is_ipv6(), length, bits }
    }

    /// How many bits it fixes.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether the address lies in it.
    pub fn contains(self, address: IpAddr) -> bool {
        self.v6 == address.is_ipv6() && Prefix::of(address, self.length) == self
    }
}

/// Values by prefix, asked for the longest prefix that contains an address.
///
/// Looks at every length in turn, longest first: slow, but the same for 7 entries and for 700,000.
#[derive(Debug)]
pub struct PrefixTable<T> {
    entries: HashMap<Prefix, T>,
}

impl<T> FromIterator<(Prefix, T)> for PrefixTable<T> {
    /// Of equal prefixes the last counts.
    fn from_iter<I: IntoIterator<Item = (Prefix, T)>>(entries: I) -> PrefixTable<T> {
        PrefixTable { entries: entries.into_iter().collect() }
    }
}

impl<T> PrefixTable<T> {
    /// The value of the longest prefix that contains the address.
    pub fn longest_match(&self, address: IpAddr) -> Option<&T> {
        (0..=width(address)).rev().find_map(|length| self.entries.get(&Prefix::of(address, length)))
    }

    /// The same by looking at every entry: slower still, and nothing can go wrong in it.
    pub fn longest_match_by_scan(&self, address: IpAddr) -> Option<&T> {
        let matching = self.entries.iter().filter(|(prefix, _)| prefix.contains(address));
        matching.max_by_key(|(prefix, _)| prefix.length).map(|(_, value)| value)
    }

    /// Every prefix of the table, in no particular order.
    pub fn prefixes(&self) -> impl Iterator<Item = Prefix> {
        self.entries.keys().copied()
    }
}

/// SPEC.md §2: "`::ffff:a.b.c.d` is treated as IPv4".
pub fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.octets() {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => IpAddr::from([a, b, c, d]),
            _ => address,
        },
        IpAddr::V4(_) => address,
    }
}

/// The IPv4 address inside a 6to4 or Teredo address (SPEC.md §2).
pub fn embedded_v4(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(v6) = address else { return None };
    match v6.octets() {
        [0x20, 0x02, a, b, c, d, ..] => Some(IpAddr::from([a, b, c, d])),
        [0x20, 0x01, 0, 0, .., a, b, c, d] => Some(IpAddr::from([!a, !b, !c, !d])),
        _ => None,
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv6() { 128 } else { 32 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

impl Prefix {
    /// The first address of it, and the last.
    pub fn ends(self) -> (IpAddr, IpAddr) {
        let width = if self.v6 { 128 } else { 32 };
        let free = u128::MAX.checked_shr(128 - (width - u32::from(self.length))).unwrap_or(0);
        let address = |bits: u128| match self.v6 {
            true => IpAddr::from(bits.to_be_bytes()),
            false => IpAddr::from((bits as u32).to_be_bytes()),
        };
        (address(self.bits), address(self.bits | free))
    }
}

#[test]
fn prefixes_are_read_masked_and_matched() {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let table: PrefixTable<u8> =
        [("10.0.0.0/8", 1), ("10.1.2.3/16", 2), ("10.1.0.9", 3), ("2001:db8::/32", 4)]
            .iter()
            .map(|(text, value)| (Prefix::parse(text).unwrap(), *value))
            .collect();
    let cases = [
        ("10.9.9.9", Some(1)),
        ("10.1.1.1", Some(2)),
        ("10.1.0.9", Some(3)),
        ("11.0.0.0", None),
        ("2001:db8::1", Some(4)),
    ];
    for (client, expected) in cases {
        assert_eq!(table.longest_match(address(client)).copied(), expected, "{client}");
        assert_eq!(table.longest_match_by_scan(address(client)).copied(), expected, "{client}");
    }
    assert_eq!(Prefix::parse("10.0.0.0/33"), None);
    assert_eq!(Prefix::parse("::ffff:10.1.2.3/104"), Prefix::parse("10.0.0.0/8"));
    assert_eq!(Prefix::parse("0.0.0.0/0").unwrap().ends(), (address("0.0.0.0"), address("255.255.255.255")));
    assert_eq!(Prefix::parse("::1").unwrap().ends(), (address("::1"), address("::1")));
}

#[test]
fn addresses_inside_addresses_are_found() {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    assert_eq!(plain(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    assert_eq!(embedded_v4(address("2002:c000:0201::1")), Some(address("192.0.2.1")));
    assert_eq!(embedded_v4(address("2001:0:1234::3fff:fdfe")), Some(address("192.0.2.1")));
    assert_eq!(embedded_v4(address("2001:db8::3fff:fdfe")), None);
}
