//! What a cache is written from: one plain value that every input fills.
//!
//! Importers (MirrorManager's protobuf, routing table, GeoIP, CSV) put their facts in here; only the writer knows how
//! the file lays them out. Host, placement, roster and set numbers are positions in the tables of this value.

use crate::{Families, Only, place::Place, scheme::Scheme};
use indexmap::{IndexMap, IndexSet};
use ipnetwork::IpNetwork;
use std::collections::{BTreeMap, BTreeSet};
use wire::code::{Continent, Country};

/// Everything that a cache answers from.
#[derive(Debug, Default)]
pub struct Inventory {
    /// When the source says it was made, in seconds since the epoch.
    pub source_time: u64,
    /// The files that all this was read from.
    pub sources: Vec<Source>,
    /// Mirror machines, by their id in the source.
    pub hosts: IndexMap<i64, Host>,
    /// Host URLs, each once: two hosts with one URL share its position.
    pub urls: IndexSet<HostUrl>,
    /// Which host offers a tree under which URLs; many directories share one.
    pub placements: IndexSet<Placement>,
    /// Which hosts carry directories: a roster for each category, or whatever has much the same hosts.
    pub rosters: Vec<Roster>,
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
    /// Of the hosts of [`Inventory::netblocks`] those that are the only ones for clients there.
    pub exclusive_netblocks: BTreeMap<IpNetwork, BTreeSet<u32>>,
    /// Of the hosts of [`Inventory::asn_hosts`] those that are the only ones for clients there.
    pub exclusive_asns: BTreeMap<u32, BTreeSet<u32>>,
    /// What the site wants of the choice among hosts.
    pub choice: Choice,
    /// What the site says itself.
    pub site: Site,
}

/// What a site says of its answers, beside what its sources say. Paths are without slashes at either end.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Site {
    /// A file of one version that is younger than so many seconds is on no mirror yet; 0: it is as any other.
    pub young: u32,
    /// The URL under which the world reaches the service, without slashes at its end.
    pub public_url: Option<String>,
    /// The URLs, https or http and without slashes at their ends, where the originals of trees are; the empty path is
    /// everything.
    pub origins: BTreeMap<String, String>,
    /// Patterns of paths for which the origin alone answers; see [`glob`](crate::glob).
    pub origin_only: Vec<String>,
    /// Other names of paths and of all below them, and the paths that are meant.
    pub aliases: BTreeMap<String, String>,
}

/// What a site wants of the choice among hosts.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Choice {
    /// How many hosts nearer tiers and the ring around the client's country are to have together; 0: no rings.
    pub near_hosts: u32,
    /// What the rings around a country are in place of distances.
    pub neighbours: BTreeMap<Country, Neighbours>,
    /// Countries whose hosts are kept from the clients of a country.
    pub avoid: BTreeMap<Country, BTreeSet<Country>>,
}

/// The neighbours of a country, as a site sees them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Neighbours {
    /// If any are named, their hosts are all rings.
    pub named: BTreeSet<Country>,
    /// Their hosts are in no ring.
    pub never: BTreeSet<Country>,
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
    /// Where it is, if that is known better than by its country.
    pub place: Option<Place>,
    /// By which versions of IP it is known to answer.
    pub families: Families,
    /// Which clients it is for, by where it is itself.
    pub only: Only,
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

/// Hosts that carry directories of one kind, and which of them carry which.
#[derive(Debug, Default)]
pub struct Roster {
    /// Every host that carries one of the directories. A host is here more than once if it does not offer all of them
    /// in the same way.
    pub carriers: IndexSet<Carrier>,
    /// Sets of them, as bits by position in [`Roster::carriers`], the first one's the lowest of the first word; without
    /// words of 0 at the end. Many directories share one.
    pub sets: IndexSet<Box<[u32]>>,
}

/// A host that carries a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Carrier {
    /// Position in [`Inventory::placements`].
    pub placement: u32,
    /// Whether everybody may be sent to it.
    pub public: bool,
    /// The countries that it stands for, ascending, each once.
    pub countries: Vec<Country>,
}

impl Roster {
    /// The position of the set of these carriers, of which each host is one.
    pub fn set_of(&mut self, carriers: impl IntoIterator<Item = Carrier>) -> u32 {
        let mut bits = Vec::new();
        for carrier in carriers {
            put(self.carriers.insert_full(carrier).0, &mut bits);
        }
        self.intern(&bits)
    }

    /// The position of the set with these bits. Words of 0 at their end do not count.
    pub fn intern(&mut self, bits: &[u32]) -> u32 {
        let end = bits.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        let bits = &bits[..end];
        let known = self.sets.get_index_of(bits);
        known.unwrap_or_else(|| self.sets.insert_full(bits.into()).0) as u32
    }

    /// The carriers of a set, in the order of [`Roster::carriers`].
    pub fn members(&self, set: u32) -> impl Iterator<Item = &Carrier> {
        let bits = self.sets.get_index(set as usize).map_or(&[][..], |bits| bits);
        let there = |at: usize| bits.get(at / 32).is_some_and(|word| word >> (at % 32) & 1 != 0);
        self.carriers.iter().enumerate().filter(move |(at, _)| there(*at)).map(|(_, carrier)| carrier)
    }
}

/// Sets the bit at a position.
pub fn put(position: usize, bits: &mut Vec<u32>) {
    if bits.len() <= position / 32 {
        bits.resize(position / 32 + 1, 0);
    }
    bits[position / 32] |= 1 << (position % 32);
}

/// Which set of hosts carries a directory: its roster, and its position there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SetPosition {
    /// Position in [`Inventory::rosters`].
    pub roster: u32,
    /// Position in [`Roster::sets`].
    pub set: u32,
}

/// A directory that mirrors carry.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Who carries it.
    pub carriers: SetPosition,
    /// What follows a host's URL to reach the directory, without slashes at either end; may be empty.
    pub subpath: String,
}

impl Inventory {
    /// The hosts that carry a directory; none where there is no such set.
    pub fn carriers(&self, directory: &Directory) -> impl Iterator<Item = &Carrier> {
        let SetPosition { roster, set } = directory.carriers;
        self.rosters.get(roster as usize).into_iter().flat_map(move |roster| roster.members(set))
    }
}

/// A file that facts were read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it was given as, such as `geoip`.
    pub name: String,
    /// How old what it says is, in seconds since the epoch; 0 when unknown.
    pub time: u64,
    /// Whether it says so itself; else it is when the file was last written.
    pub own_time: bool,
    /// Its length.
    pub bytes: u64,
    /// Seconds after which what it says is too old; 0 for never.
    pub max_age: u64,
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

/// The top directory of a path, for which host URLs stand: what it begins with when its subpath is the end of it.
pub fn top_of<'a>(path: &'a str, subpath: &str) -> Option<&'a str> {
    if subpath.is_empty() {
        return Some(path);
    }
    let top = path.strip_suffix(subpath)?;
    if top.is_empty() { Some("") } else { top.strip_suffix('/') }
}
