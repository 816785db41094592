//! Netblocks: the networks that a host serves before others. Free text, of which everything has been seen.
//!
//! Addresses, prefixes, an address with a netmask, and DNS names, whose addresses somebody else looks up.

use super::{filled, hosts::Hosts};
use crate::database::{
    rows::{OfHost, Rows},
    skipped::{Reason, Skipped},
};
use interchange::message::StringInts;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

const TABLE: &str = "host_netblock";

/// What a name came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Its addresses, in order.
    pub addresses: Vec<IpAddr>,
    /// Whether they are those of an earlier time.
    pub earlier: bool,
}

/// The netblocks of active hosts, private ones too.
#[derive(Debug, Default)]
pub struct Netblocks {
    prefixes: BTreeMap<String, BTreeSet<i64>>,
    names: BTreeMap<String, BTreeSet<i64>>,
}

impl Netblocks {
    /// Reads all rows.
    pub fn new(rows: &Rows, hosts: &Hosts<'_>, skipped: &mut Skipped) -> Netblocks {
        let mut netblocks = Netblocks::default();
        for OfHost { id, host, text } in &rows.netblocks {
            let Some(host) = hosts.active(TABLE, *host, *id, skipped) else { continue };
            let Some(text) = filled(TABLE, text.as_ref(), *id, skipped) else { continue };
            match parse(text) {
                Ok(Netblock::Prefix(prefix)) => {
                    netblocks.prefixes.entry(prefix).or_default().insert(host.into());
                }
                Ok(Netblock::Name(name)) => {
                    netblocks.names.entry(name).or_default().insert(host.into());
                }
                Err(reason) => skipped.add(TABLE, reason, || format!("{text} of host {host}")),
            }
        }
        netblocks
    }

    /// The names whose addresses are to be looked up.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// `HostNetblockCache`, with the addresses of the names.
    pub fn records(
        mut self,
        answers: &BTreeMap<String, Addresses>,
        skipped: &mut Skipped,
    ) -> Vec<StringInts> {
        for (name, hosts) in self.names {
            let Some(answer) = answers.get(&name).filter(|answer| !answer.addresses.is_empty()) else {
                skipped.add(TABLE, Reason::NoAddress, || name);
                continue;
            };
            for address in &answer.addresses {
                self.prefixes.entry(of_address(*address)).or_default().extend(&hosts);
            }
            if answer.earlier {
                skipped.add(TABLE, Reason::LastAnswer, || name);
            }
        }
        let record = |(key, hosts): (String, BTreeSet<i64>)| StringInts {
            key: Some(key.into()),
            value: hosts.into_iter().collect(),
        };
        self.prefixes.into_iter().map(record).collect()
    }
}

/// What a row names.
#[derive(Debug, PartialEq, Eq)]
enum Netblock {
    /// A prefix as the file has it; bits beyond its length stay.
    Prefix(String),
    Name(String),
}

fn parse(text: &str) -> Result<Netblock, Reason> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(Netblock::Prefix(of_address(address)));
    }
    let Some((address, length)) = text.split_once('/') else {
        let is_name = text.len() <= 253
            && text.bytes().any(|byte| byte.is_ascii_alphabetic())
            && text.strip_suffix('.').unwrap_or(text).split('.').all(is_label);
        return if is_name {
            Ok(Netblock::Name(text.to_ascii_lowercase()))
        } else {
            Err(Reason::BadNetblock)
        };
    };
    let address: IpAddr = address.trim().parse().map_err(|_| Reason::BadNetblock)?;
    let length = length.trim();
    let digits = Some(length).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let length = match address {
        IpAddr::V4(_) => digits.and_then(|text| text.parse().ok()).or_else(|| mask_v4(length)),
        IpAddr::V6(_) => digits.and_then(|text| text.parse().ok()).or_else(|| mask_v6(length)),
    };
    let (longest, least) = if address.is_ipv4() { (32, 8) } else { (128, 16) };
    match length {
        Some(length) if length < least => Err(Reason::WideNetblock),
        Some(length) if length <= longest => Ok(Netblock::Prefix(format!("{address}/{length}"))),
        _ => Err(Reason::BadNetblock),
    }
}

fn of_address(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

/// The length that a netmask stands for.
fn mask_v4(text: &str) -> Option<u32> {
    let mask = u32::from(text.parse::<Ipv4Addr>().ok()?);
    (mask.leading_ones() + mask.trailing_zeros() == 32).then(|| mask.leading_ones())
}

fn mask_v6(text: &str) -> Option<u32> {
    let mask = u128::from(text.parse::<Ipv6Addr>().ok()?);
    (mask.leading_ones() + mask.trailing_zeros() == 128).then(|| mask.leading_ones())
}

fn is_label(label: &str) -> bool {
    let bytes = || label.bytes();
    (1..=63).contains(&label.len())
        && bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_in_all_their_forms() {
        for (text, prefix) in [
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("10.1.2.3/8", "10.1.2.3/8"),
            (" 198.51.100.7\n", "198.51.100.7/32"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("1.2.3.4/255.255.255.248", "1.2.3.4/29"),
            ("1.2.3.4/255.255.255.255", "1.2.3.4/32"),
            ("2001:db8::/ffff:ffff::", "2001:db8::/32"),
            ("192.0.2.0 / 24", "192.0.2.0/24"),
        ] {
            assert_eq!(parse(text), Ok(Netblock::Prefix(prefix.into())), "{text}");
        }
    }

    #[test]
    fn names_are_names_and_all_else_is_refused() {
        for (text, name) in [("Mirror.example.org", "mirror.example.org"), ("a_b.example.", "a_b.example.")] {
            assert_eq!(parse(text), Ok(Netblock::Name(name.into())), "{text}");
        }
        for text in [
            "1.2.3.4/33",
            "name/24",
            "1.2.3.4/name",
            "1.2.3.4/255.0.255.0",
            "1.2.3.4/",
            "1.2.3.4/+8",
            "1.2.3.4/24/24",
            "2001:db8::/129",
            "2001:db8::/255.255.0.0",
            "192.0.2",
            "two words",
            "a..b",
            "/",
            "mirror.example.org; rm",
        ] {
            assert_eq!(parse(text), Err(Reason::BadNetblock), "{text}");
        }
        for text in ["0.0.0.0/0", "10.0.0.0/7", "1.2.3.4/254.0.0.0", "1.2.3.4/0.0.0.0", "::/0", "2000::/15"] {
            assert_eq!(parse(text), Err(Reason::WideNetblock), "{text}");
        }
    }
}
