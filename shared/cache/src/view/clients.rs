//! What a cache knows of clients: classes of addresses, countries, networks, locations.

use super::{
    AsnId, ContinentId, CountryId, HostId, LocationId, NetblockId, View, country, hosts, some, span,
};
use crate::schema::NO_CONTINENT;
use std::{fmt, net::IpAddr};
use wire::code::{Continent, Country};

/// Everything that makes a difference between clients' addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// Its number; 0 knows nothing.
    pub number: u32,
    /// Where it is.
    pub country: Option<CountryId>,
    /// Whether `country` is an operator's correction, not what GeoIP says.
    pub corrected: bool,
    /// Its autonomous system, if hosts serve it.
    pub asn: Option<AsnId>,
    /// The longest netblock that contains it.
    pub netblock: Option<NetblockId>,
}

/// A prefix that hosts serve, as text has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The first address.
    pub address: IpAddr,
    /// Bits that count.
    pub length: u8,
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl<'a> View<'a> {
    /// What there is to know of an address. Cost: one search.
    pub fn class(&self, address: IpAddr) -> Class {
        let classes = &self.schema.classes;
        let number = match address {
            IpAddr::V4(address) => self.schema.v4.find(address.to_bits()),
            IpAddr::V6(address) => self.schema.v6.find(address.to_bits(), classes.len() as u32),
        };
        let Some(row) = classes.get(number as usize) else { return Class::default() };
        Class {
            number,
            country: country(row.country.to_native()),
            corrected: row.flags.to_native() & 1 != 0,
            asn: some(row.asn).map(AsnId),
            netblock: some(row.netblock).map(NetblockId),
        }
    }

    /// The country of this code, if the cache names it anywhere.
    pub fn country_id(&self, code: Country) -> Option<CountryId> {
        let code = code.bytes();
        self.schema.countries.binary_search(&code).ok().map(|at| CountryId(at as u16))
    }

    /// A country's code.
    pub fn country_code(&self, country: CountryId) -> Option<Country> {
        self.schema.countries.get(usize::from(country.0)).and_then(|code| Country::parse(code))
    }

    /// How many countries there are; they are numbered from 0.
    pub fn country_count(&self) -> usize {
        self.schema.countries.len()
    }

    /// A country's continent.
    pub fn continent(&self, country: CountryId) -> Option<ContinentId> {
        match self.schema.country_continent.get(usize::from(country.0)) {
            None | Some(&NO_CONTINENT) => None,
            Some(number) => Some(ContinentId(*number)),
        }
    }

    /// A continent's code.
    pub fn continent_code(&self, continent: ContinentId) -> Option<Continent> {
        self.schema.continents.get(usize::from(continent.0)).and_then(|code| Continent::parse(code))
    }

    /// The continent of this code, if the cache names it anywhere.
    pub fn continent_id(&self, code: Continent) -> Option<ContinentId> {
        self.schema.continents.binary_search(&code.bytes()).ok().map(|at| ContinentId(at as u8))
    }

    /// The number of an autonomous system.
    pub fn asn_number(&self, asn: AsnId) -> u32 {
        self.schema.asns.get(asn.0 as usize).map_or(0, |row| row.number.to_native())
    }

    /// The hosts that serve an autonomous system.
    pub fn asn_hosts(&self, asn: AsnId) -> impl ExactSizeIterator<Item = HostId> + 'a {
        hosts(&self.schema.asn_hosts, span(&self.schema.asns, asn.0, |row| row.hosts))
    }

    /// The autonomous system of this number, if hosts serve it.
    pub fn asn_id(&self, number: u32) -> Option<AsnId> {
        let (_, rows) = self.schema.asns.split_last()?;
        rows.binary_search_by(|row| row.number.to_native().cmp(&number)).ok().map(|at| AsnId(at as u32))
    }

    /// How many netblocks there are that hosts serve; they are numbered from 0.
    pub fn netblock_count(&self) -> usize {
        self.schema.netblocks.len().saturating_sub(1)
    }

    /// How many autonomous systems there are that hosts serve; they are numbered from 0.
    pub fn asn_count(&self) -> usize {
        self.schema.asns.len().saturating_sub(1)
    }

    /// A netblock's prefix.
    pub fn netblock(&self, netblock: NetblockId) -> Option<Prefix> {
        let row = self.schema.netblocks.get(netblock.0 as usize)?;
        let address = match row.family {
            4 => {
                let [.., a, b, c, d] = row.address;
                IpAddr::from([a, b, c, d])
            }
            _ => IpAddr::from(row.address),
        };
        Some(Prefix { address, length: row.length })
    }

    /// The next shorter netblock around this one. Each is shorter than the one before, so a walk upwards is one of at
    /// most [`MOST_NETBLOCKS`](crate::limits::MOST_NETBLOCKS), or of 256 where bytes that nobody checked have longer
    /// prefixes.
    pub fn netblock_parent(&self, netblock: NetblockId) -> Option<NetblockId> {
        let row = self.schema.netblocks.get(netblock.0 as usize)?;
        let parent = some(row.parent)?;
        let outer = self.schema.netblocks.get(parent as usize)?;
        (outer.length < row.length).then_some(NetblockId(parent))
    }

    /// The hosts that serve a netblock.
    pub fn netblock_hosts(&self, netblock: NetblockId) -> impl ExactSizeIterator<Item = HostId> + 'a {
        hosts(&self.schema.netblock_hosts, span(&self.schema.netblocks, netblock.0, |row| row.hosts))
    }

    /// A location by its name. Cost: a binary search; there are few.
    pub fn location(&self, name: &[u8]) -> Option<LocationId> {
        let (_, rows) = self.schema.locations.split_last()?;
        let at = rows.binary_search_by(|row| self.bytes(row.name).cmp(name)).ok()?;
        Some(LocationId(at as u32))
    }

    /// The hosts of a location.
    pub fn location_hosts(&self, location: LocationId) -> impl ExactSizeIterator<Item = HostId> + 'a {
        hosts(&self.schema.location_hosts, span(&self.schema.locations, location.0, |row| row.hosts))
    }
}
