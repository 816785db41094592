//! Turns an [`Inventory`] into the bytes of a cache file.
//!
//! The only code that decides how facts are laid out. Each part fills its arrays of the [`Schema`]; the order of the
//! calls in [`lay_out`] is the order of dependence. Equal inventories give equal bytes.

mod choice;
mod hosts;
mod paths;
mod repositories;
mod site;

use super::{
    View,
    file::{CacheBytes, FILE_HEADER_LEN, MOST_PAYLOAD},
    inventory::Inventory,
    limits::{MOST_HOSTS, MOST_TEXT},
    place::Place,
    ranges::Layers,
    schema::{
        AsnRow, ClassRow, LocationRow, NO_CONTINENT, NO_COUNTRY, NONE, NetblockRow, OWN_TIME, Schema,
        SourceRow,
    },
};
use indexmap::IndexSet;
use ipnetwork::IpNetwork;
use std::{collections::BTreeSet, fmt, net::IpAddr};
use wire::code::{Continent, Country};

/// What was written, for the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Mirror machines.
    pub hosts: usize,
    /// Host URLs.
    pub urls: usize,
    /// Directories that mirrors carry.
    pub directories: usize,
    /// Distinct sets of hosts.
    pub carrier_sets: usize,
    /// Repositories, redirected and disabled ones too.
    pub repositories: usize,
    /// Files with known hashes.
    pub files: usize,
    /// Versions of these files.
    pub file_versions: usize,
    /// Distinct kinds of clients.
    pub client_classes: usize,
    /// IPv4 ranges.
    pub ranges_v4: usize,
    /// IPv6 ranges.
    pub ranges_v6: usize,
    /// Bytes of the path tables, the directories' rows and the carrier sets.
    pub directory_bytes: usize,
    /// Bytes of the address tables and classes.
    pub address_bytes: usize,
    /// Bytes of the whole file.
    pub bytes: usize,
}

/// Why an inventory cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// It has more of something than a cache may have.
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How much was found; where it grows, when it was noticed.
        found: usize,
        /// How much there may be.
        limit: usize,
    },
    /// Looking one of these strings up would take too long; by chance that does not happen.
    Colliding {
        /// What the strings are.
        what: &'static str,
    },
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::TooMany { what, found, limit } => {
                write!(f, "{found} {what}, a cache holds at most {limit}")
            }
            WriteError::Colliding { what } => {
                write!(f, "{what} that were chosen to have the same hashes")
            }
        }
    }
}

impl std::error::Error for WriteError {}

/// Refuses a count above what a cache may have.
fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), WriteError> {
    if found <= limit { Ok(()) } else { Err(WriteError::TooMany { what, found, limit }) }
}

/// The whole cache file for this inventory. `build_time` is in seconds since the epoch.
pub fn write(inventory: &Inventory, build_time: u64) -> Result<(CacheBytes, Statistics), WriteError> {
    let schema = lay_out(inventory)?;
    let bytes = serialise(&schema, build_time)?;
    let statistics = statistics(&schema, &bytes);
    Ok((bytes, statistics))
}

/// The payload for this inventory.
pub(super) fn lay_out(inventory: &Inventory) -> Result<Schema, WriteError> {
    let mut writer = Writer::new(inventory)?;
    writer.sources();
    writer.countries();
    let order = writer.hosts()?;
    writer.rosters(&order)?;
    writer.paths()?;
    writer.files()?;
    writer.repositories()?;
    writer.locations(&order);
    writer.clients(&order)?;
    writer.site()?;
    writer.choice(&order)?;
    writer.finish()
}

/// The whole cache file with this payload.
pub(super) fn serialise(schema: &Schema, build_time: u64) -> Result<CacheBytes, WriteError> {
    let most = MOST_PAYLOAD as usize;
    let file = rkyv::api::high::to_bytes_in::<_, rkyv::rancor::Error>(schema, CacheBytes::begin())
        // The only error of writing plain arrays to memory is an offset that does not fit into 32 bits.
        .map_err(|_| WriteError::TooMany { what: "bytes of cache", found: usize::MAX, limit: most })?;
    limit("bytes of cache", file.len() - FILE_HEADER_LEN, most)?;
    Ok(CacheBytes::finish(file, build_time, schema.source_time))
}

fn statistics(schema: &Schema, bytes: &CacheBytes) -> Statistics {
    let sections = View::access(bytes).map(|view| view.sections()).unwrap_or_default();
    let bytes_of = |names: &[&str]| {
        sections.iter().filter(|section| names.contains(&section.name)).map(|section| section.bytes).sum()
    };
    Statistics {
        hosts: schema.hosts.len(),
        urls: schema.urls.len(),
        directories: schema.directories.len(),
        carrier_sets: schema.rosters.last().map_or(0, |end| end.sets as usize),
        repositories: schema.repositories.len() - 1,
        files: schema.file_versions.len() - 1,
        file_versions: schema.versions.len(),
        client_classes: schema.classes.len(),
        ranges_v4: schema.v4.start.len(),
        ranges_v6: schema.v6.start.len() + schema.v6.deep_start.len(),
        directory_bytes: bytes_of(&["directories", "paths", "carrier sets"]),
        address_bytes: bytes_of(&["client classes", "IPv4 ranges", "IPv6 ranges"]),
        bytes: bytes.len(),
    }
}

/// The schema under construction.
struct Writer<'a> {
    inventory: &'a Inventory,
    schema: Schema,
    /// Strings by number.
    strings: IndexSet<Box<str>>,
    countries: Vec<Country>,
    /// The node of every path, by number.
    nodes: paths::Nodes,
}

impl<'a> Writer<'a> {
    fn new(inventory: &'a Inventory) -> Result<Self, WriteError> {
        let sets = inventory.rosters.iter().map(|roster| roster.sets.len()).sum();
        let numbered = [
            ("hosts", inventory.hosts.len(), MOST_HOSTS),
            ("URLs", inventory.urls.len(), NONE as usize),
            ("placements", inventory.placements.len(), i32::MAX as usize),
            ("directories", inventory.directories.len(), i32::MAX as usize),
            ("carrier sets", sets, i32::MAX as usize),
        ];
        for (what, found, most) in numbered {
            limit(what, found, most)?;
        }
        let schema = Schema { source_time: inventory.source_time, ..Schema::default() };
        let (strings, nodes) = (IndexSet::new(), paths::Nodes::default());
        Ok(Writer { inventory, schema, strings, countries: Vec::new(), nodes })
    }

    /// The number of a string.
    fn string(&mut self, text: &str) -> u32 {
        if let Some(number) = self.strings.get_index_of(text) {
            return number as u32;
        }
        self.strings.insert_full(text.into()).0 as u32
    }

    /// The number of a country that [`Writer::countries`] has seen.
    fn country(&self, country: Country) -> u16 {
        self.countries.binary_search(&country).map_or(NO_COUNTRY, |at| at as u16)
    }

    fn sources(&mut self) {
        for source in &self.inventory.sources {
            let name = self.string(&source.name);
            let flags = if source.own_time { OWN_TIME } else { 0 };
            let (time, bytes, max_age) = (source.time, source.bytes, source.max_age);
            self.schema.sources.push(SourceRow { time, bytes, max_age, name, flags });
        }
    }

    /// Numbers every country and continent that occurs anywhere.
    fn countries(&mut self) {
        let inventory = self.inventory;
        let mut countries: BTreeSet<Country> = inventory.continents.keys().copied().collect();
        for host in inventory.hosts.values() {
            countries.extend(host.country);
            countries.extend(host.countries_allowed.iter().flatten());
        }
        let carriers = inventory.rosters.iter().flat_map(|roster| &roster.carriers);
        countries.extend(carriers.flat_map(|carrier| &carrier.countries));
        countries.extend(inventory.country_overrides.values());
        countries.extend(inventory.geoip.iter().map(|range| range.1));
        if inventory.choice.near_hosts > 0 {
            // Whoever asks for one of these gets the hosts around it.
            countries.extend(Place::countries());
            countries.extend(inventory.choice.neighbours.keys());
        }
        self.countries = countries.into_iter().collect();
        let continents: BTreeSet<Continent> = inventory.continents.values().copied().collect();
        let continents: Vec<Continent> = continents.into_iter().collect();
        self.schema.country_continent = self
            .countries
            .iter()
            .map(|country| match inventory.continents.get(country) {
                // More than 255 continents: the further ones are none, which a 2-letter vocabulary does not reach in
                // practice.
                Some(continent) => continents
                    .binary_search(continent)
                    .ok()
                    .and_then(|at| u8::try_from(at).ok())
                    .unwrap_or(NO_CONTINENT),
                None => NO_CONTINENT,
            })
            .collect();
        self.schema.continents =
            continents.iter().take(usize::from(NO_CONTINENT)).map(|code| code.bytes()).collect();
        self.schema.countries = self.countries.iter().map(|code| code.bytes()).collect();
    }

    fn locations(&mut self, order: &hosts::HostOrder) {
        for (name, hosts) in &self.inventory.locations {
            let name = self.string(name);
            self.schema.locations.push(LocationRow { name, hosts: self.schema.location_hosts.len() as u32 });
            self.schema.location_hosts.extend(order.numbers(hosts));
        }
        let end = self.schema.location_hosts.len() as u32;
        self.schema.locations.push(LocationRow { name: NONE, hosts: end });
    }

    /// Netblocks, autonomous systems and the ranges of client addresses.
    fn clients(&mut self, order: &hosts::HostOrder) -> Result<(), WriteError> {
        let inventory = self.inventory;
        for (number, hosts) in &inventory.asn_hosts {
            let row = AsnRow { number: *number, hosts: self.schema.asn_hosts.len() as u32 };
            self.schema.asns.push(row);
            self.schema.asn_hosts.extend(order.numbers(hosts));
        }
        let end = self.schema.asn_hosts.len() as u32;
        self.schema.asns.push(AsnRow { number: u32::MAX, hosts: end });

        let netblocks = self.netblocks(order);
        let asns: Vec<u32> = inventory.asn_hosts.keys().copied().collect();
        let layers = Layers {
            geoip: inventory
                .geoip
                .iter()
                .map(|(prefix, code)| (*prefix, Some(self.country(*code))))
                .collect(),
            overrides: inventory
                .country_overrides
                .iter()
                .map(|(prefix, code)| (*prefix, Some(self.country(*code))))
                .collect(),
            routes: inventory
                .routes
                .iter()
                .map(|(prefix, number)| {
                    let at = number.and_then(|number| asns.binary_search(&number).ok());
                    (*prefix, at.map(|at| at as u32))
                })
                .collect(),
            netblocks,
        };
        let (v4, v6, classes): (_, _, Vec<ClassRow>) = layers.compile();
        limit("client classes", classes.len(), (1 << 24) - 1)?;
        (self.schema.v4, self.schema.v6, self.schema.classes) = (v4, v6, classes);
        Ok(())
    }

    /// Writes the netblocks' rows, shorter prefixes before the longer ones in them, and returns them as a layer.
    fn netblocks(&mut self, order: &hosts::HostOrder) -> Vec<(IpNetwork, Option<u32>)> {
        let mut prefixes: Vec<IpNetwork> = self.inventory.netblocks.keys().copied().collect();
        prefixes.sort_by_key(|prefix| (prefix.network(), prefix.prefix()));
        let mut layer = Vec::with_capacity(prefixes.len());
        let mut open: Vec<(IpNetwork, u32)> = Vec::new();
        for prefix in prefixes {
            while open.last().is_some_and(|(outer, _)| !contains(outer, prefix)) {
                open.pop();
            }
            let (address, family) = match prefix.network() {
                IpAddr::V4(address) => (u128::from(address.to_bits()), 4),
                IpAddr::V6(address) => (address.to_bits(), 6),
            };
            let number = self.schema.netblocks.len() as u32;
            self.schema.netblocks.push(NetblockRow {
                address: address.to_be_bytes(),
                hosts: self.schema.netblock_hosts.len() as u32,
                parent: open.last().map_or(NONE, |outer| outer.1),
                length: prefix.prefix(),
                family,
                padding: 0,
            });
            self.schema.netblock_hosts.extend(order.numbers(&self.inventory.netblocks[&prefix]));
            open.push((prefix, number));
            layer.push((prefix, Some(number)));
        }
        let hosts = self.schema.netblock_hosts.len() as u32;
        let end = NetblockRow { address: [0; 16], hosts, parent: NONE, length: 0, family: 0, padding: 0 };
        self.schema.netblocks.push(end);
        layer
    }

    /// Writes the strings that the other parts have numbered.
    fn finish(mut self) -> Result<Schema, WriteError> {
        let longest = self.strings.iter().map(|text| text.len()).max();
        limit("bytes of one text", longest.unwrap_or_default(), MOST_TEXT)?;
        let length: usize = self.strings.iter().map(|text| text.len()).sum();
        limit("bytes of text", length, u32::MAX as usize)?;
        self.schema.text.reserve_exact(length);
        for text in &self.strings {
            self.schema.text_start.push(self.schema.text.len() as u32);
            self.schema.text.extend_from_slice(text.as_bytes());
        }
        self.schema.text_start.push(self.schema.text.len() as u32);
        Ok(self.schema)
    }
}

/// Whether all of `inner` is in `outer`.
fn contains(outer: &IpNetwork, inner: IpNetwork) -> bool {
    outer.prefix() <= inner.prefix() && outer.contains(inner.network())
}
