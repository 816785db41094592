//! Which addresses may be contacted: those of the public internet, and what the operator allows beside them.
//!
//! Names and redirects come from mirrors, who are not to lead us to what only we can reach: our own machine, our network,
//! a cloud's page of credentials. The address that is connected to is judged, not the name.

use ipnetwork::{IpNetwork, Ipv4Network};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 that is not for everybody, or not for one: IANA's special-purpose registry, multicast, and what is reserved.
const SPECIAL: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The policy.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    allowed: Vec<IpNetwork>,
}

impl Addresses {
    /// Global unicast, and these.
    pub fn new(allowed: Vec<IpNetwork>) -> Addresses {
        Addresses { allowed }
    }

    /// Whether an address may be connected to. An IPv4 address that is written as an IPv6 one counts as IPv4.
    ///
    /// Source: IANA's registries of special-purpose addresses; RFC 4291 §2.5.5.2, RFC 6052 §2.1.
    pub fn permit(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|allowed| allowed.contains(address))
            || match address {
                IpAddr::V4(address) => is_global_v4(address),
                IpAddr::V6(address) => match translated(address) {
                    Some(behind) => self.permit(IpAddr::V4(behind)),
                    None => is_global_v6(address),
                },
            }
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let special = SPECIAL.into_iter().filter_map(|(begin, length)| Ipv4Network::new(begin, length).ok());
    !special.into_iter().any(|special| special.contains(address))
}

/// The IPv4 address that a translator of the network makes of one in its well-known prefix, 64:ff9b::/96.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
        _ => None,
    }
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // What is given out as global unicast: 2000::/3.
    first & 0xe000 == 0x2000
        // Without 2001::/23 for protocols, documentation, and 6to4, in which any IPv4 address can be written.
        && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        && first != 0x2002
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_global_is_permitted() {
        let addresses = Addresses::default();
        for (address, permitted) in [
            ("93.184.216.34", true),
            ("1.1.1.1", true),
            ("9.255.255.255", true),
            ("100.63.255.255", true),
            ("172.32.0.1", true),
            ("223.255.255.255", true),
            ("2600::1", true),
            ("2001:200::1", true),
            ("2a02::1", true),
            ("::ffff:93.184.216.34", true),
            ("64:ff9b::5db8:d822", true),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.9", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.168.1.1", false),
            ("198.19.255.255", false),
            ("198.51.100.7", false),
            ("203.0.113.7", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::7f00:1", false),
            ("64:ff9b::a9fe:a9fe", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::1", false),
            ("3fff::1", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(addresses.permit(address.parse().unwrap()), permitted, "{address}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_permitted_beside_it() {
        let allowed = ["10.0.0.0/8", "fd00::/8", "127.0.0.2"].map(|text| text.parse().unwrap());
        let addresses = Addresses::new(allowed.into());
        for (address, permitted) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("64:ff9b::a01:203", true),
            ("fd12::1", true),
            ("127.0.0.2", true),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("1.1.1.1", true),
        ] {
            assert_eq!(addresses.permit(address.parse().unwrap()), permitted, "{address}");
        }
    }
}
