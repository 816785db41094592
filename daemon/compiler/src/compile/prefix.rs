//! Prefixes as inputs spell them.
//!
//! The client side (which prefix contains an address) is the cache's business.

use ipnetwork::IpNetwork;

/// Reads `ADDRESS` (a host route) or `ADDRESS/LENGTH` and masks the host bits; blanks around it do not matter.
pub fn parse(text: &str) -> Option<IpNetwork> {
    let prefix: IpNetwork = text.trim().parse().ok()?;
    IpNetwork::new(prefix.network(), prefix.prefix()).ok()
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
    fn what_is_no_prefix_is_none() {
        for bad in
            ["", "/24", "192.0.2.0/33", "192.0.2/24", "mirror.example.org", "2001:db8::/129", "192.0.2.0/-1"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
