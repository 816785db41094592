//! What a cache is written from: one plain value that every input fills.
//!
//! Importers (MirrorManager's protobuf, routing table, GeoIP, CSV) put their facts in here; only the writer knows how
//! the file lays them out. Host, placement and carrier-set numbers are positions in the tables of this value.

use crate::scheme::Scheme;
use indexmap::{IndexMap, IndexSet};
use ipnetwork::IpNetwork;
use std::collections::{BTreeMap, BTreeSet};
use wire::code::{Continent, Country};

/// Everything that a cache answers from.
#[derive(Debug, Default)]
pub struct Inventory {
    /// When the source says it was made, in seconds since the epoch.
    pub source_time: u64,
    /// Mirror machines, by their id in the source.
    pub hosts: IndexMap<i64, Host>,
    /// Host URLs, each once: two hosts with one URL share its position.
    pub urls: IndexSet<HostUrl>,
    /// Which host offers a tree under which URLs; many directories share one.
    pub placements: IndexSet<Placement>,
    /// Which hosts carry a directory; many directories share one.
    pub carrier_sets: IndexSet<CarrierSet>,
    /// Directories by path, without slashes at either end.
    pub directories: IndexMap<String, Directory>,
    /// Files with known hashes, by their directory's position in [`Inventory::directories`] and their name.
    pub files: BTreeMap<(u32, String), Vec<FileVersion>>,
    /// Repositories by name: those with directories, redirected ones and disabled ones.
    pub repositories: BTreeMap<String, Repository>,
    /// Named locations and their hosts (positions in [`Inventory::hosts`]).
    pub locations: BTreeMap<String, BTreeSet<u32>>,
    /// Hosts that serve an address range before all others, by prefix without host bits.
    pub netblocks: BTreeMap<IpNetwork, BTreeSet<u32>>,
    /// Hosts that serve an autonomous system.
    pub asn_hosts: BTreeMap<u32, BTreeSet<u32>>,
    /// Addresses whose country the operators correct, by prefix without host bits.
    pub country_overrides: BTreeMap<IpNetwork, Country>,
    /// The routing table: prefix without host bits, and its origin AS; `None` where that is not known, which hides the
    /// origins of wider prefixes. Of equal prefixes the last counts.
    pub routes: Vec<(IpNetwork, Option<u32>)>,
    /// Countries of address ranges. Of overlapping prefixes the longest counts, of equal ones the last.
    pub geoip: Vec<(IpNetwork, Country)>,
    /// The continent of each country.
    pub continents: BTreeMap<Country, Continent>,
}

/// A mirror machine.
#[derive(Debug, Default, Clone)]
pub struct Host {
    /// The `location` that metalinks show for it.
    pub country: Option<Country>,
    /// Its share in random order, relative to other hosts; 1 where the source gives none, zero or less.
    pub bandwidth: u32,
    /// When given, the host is only for clients from these countries.
    pub countries_allowed: Option<BTreeSet<Country>>,
}

/// One URL of a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostUrl {
    /// The URL's scheme.
    pub scheme: Scheme,
    /// The URL without slashes at its end; scheme and host in the one spelling that they have.
    pub text: String,
}

/// A host and the URLs under which it offers a tree, in the order of the source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placement {
    /// Position in [`Inventory::hosts`].
    pub host: u32,
    /// Positions in [`Inventory::urls`], each once.
    pub urls: Vec<u32>,
}

/// The hosts that carry a directory.
///
/// Equal contents must compare equal, so that directories share one set: `members` is sorted and holds each host once,
/// `groups` is sorted by country and each group is sorted, without duplicates, and never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CarrierSet {
    /// Every host that carries it: position in [`Inventory::placements`], and whether the host is public.
    pub members: Vec<(u32, bool)>,
    /// The hosts that stand for a country, as positions in [`Inventory::placements`], all of them members too.
    pub groups: Vec<(Country, Vec<u32>)>,
}

/// A directory that mirrors carry.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Position in [`Inventory::carrier_sets`].
    pub carriers: u32,
    /// What follows a host's URL to reach the directory, without slashes at either end; may be empty.
    pub subpath: String,
}

/// What is known of one version of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileVersion {
    /// Modification time in seconds since the epoch; 0 when unknown.
    pub timestamp: u64,
    /// Size in bytes; 0 when unknown.
    pub size: u64,
    /// MD5, if known.
    pub md5: Option<[u8; 16]>,
    /// SHA-1, if known.
    pub sha1: Option<[u8; 20]>,
    /// SHA-256, if known.
    pub sha256: Option<[u8; 32]>,
    /// SHA-512, if known.
    pub sha512: Option<[u8; 64]>,
}

/// A repository: what clients name with `repo=`.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// Its directory for each architecture, without slashes at either end. The directory need not be in
    /// [`Inventory::directories`]: such a repository is known but has no mirrors.
    pub archs: BTreeMap<String, String>,
    /// The repository that answers in its place.
    pub redirect: Option<String>,
    /// Whether requests for it are turned away.
    pub disabled: bool,
}
