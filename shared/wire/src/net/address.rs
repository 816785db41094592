//! One address as proxies and people write it, and the IPv4 addresses that hide in IPv6 ones.
//!
//! What comes out is canonical: an IPv4-mapped IPv6 address never leaves this file as IPv6.

use ipnetwork::{IpNetwork, Ipv4Network};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads one hop of a forwarded header, or the value of `ip=`.
///
/// Tolerated: blanks, tabs and line ends around, a port (`192.0.2.1:443`, `[2001:db8::1]:443`), brackets without a port, a zone
/// (`fe80::1%eth0`, within the brackets too). `::ffff:192.0.2.1` gives the IPv4 address. `None` for anything else:
/// names, `unknown`, obfuscated identifiers, nothing at all, bytes that are not ASCII.
///
/// Source: SPEC.md §2; RFC 4291 §2.5.5.2 and RFC 6874 for the mapped form and the zone.
pub fn parse_hop(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(trim_blanks(text)).ok()?;
    if let Some(inner) = text.strip_prefix('[') {
        let (address, after) = inner.split_once(']')?;
        return if after.is_empty() || is_port(after.strip_prefix(':')?) { parse_v6(address) } else { None };
    }
    match text.split_once(':') {
        None => text.parse().ok().map(IpAddr::V4),
        Some((address, port)) if is_port(port) && address.contains('.') => {
            address.parse().ok().map(IpAddr::V4)
        }
        Some(_) => parse_v6(text),
    }
}

/// The IPv4 address inside a 6to4 (2002::/16) or Teredo (2001::/32) address: that of the client's own access line.
///
/// `None` for every other address. Source: RFC 3056 §2 (bits 16 to 47) and RFC 4380 §4 (the last 32 bits, inverted).
pub fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.octets() {
        [0x20, 0x02, a, b, c, d, ..] => Some(Ipv4Addr::new(a, b, c, d)),
        [0x20, 0x01, 0, 0, .., a, b, c, d] => Some(Ipv4Addr::new(!a, !b, !c, !d)),
        _ => None,
    }
}

/// The IPv4 prefix that an IPv4-mapped one spells (of n bits: n - 96); other prefixes as they are.
pub fn canonical(prefix: IpNetwork) -> IpNetwork {
    if let IpNetwork::V6(v6) = prefix
        && let Some(length) = v6.prefix().checked_sub(96)
        && let Some(address) = v6.ip().to_ipv4_mapped()
        && let Ok(v4) = Ipv4Network::new(address, length)
    {
        return IpNetwork::V4(v4);
    }
    prefix
}

/// The text without blanks, tabs and line ends around it.
#[inline]
pub fn trim_blanks(text: &[u8]) -> &[u8] {
    match text {
        // Nearly all texts have nothing around them, and none of what is cut off is above a blank.
        [first, .., last] if *first > b' ' && *last > b' ' => text,
        _ => without_blanks(text),
    }
}

fn without_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] | [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = text {
        text = rest;
    }
    text
}

/// An IPv6 address with or without a zone, canonical.
fn parse_v6(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((_, "")) => return None,
        Some((address, _zone)) => address,
        None => text,
    };
    address.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical())
}

/// Whether `text` is a port: digits that fit into 16 bits.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(text: &str) -> Option<String> {
        parse_hop(text.as_bytes()).map(|address| address.to_string())
    }

    #[test]
    fn plain_addresses_are_read() {
        assert_eq!(hop("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(hop("2001:db8::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(hop("::").as_deref(), Some("::"));
        assert_eq!(hop("2001:DB8:0:0:0:0:0:1").as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn blanks_ports_brackets_and_zones_are_tolerated() {
        for v4 in [" 192.0.2.1", "192.0.2.1\t ", "192.0.2.1:0", "192.0.2.1:65535", "  192.0.2.1:80 "] {
            assert_eq!(hop(v4).as_deref(), Some("192.0.2.1"), "{v4:?}");
        }
        for v6 in ["[fe80::1]", "[fe80::1]:443", "fe80::1%eth0", "[fe80::1%25eth0]:443", " [fe80::1%2] "] {
            assert_eq!(hop(v6).as_deref(), Some("fe80::1"), "{v6:?}");
        }
    }

    #[test]
    fn an_ipv4_mapped_address_is_an_ipv4_address() {
        for mapped in ["::ffff:192.0.2.1", "::FFFF:c000:201", "[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1%1"] {
            assert_eq!(parse_hop(mapped.as_bytes()), Some(IpAddr::from([192, 0, 2, 1])), "{mapped:?}");
        }
        assert_eq!(hop("::192.0.2.1").as_deref(), Some("::c000:201"), "compatible is not mapped");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let refused = [
            "",
            " ",
            "unknown",
            "_hidden",
            "localhost",
            "unix:",
            "192.0.2",
            "192.0.2.1.1",
            "192.0.2.256",
            "0300.0.2.1",
            "192.0.2.1:",
            "192.0.2.1:x",
            "192.0.2.1:+80",
            "192.0.2.1:65536",
            "192.0.2.1%eth0",
            "192.0.2.1/32",
            "192.0.2.1 x",
            "[192.0.2.1]",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]443",
            "[2001:db8::1]:",
            "[2001:db8::1]:65536",
            "[]",
            "[",
            "]",
            ":",
            "%",
            "fe80::1%",
            "[fe80::1%]:1",
            "2001:db8::1:443:x",
            "1:2:3:4:5:6:7:8:9",
            "\"192.0.2.1\"",
            "for=192.0.2.1",
        ];
        for text in refused {
            assert_eq!(hop(text), None, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_ascii_are_refused_and_do_not_panic() {
        for bytes in [
            &b"\xff"[..],
            b"192.0.2.1\xe9",
            b"\xc3\xa9",
            b"[\xc3\xa9]:1",
            b"fe80::1%\xff",
            "１.2.3.4".as_bytes(),
        ] {
            assert_eq!(parse_hop(bytes), None, "{bytes:?}");
        }
        for byte in 0..=255 {
            parse_hop(&[byte]);
            parse_hop(&[b'[', byte]);
            parse_hop(&[b'1', byte, b':', byte]);
        }
    }

    #[test]
    fn a_6to4_address_holds_its_sites_ipv4_address() {
        let address = "2002:c000:221:1::1".parse().unwrap();
        assert_eq!(embedded_ipv4(address), Some(Ipv4Addr::new(192, 0, 2, 33)));
    }

    #[test]
    fn a_teredo_address_holds_its_clients_ipv4_address_inverted() {
        // The example of RFC 4380's usual reading: server 65.54.227.120, client 192.0.2.45 behind port 40000.
        let address = "2001:0:4136:e378:8000:63bf:3fff:fdd2".parse().unwrap();
        assert_eq!(embedded_ipv4(address), Some(Ipv4Addr::new(192, 0, 2, 45)));
    }

    #[test]
    fn other_ipv6_addresses_hold_none() {
        for address in ["2001:1::1", "2001:db8::1", "2003::1", "::ffff:192.0.2.1", "64:ff9b::192.0.2.1", "::"]
        {
            assert_eq!(embedded_ipv4(address.parse().unwrap()), None, "{address}");
        }
    }
}
