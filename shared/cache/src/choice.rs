//! What a cache knows of hosts and countries for choosing among mirrors that are equally good by their tiers: places and
//! the rings around countries, address families, and whom hosts are for or countries keep from.
//!
//! Every array is empty where nothing is known of any host, and asking then costs a comparison.

use super::{
    place::Place,
    schema::{FAMILIES, ONLY_CONTINENT, ONLY_COUNTRY, RINGS},
    view::{AsnId, CountryId, HostId, NetblockId, View},
};
use rkyv::rend::u32_le;

/// Which versions of IP a host is known to answer by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Families(u8);

impl Families {
    /// Nothing is known.
    pub const UNKNOWN: Families = Families(0);
    /// IPv4.
    pub const V4: Families = Families(1);
    /// IPv6.
    pub const V6: Families = Families(2);

    /// These and those.
    pub const fn with(self, other: Families) -> Families {
        Families(self.0 | other.0)
    }

    /// Whether a host of these is known not to answer by `family`.
    #[inline]
    pub fn lack(self, family: Families) -> bool {
        self.0 != 0 && self.0 & family.0 == 0
    }

    /// As the file has them.
    #[cfg(feature = "write")]
    pub(crate) fn bits(self) -> u8 {
        self.0
    }
}

/// Which clients a host is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Only {
    /// All.
    #[default]
    Everyone,
    /// Those of its continent.
    Continent,
    /// Those of its country.
    Country,
}

/// Hosts, as bits by number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ring<'a>(&'a [u32_le]);

impl Ring<'_> {
    /// Whether a host is one of them.
    #[inline]
    pub fn contains(&self, host: HostId) -> bool {
        let at = host.0 as usize;
        self.0.get(at / 32).is_some_and(|word| word.to_native() >> (at % 32) & 1 != 0)
    }
}

impl<'a> View<'a> {
    /// How many hosts nearer tiers and the ring around the client's country are to have together; 0: there are no rings.
    pub fn near_hosts(&self) -> usize {
        self.schema().near_hosts.first().map_or(0, |hosts| hosts.to_native() as usize)
    }

    /// The hosts of other countries around a country, the nearest ring first: within 1,000, 2,000 and 4,000 km, or what
    /// the site says in their place. A ring has all hosts of those before it.
    pub fn rings(&self, country: CountryId) -> [Ring<'a>; RINGS] {
        let words = self.host_count().div_ceil(32);
        let ring = |number: usize| {
            let from = (usize::from(country.0) * RINGS + number) * words;
            Ring(self.schema().rings.get(from..from + words).unwrap_or_default())
        };
        std::array::from_fn(ring)
    }

    /// Where a host is: its own place, else the point that stands for its country.
    pub fn place(&self, host: HostId) -> Option<Place> {
        let own = self.schema().host_place.get(host.0 as usize);
        let own =
            own.and_then(|row| Place::of_hundredths([row.latitude.to_native(), row.longitude.to_native()]));
        own.or_else(|| Place::of(self.country_code(self.host_country(host)?)?))
    }

    /// Whether anything is known of the families of any host.
    #[inline]
    pub fn knows_families(&self) -> bool {
        !self.schema().host_families.is_empty()
    }

    /// What is known of a host's families.
    #[inline]
    pub fn families(&self, host: HostId) -> Families {
        let bits = self.schema().host_families.get(host.0 as usize);
        bits.map_or(Families::UNKNOWN, |bits| Families(bits & FAMILIES))
    }

    /// Whether any host is only for the clients of its country or continent.
    #[inline]
    pub fn knows_only(&self) -> bool {
        !self.schema().host_flags.is_empty()
    }

    /// Which clients a host is for.
    pub fn only(&self, host: HostId) -> Only {
        let flags = self.schema().host_flags.get(host.0 as usize).copied().unwrap_or_default();
        match flags {
            _ if flags & ONLY_COUNTRY != 0 => Only::Country,
            _ if flags & ONLY_CONTINENT != 0 => Only::Continent,
            _ => Only::Everyone,
        }
    }

    /// Countries whose hosts the site keeps from the clients of a country.
    pub fn avoided(&self, client: CountryId) -> impl ExactSizeIterator<Item = CountryId> + Clone + 'a {
        let rows = &self.schema().avoid;
        let from = rows.partition_point(|row| row.client.to_native() < client.0);
        let to = rows.partition_point(|row| row.client.to_native() <= client.0);
        rows.get(from..to).unwrap_or_default().iter().map(|row| CountryId(row.host.to_native()))
    }

    /// Whether any host is the only one for a netblock or an autonomous system.
    #[inline]
    pub fn knows_exclusive(&self) -> bool {
        !self.schema().netblock_exclusive.is_empty() || !self.schema().asn_exclusive.is_empty()
    }

    /// Those hosts of a netblock that are the only ones for it.
    pub fn netblock_exclusive(&self, netblock: NetblockId) -> impl Iterator<Item = HostId> + 'a {
        let from = self.schema().netblocks.get(netblock.0 as usize).map_or(0, |row| row.hosts.to_native());
        exclusive(&self.schema().netblock_exclusive, from, self.netblock_hosts(netblock))
    }

    /// Those hosts of an autonomous system that are the only ones for it.
    pub fn asn_exclusive(&self, asn: AsnId) -> impl Iterator<Item = HostId> + 'a {
        let from = self.schema().asns.get(asn.0 as usize).map_or(0, |row| row.hosts.to_native());
        exclusive(&self.schema().asn_exclusive, from, self.asn_hosts(asn))
    }
}

/// Of hosts that stand from `from` on in their array, those whose bits are set.
fn exclusive<'a>(
    bits: &'a [u32_le],
    from: u32,
    hosts: impl Iterator<Item = HostId> + 'a,
) -> impl Iterator<Item = HostId> + 'a {
    let is = |at: usize| bits.get(at / 32).is_some_and(|word| word.to_native() >> (at % 32) & 1 != 0);
    (from as usize..).zip(hosts).filter(move |(at, _)| is(*at)).map(|(_, host)| host)
}
