//! Who asks: the address that counts, and what the cache knows of it.
//!
//! Source: SPEC.md §2. The front end has already walked the forwarded header; `ip=` beats what it found.

use super::params::Params;
use cache::{Class, CountryId, Families, View};
use std::net::IpAddr;
use wire::net;

/// Who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The address that counts, IPv4-mapped ones as IPv4; `None` when unknown.
    pub address: Option<IpAddr>,
    /// What the cache knows of the address.
    pub class: Class,
    /// Where the client is. For a 6to4 or Teredo address without a country of its own: where the IPv4 address in it is.
    pub country: Option<CountryId>,
    /// Whether `country` is that of an embedded IPv4 address.
    pub embedded: bool,
}

impl Client {
    /// The client of a request that came from `peer`.
    pub fn resolve(view: &View<'_>, peer: Option<IpAddr>, params: &Params<'_>) -> Client {
        let address = match &params.ip {
            Some(text) => net::parse_hop(text),
            None => peer.map(|peer| peer.to_canonical()),
        };
        let Some(address) = address else { return Client::default() };
        let class = view.class(address);
        let embedded = match address {
            IpAddr::V6(address) if class.country.is_none() => net::embedded_ipv4(address),
            _ => None,
        };
        let country = match embedded {
            Some(inner) => view.class(inner.into()).country,
            None => class.country,
        };
        Client { address: Some(address), class, country, embedded: embedded.is_some() }
    }
    /// The version of IP by which it comes, `None` when unknown.
    pub fn family(&self) -> Option<Families> {
        self.address.map(|address| if address.is_ipv4() { Families::V4 } else { Families::V6 })
    }
}
