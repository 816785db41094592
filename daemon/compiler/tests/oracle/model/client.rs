//! Who is asking: SPEC.md §2.

use super::{
    facts::{Facts, Hosts},
    prefix::{embedded_v4, plain},
};
use std::net::IpAddr;

/// What the tables know of a client.
#[derive(Debug)]
pub struct Client {
    pub address: Option<IpAddr>,
    /// Upper case.
    pub country: Option<String>,
    /// The AS of the longest matching prefix of the routing table.
    pub asn: Option<u32>,
}

impl Client {
    /// Looks the address up everywhere.
    pub fn of(facts: &Facts, address: Option<IpAddr>) -> Client {
        let address = address.map(plain);
        let own = address.and_then(|address| own_country(facts, address));
        let inner = address.and_then(embedded_v4).and_then(|v4| own_country(facts, v4));
        let asn = address.and_then(|address| *facts.routes.longest_match(address)?);
        Client { address, country: own.or(inner), asn }
    }

    /// Hosts with a netblock around the client, by the length of the longest such netblock, longest first.
    pub fn netblock_hosts(&self, facts: &Facts) -> Vec<Hosts> {
        let Some(address) = self.address else { return Vec::new() };
        let mut seen = Hosts::new();
        let mut groups = Vec::new();
        for length in (0..=128).rev() {
            let here =
                facts.netblocks.iter().filter(|(net, _)| net.length() == length && net.contains(address));
            let hosts: Hosts = here.flat_map(|(_, hosts)| hosts).copied().collect();
            groups.push(hosts.difference(&seen).copied().collect());
            seen.extend(hosts);
        }
        groups
    }

    /// The continent of the client's country.
    pub fn continent<'a>(&self, facts: &'a Facts) -> Option<&'a String> {
        facts.continents.get(self.country.as_ref()?)
    }
}

/// The country of an address by itself: "the cache's netblock-to-country overrides, longest prefix first, then GeoIP".
pub fn own_country(facts: &Facts, address: IpAddr) -> Option<String> {
    facts.overrides.longest_match(address).cloned().or_else(|| facts.geoip.country(address))
}
