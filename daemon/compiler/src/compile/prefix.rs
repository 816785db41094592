//! Prefixes as inputs spell them.
//!
//! The client side (which prefix contains an address) is the cache's business.

use super::text;
use ipnetwork::IpNetwork;
use wire::net;

/// Reads `ADDRESS` (a host route) or `ADDRESS/LENGTH`; host bits are masked.
///
/// White space at the ends and around the slash does not matter. An IPv4-mapped prefix is the IPv4 prefix that it
/// spells, since clients' addresses are compared as IPv4 too (RFC 4291 §2.5.5.2).
pub fn parse(text: &str) -> Option<IpNetwork> {
    let text = text::trim_str(text);
    let prefix: IpNetwork = match text.split_once('/') {
        Some((address, length)) => {
            format!("{}/{}", text::trim_str(address), text::trim_str(length)).parse().ok()?
        }
        None => text.parse().ok()?,
    };
    let prefix = net::canonical(prefix);
    IpNetwork::new(prefix.network(), prefix.prefix()).ok()
}

/// Whether a prefix contains so much of the Internet that it is more likely a mistake than meant.
///
/// That is: wider than the largest block ever given to one holder, a /8 of IPv4 or a /16 of IPv6.
pub fn is_wide(prefix: &IpNetwork) -> bool {
    prefix.prefix() < if prefix.is_ipv4() { 8 } else { 16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_masked() {
        assert_eq!(parse("192.0.2.77/24"), "192.0.2.0/24".parse().ok());
        assert_eq!(parse("2001:db8::1/32"), "2001:db8::/32".parse().ok());
    }

    #[test]
    fn an_address_alone_is_a_host_route() {
        assert_eq!(parse("192.0.2.7"), "192.0.2.7/32".parse().ok());
        assert_eq!(parse("2001:db8::7"), "2001:db8::7/128".parse().ok());
    }

    #[test]
    fn white_space_does_not_matter() {
        for odd in [" 192.0.2.0/24", "192.0.2.0/24\r\n", "\u{feff}192.0.2.0/24", "192.0.2.0 / 24"] {
            assert_eq!(parse(odd), "192.0.2.0/24".parse().ok(), "{odd:?}");
        }
    }

    #[test]
    fn an_ipv4_mapped_prefix_is_an_ipv4_prefix() {
        for (mapped, plain) in [
            ("::ffff:192.0.2.77/120", "192.0.2.0/24"),
            ("::FFFF:c000:200/128", "192.0.2.0/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:0.0.0.0/96", "0.0.0.0/0"),
        ] {
            assert_eq!(parse(mapped), plain.parse().ok(), "{mapped}");
        }
        assert_eq!(parse("::192.0.2.0/120"), "::192.0.2.0/120".parse().ok(), "compatible is not mapped");
        assert_eq!(parse("::ffff:0:0/95"), "::fffe:0:0/95".parse().ok(), "more than what is mapped");
    }

    #[test]
    fn wide_is_what_nobody_holds_alone() {
        for (prefix, wide) in
            [("10.0.0.0/8", false), ("10.0.0.0/7", true), ("2001::/16", false), ("2000::/15", true)]
        {
            assert_eq!(is_wide(&prefix.parse().unwrap()), wide, "{prefix}");
        }
    }

    #[test]
    fn what_is_no_prefix_is_none() {
        for bad in [
            "",
            "/24",
            "192.0.2.0/33",
            "192.0.2/24",
            "mirror.example.org",
            "2001:db8::/129",
            "192.0.2.0/-1",
            "192.0.2.0/24/24",
            "192.0.2.0/",
            "192.0 .2.0/24",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
