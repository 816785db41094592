//! Asking a cache: typed numbers in, facts out.
//!
//! A view borrows the file's bytes and copies nothing. Its answers are bounds-checked: bytes that slipped through every
//! check give a wrong answer, never a read beyond the file or a panic. What belongs together by rows is hidden here;
//! callers see hosts, placements, sets.
//!
//! Every walk ends within the bounds of [`limits`](super::limits), for any bytes. [`View::find`] and [`View::repository_id`] pass 4,096
//! slots of a table and compare 64 strings, a path in 1,025 steps; a path is put together in as many; an address is in
//! 129 netblocks. All else takes a step, a binary search, or as many steps as its list may have members.

use super::{
    CacheError, check,
    file::FileHeader,
    limits::{MOST_COMPONENTS, MOST_EXTRAS, MOST_HOSTS, MOST_PATH, MOST_TEXT, MOST_URLS, MOST_VERSIONS},
    schema::{
        ArchivedExtraRow, ArchivedGroupRow, ArchivedHostRow, ArchivedRosterRow, ArchivedSchema, NO_CATEGORY,
        NO_CONTINENT, NO_COUNTRY, NONE, OWN_TIME, PUBLIC, stride,
    },
};
use crate::scheme::{Scheme, Schemes};
use rkyv::rend::u32_le;
use std::{cmp::Ordering, fmt, net::IpAddr, ops::Range};
use wire::code::{Continent, Country};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($number:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $number);
    )*};
}

ids! {
    /// A mirror machine; numbered from 0 by country, then id.
    HostId(u32);
    /// A host with the URLs of one tree.
    PlacementId(u32);
    /// A host URL.
    UrlId(u32);
    /// A country that the cache names anywhere; ascending by code.
    CountryId(u16);
    /// A continent; ascending by code.
    ContinentId(u8);
    /// A set of hosts that carry the same directories.
    SetId(u32);
    /// A directory that mirrors carry.
    DirectoryId(u32);
    /// A file whose hashes are known.
    FileId(u32);
    /// A repository; ascending by name.
    RepositoryId(u32);
    /// A repository for an architecture; ascending by both names.
    RepoArchId(u32);
    /// A named location.
    LocationId(u32);
    /// A prefix that hosts serve.
    NetblockId(u32);
    /// An autonomous system that hosts serve.
    AsnId(u32);
}

/// A cache to ask.
#[derive(Clone, Copy)]
pub struct View<'a> {
    schema: &'a ArchivedSchema,
    header: FileHeader,
}

/// A file that the cache was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// What it was given as, such as `geoip`.
    pub name: &'a str,
    /// How old what it says is, in seconds since the epoch, if that is known.
    pub time: Option<u64>,
    /// Whether it says so itself; else it is when the file was last written.
    pub own_time: bool,
    /// Its length.
    pub bytes: u64,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A directory that mirrors carry.
    Directory(DirectoryId),
    /// A file whose hashes are known.
    File(FileId),
}

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

/// A repository for an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepoArch {
    /// Its directory, unless no mirror carries it.
    pub directory: Option<DirectoryId>,
    /// The directory of its metadata, unless no mirror carries it.
    pub repodata: Option<DirectoryId>,
    /// Its `repomd.xml`, unless the hashes are not known.
    pub repomd: Option<FileId>,
}

/// A repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repository<'a> {
    /// Its name.
    pub name: &'a str,
    /// The repository that answers in its place.
    pub redirect: Option<RepositoryId>,
    /// Whether requests for it are turned away.
    pub disabled: bool,
}

/// A host that carries a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The host and its URLs.
    pub placement: PlacementId,
    /// Whether it is in the directory's `Global`.
    pub public: bool,
}

/// One version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'a> {
    /// Modification time in seconds since the epoch, 0 when unknown.
    pub timestamp: u64,
    /// Size in bytes, 0 when unknown.
    pub size: u64,
    /// Its hashes: md5, sha1, sha256, sha512; `None` where unknown.
    pub hashes: [Option<&'a [u8]>; 4],
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

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("header", &self.header).finish_non_exhaustive()
    }
}

impl<'a> View<'a> {
    /// A view of a whole cache file, after every check: header, length, checksum, archive, and that all numbers point
    /// where they may. Reads every byte once. `file` must be aligned to 16 bytes, as maps and
    /// [`CacheBytes`](super::CacheBytes) are.
    pub fn check(file: &'a [u8]) -> Result<View<'a>, CacheError> {
        let (header, payload) = FileHeader::decode(file)?;
        header.verify(payload)?;
        let view = View::access(file)?;
        check::meaning(view.schema)?;
        Ok(view)
    }

    /// A view of a file that was checked before. Still memory-safe for any bytes; reads only a few of them.
    pub fn access(file: &'a [u8]) -> Result<View<'a>, CacheError> {
        let (header, payload) = FileHeader::decode(file)?;
        let schema = rkyv::access::<ArchivedSchema, rkyv::rancor::Failure>(payload)
            .map_err(|_| CacheError::Archive)?;
        Ok(View { schema, header })
    }

    /// The file's header.
    pub fn header(&self) -> FileHeader {
        self.header
    }

    /// When the cache's source was made, in seconds since the epoch.
    pub fn source_time(&self) -> u64 {
        self.schema.source_time.to_native()
    }

    /// What the cache was made from, in the order in which it was read.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = Source<'a>> + 'a {
        let view = *self;
        self.schema.sources.iter().map(move |row| Source {
            name: view.text(row.name),
            time: Some(row.time.to_native()).filter(|time| *time > 0),
            own_time: row.flags.to_native() & OWN_TIME != 0,
            bytes: row.bytes.to_native(),
        })
    }

    pub(super) fn schema(&self) -> &'a ArchivedSchema {
        self.schema
    }

    // Clients

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
    /// most [`MOST_NETBLOCKS`](super::limits::MOST_NETBLOCKS), or of 256 where bytes that nobody checked have longer prefixes.
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

    // Hosts

    /// How many hosts there are; they are numbered from 0.
    pub fn host_count(&self) -> usize {
        self.schema.hosts.len()
    }

    fn host(&self, host: HostId) -> Option<&'a ArchivedHostRow> {
        self.schema.hosts.get(host.0 as usize)
    }

    /// A host's id in the source.
    pub fn host_source_id(&self, host: HostId) -> i64 {
        self.host(host).map_or(0, |row| row.id.to_native())
    }

    /// The host of this id in the source. Cost: looks at every host.
    pub fn host_id(&self, source_id: i64) -> Option<HostId> {
        let at = self.schema.hosts.iter().position(|row| row.id.to_native() == source_id)?;
        Some(HostId(at as u32))
    }

    /// A host's share in random order, at least 1.
    pub fn bandwidth(&self, host: HostId) -> u32 {
        self.host(host).map_or(1, |row| row.bandwidth.to_native())
    }

    /// The country that a host says it is in.
    pub fn host_country(&self, host: HostId) -> Option<CountryId> {
        self.host(host).and_then(|row| country(row.country.to_native()))
    }

    /// The countries that a host is for, `None` when it is for all.
    pub fn countries_allowed(
        &self,
        host: HostId,
    ) -> Option<impl ExactSizeIterator<Item = CountryId> + Clone + 'a> {
        let row = self.host(host)?;
        let start = some(row.allowed_start)? as usize;
        let end = start + usize::from(row.allowed_len.to_native()).min(self.country_count());
        let numbers = self.schema.allowed.get(start..end).unwrap_or_default();
        Some(numbers.iter().map(|number| CountryId(number.to_native())))
    }

    /// Whether a host is for clients of this country; one that is only for some is not for clients of an unknown one.
    /// Cost: a binary search.
    pub fn is_for(&self, host: HostId, client: Option<CountryId>) -> bool {
        let Some(row) = self.host(host) else { return true };
        let Some(start) = some(row.allowed_start) else { return true };
        let (start, length) = (start as usize, usize::from(row.allowed_len.to_native()));
        let allowed = self.schema.allowed.get(start..start + length).unwrap_or_default();
        client.is_some_and(|client| allowed.binary_search_by(|one| one.to_native().cmp(&client.0)).is_ok())
    }

    /// How many placements there are; they are numbered from 0, ascending by host.
    pub fn placement_count(&self) -> usize {
        self.schema.placements.len()
    }

    /// The host of a placement.
    pub fn placement_host(&self, placement: PlacementId) -> HostId {
        HostId(self.schema.placements.get(placement.0 as usize).map_or(0, |row| row.host.to_native()))
    }

    /// The schemes by which a placement is reached.
    pub fn placement_schemes(&self, placement: PlacementId) -> Schemes {
        self.schema
            .placements
            .get(placement.0 as usize)
            .map_or(Schemes::NONE, |row| Schemes::from_bits(row.schemes))
    }

    /// The placements of a host.
    pub fn host_placements(&self, host: HostId) -> Range<u32> {
        let at = host.0 as usize;
        match (self.schema.host_placements.get(at), self.schema.host_placements.get(at + 1)) {
            (Some(from), Some(to)) => {
                from.to_native()..to.to_native().min(self.schema.placements.len() as u32)
            }
            _ => 0..0,
        }
    }

    /// The URLs of a placement, in the order of the source; at most [`MOST_URLS`].
    pub fn placement_urls(&self, placement: PlacementId) -> impl ExactSizeIterator<Item = UrlId> + 'a {
        let rows = &self.schema.placements;
        let at = placement.0 as usize;
        let from = rows.get(at).map_or(0, |row| row.urls_start.to_native() as usize);
        let to = rows
            .get(at + 1)
            .map_or(self.schema.placement_urls.len(), |row| row.urls_start.to_native() as usize);
        let urls = self.schema.placement_urls.get(from..to.min(from.saturating_add(MOST_URLS)));
        urls.unwrap_or_default().iter().map(|url| UrlId(url.to_native()))
    }

    /// How many URLs there are; they are numbered from 0.
    pub fn url_count(&self) -> usize {
        self.schema.urls.len()
    }

    /// A URL and its scheme.
    pub fn url(&self, url: UrlId) -> Option<(Scheme, &'a str)> {
        let row = self.schema.urls.get(url.0 as usize)?;
        Some((Scheme::from_number(row.scheme)?, self.text(row.text)))
    }

    // Directories and files

    /// What a path is, if the cache knows it. `path` has single slashes between its components and none at its ends.
    pub fn find(&self, path: &[u8]) -> Option<Found> {
        let node = self.schema.paths.find(path, |node| self.is_path(node, path))?;
        if let Some(directory) = self.directory_of(node) {
            Some(Found::Directory(directory))
        } else {
            self.file_of(node).map(Found::File)
        }
    }

    fn is_path(&self, mut node: u32, path: &[u8]) -> bool {
        let mut rest = path;
        for _ in 0..MOST_COMPONENTS {
            let Some(row) = self.schema.nodes.get(node as usize) else { return false };
            let Some(before) = rest.strip_suffix(self.bytes(row.name)) else { return false };
            match some(row.parent) {
                None => return before.is_empty(),
                Some(parent) => node = parent,
            }
            let Some(before) = before.strip_suffix(b"/") else { return false };
            rest = before;
        }
        false
    }

    fn directory_of(&self, node: u32) -> Option<DirectoryId> {
        ((node as usize) < self.schema.directories.len()).then_some(DirectoryId(node))
    }

    fn file_of(&self, node: u32) -> Option<FileId> {
        (node as usize).checked_sub(self.first_file()?).map(|at| FileId(at as u32))
    }

    fn first_file(&self) -> Option<usize> {
        self.schema.nodes.len().checked_sub(self.schema.file_versions.len().checked_sub(1)?)
    }

    /// How many directories there are; they are numbered from 0.
    pub fn directory_count(&self) -> usize {
        self.schema.directories.len()
    }

    /// Appends a directory's path.
    pub fn directory_path(&self, directory: DirectoryId, out: &mut Vec<u8>) {
        self.node_path(directory.0, out);
    }

    /// Appends the path of a node, at most [`MOST_PATH`] bytes in at most [`MOST_COMPONENTS`] steps.
    fn node_path(&self, node: u32, out: &mut Vec<u8>) {
        let from = out.len();
        let mut at = Some(node);
        // From the end to the front: written reversed, then turned around as a whole.
        for _ in 0..MOST_COMPONENTS {
            let Some(row) = at.and_then(|at| self.schema.nodes.get(at as usize)) else { break };
            let name = self.bytes(row.name);
            if out.len() - from + 1 + name.len() > MOST_PATH {
                break;
            }
            if out.len() > from {
                out.push(b'/');
            }
            out.extend(name.iter().rev());
            at = some(row.parent);
        }
        out[from..].reverse();
    }

    /// Who carries a directory.
    pub fn carriers(&self, directory: DirectoryId) -> SetId {
        SetId(self.schema.directories.get(directory.0 as usize).map_or(NONE, |set| set.to_native()))
    }

    /// Appends what follows a host's URL to reach a directory; nothing for a top directory.
    pub fn subpath(&self, directory: DirectoryId, out: &mut Vec<u8>) {
        let Some(&category) = self.schema.directory_category.get(directory.0 as usize) else { return };
        if category == NO_CATEGORY {
            let rows = &self.schema.subpath_exceptions;
            if let Ok(at) = rows.binary_search_by(|row| row.directory.to_native().cmp(&directory.0)) {
                out.extend_from_slice(self.bytes(rows[at].text));
            }
            return;
        }
        let top =
            self.schema.categories.get(usize::from(category)).map_or(0, |row| self.bytes(row.top).len());
        let from = out.len();
        self.node_path(directory.0, out);
        let path_len = out.len() - from;
        // The top directory and the slash behind it.
        let cut = if top == 0 { 0 } else { (top + 1).min(path_len) };
        out.drain(from..from + cut);
    }

    /// A set of hosts. Cost: a binary search among the few rosters.
    pub fn set(&self, set: SetId) -> Set<'a> {
        let schema = self.schema;
        // The row that ends the last roster is not one.
        let behind = schema.rosters.partition_point(|row| row.sets.to_native() <= set.0);
        let (Some(at), Some(next)) = (behind.checked_sub(1), schema.rosters.get(behind)) else {
            return Set::default();
        };
        let row = &schema.rosters[at];
        let number = set.0.saturating_sub(row.sets.to_native()) as usize;
        let range = |start: fn(&ArchivedRosterRow) -> u32_le| {
            start(row).to_native() as usize..start(next).to_native() as usize
        };
        let members = part(&schema.members, range(|row| row.members), MOST_HOSTS);
        let stride = stride(members.len());
        let bits = row.bits.to_native() as usize + number * stride;
        Set {
            members,
            groups: part(&schema.groups, range(|row| row.groups), self.country_count()),
            extras: part(&schema.extras, range(|row| row.extras), MOST_EXTRAS),
            bits: schema.bits.get(bits..bits.saturating_add(stride)).unwrap_or_default(),
        }
    }

    /// How many sets there are; they are numbered from 0.
    pub fn set_count(&self) -> usize {
        self.schema.rosters.last().map_or(0, |end| end.sets.to_native() as usize)
    }

    /// How many files there are whose hashes are known; they are numbered from 0.
    pub fn file_count(&self) -> usize {
        self.schema.file_versions.len().saturating_sub(1)
    }

    /// A file's directory and name.
    pub fn file(&self, file: FileId) -> Option<(DirectoryId, &'a str)> {
        let row = self.schema.nodes.get(self.first_file()? + file.0 as usize)?;
        Some((self.directory_of(some(row.parent)?)?, self.text(row.name)))
    }

    /// The versions of a file, the current one first; at least one in a valid cache, at most [`MOST_VERSIONS`].
    pub fn versions(&self, file: FileId) -> impl ExactSizeIterator<Item = Version<'a>> + Clone + 'a {
        let starts = &self.schema.file_versions;
        let at = file.0 as usize;
        let range = match (starts.get(at), starts.get(at + 1)) {
            (Some(from), Some(to)) => from.to_native() as usize..to.to_native() as usize,
            _ => 0..0,
        };
        let hashes = &self.schema.hashes;
        part(&self.schema.versions, range, MOST_VERSIONS).iter().map(move |row| {
            let mut at = row.hashes.to_native() as usize;
            let mut bit = 1;
            let hashes = [16, 20, 32, 64].map(|length| {
                let there = row.kinds & bit != 0;
                bit <<= 1;
                let hash = there.then(|| hashes.get(at..at + length)).flatten();
                at += if there { length } else { 0 };
                hash
            });
            Version { timestamp: row.timestamp.to_native(), size: row.size.to_native(), hashes }
        })
    }

    // Repositories

    /// A repository by its name.
    pub fn repository_id(&self, name: &[u8]) -> Option<RepositoryId> {
        let is = |at: u32| {
            self.schema.repositories.get(at as usize).is_some_and(|row| self.bytes(row.name) == name)
        };
        self.schema.repository_names.find(name, is).map(RepositoryId)
    }

    /// A repository.
    pub fn repository(&self, repository: RepositoryId) -> Option<Repository<'a>> {
        let row = self.schema.repositories.get(repository.0 as usize)?;
        Some(Repository {
            name: self.text(row.name),
            redirect: some(row.redirect).map(RepositoryId),
            disabled: row.flags.to_native() & 1 != 0,
        })
    }

    /// How many repositories there are; they are numbered from 0, ascending by name.
    pub fn repository_count(&self) -> usize {
        self.schema.repositories.len().saturating_sub(1)
    }

    /// What a repository has, ascending by architecture.
    pub fn repo_archs(
        &self,
        repository: RepositoryId,
    ) -> impl ExactSizeIterator<Item = RepoArchId> + Clone + 'a {
        self.repo_arch_range(repository).map(RepoArchId)
    }

    fn repo_arch_range(&self, repository: RepositoryId) -> Range<u32> {
        let range = span(&self.schema.repositories, repository.0, |row| row.repo_archs);
        range.start as u32..range.end.min(self.repo_arch_count()) as u32
    }

    /// How many pairs of repository and architecture there are; they are numbered from 0, ascending by both names.
    pub fn repo_arch_count(&self) -> usize {
        self.schema.repo_archs.len()
    }

    /// The repository of such a pair. Cost: a binary search.
    pub fn repository_of(&self, repo_arch: RepoArchId) -> RepositoryId {
        let rows = &self.schema.repositories;
        RepositoryId(
            rows.partition_point(|row| row.repo_archs.to_native() <= repo_arch.0).saturating_sub(1) as u32
        )
    }

    /// The first pair whose repository's name is not below `name`; may be [`View::repo_arch_count`].
    pub fn first_repo_arch_from(&self, name: &[u8]) -> RepoArchId {
        let count = self.repository_count();
        let rows = self.schema.repositories.get(..count).unwrap_or_default();
        let at = rows.partition_point(|row| self.bytes(row.name) < name);
        RepoArchId(self.schema.repositories.get(at).map_or(0, |row| row.repo_archs.to_native()))
    }

    /// The architecture of such a pair.
    pub fn arch_of(&self, repo_arch: RepoArchId) -> &'a str {
        let row = self.schema.repo_archs.get(repo_arch.0 as usize);
        let arch = row.and_then(|row| self.schema.archs.get(row.arch.to_native() as usize));
        arch.map_or("", |name| self.text(*name))
    }

    /// What a repository has for an architecture. Cost: a binary search.
    pub fn repo_arch_id(&self, repository: RepositoryId, arch: &[u8]) -> Option<RepoArchId> {
        let Range { mut start, mut end } = self.repo_arch_range(repository);
        while start < end {
            let middle = start + (end - start) / 2;
            match self.arch_of(RepoArchId(middle)).as_bytes().cmp(arch) {
                Ordering::Less => start = middle + 1,
                Ordering::Equal => return Some(RepoArchId(middle)),
                Ordering::Greater => end = middle,
            }
        }
        None
    }

    /// What is known of a repository for an architecture.
    pub fn repo_arch(&self, repo_arch: RepoArchId) -> Option<RepoArch> {
        let row = self.schema.repo_archs.get(repo_arch.0 as usize)?;
        Some(RepoArch {
            directory: self.directory_of(row.directory.to_native()),
            repodata: self.directory_of(row.repodata.to_native()),
            repomd: some(row.repomd).and_then(|node| self.file_of(node)),
        })
    }

    pub(super) fn text(&self, string: u32_le) -> &'a str {
        std::str::from_utf8(self.bytes(string)).unwrap_or_default()
    }

    pub(super) fn bytes(&self, string: u32_le) -> &'a [u8] {
        let at = string.to_native() as usize;
        let starts = &self.schema.text_start;
        let (Some(from), Some(to)) = (starts.get(at), starts.get(at.wrapping_add(1))) else { return b"" };
        part(&self.schema.text, from.to_native() as usize..to.to_native() as usize, MOST_TEXT)
    }
}

/// The hosts that carry a directory.
///
/// Members are known by their position in the roster of all hosts that carry directories of its kind: the same host
/// with the same URLs has the same one in all sets of a roster. Positions ascend by country.
#[derive(Clone, Copy, Default)]
pub struct Set<'a> {
    members: &'a [u32_le],
    groups: &'a [ArchivedGroupRow],
    extras: &'a [ArchivedExtraRow],
    bits: &'a [u32_le],
}

impl<'a> Set<'a> {
    /// How many hosts there are. Cost: counts them.
    pub fn len(&self) -> usize {
        self.positions(0..self.members.len()).count()
    }

    /// Whether nobody carries it.
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| word.to_native() == 0)
    }

    /// One more than the highest position that a member may have; at most [`MOST_HOSTS`].
    pub fn width(&self) -> usize {
        self.members.len()
    }

    /// Whether every member is known to be one of `other`: false, too, where the rosters differ.
    pub fn is_within(&self, other: &Set<'_>) -> bool {
        std::ptr::eq(self.members, other.members)
            && self.bits.len() <= other.bits.len()
            && self.bits.iter().zip(other.bits).all(|(own, more)| own.to_native() & !more.to_native() == 0)
    }

    /// Whether the host at this position is a member.
    #[inline]
    pub fn contains(&self, position: usize) -> bool {
        self.bits.get(position / 32).is_some_and(|word| word.to_native() >> (position % 32) & 1 != 0)
    }

    /// The host at a position, which is one of its members if a look-up of this set has told it.
    #[inline]
    pub fn get(&self, position: usize) -> Option<Member> {
        self.members.get(position).map(|member| {
            let member = member.to_native();
            Member { placement: PlacementId(member & !PUBLIC), public: member & PUBLIC != 0 }
        })
    }

    /// All members and their positions, ascending.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (usize, Member)> + 'a {
        let set = *self;
        self.positions(0..self.members.len()).filter_map(move |at| set.get(at).map(|member| (at, member)))
    }

    /// The countries that members may stand for, ascending by code, each with the range of positions in which those
    /// members are whose first country it is; see [`Set::positions`]. Members with further countries: see
    /// [`Set::extras`].
    #[inline]
    pub fn countries(&self) -> impl Iterator<Item = (CountryId, Range<usize>)> + 'a {
        let limit = self.members.len();
        self.groups.iter().scan(0, move |start, group| {
            let from = *start;
            *start = (from + usize::from(group.len.to_native())).min(limit);
            Some((CountryId(group.country.to_native()), from..*start))
        })
    }

    /// Further countries of members: country and position, ascending.
    #[inline]
    pub fn extras(&self) -> impl Iterator<Item = (CountryId, usize)> + 'a {
        let set = *self;
        let extras = self
            .extras
            .iter()
            .map(|extra| (CountryId(extra.country.to_native()), usize::from(extra.member.to_native())));
        extras.filter(move |(_, position)| set.contains(*position))
    }

    /// The positions of the members that are in a range of them.
    #[inline]
    pub fn positions(&self, range: Range<usize>) -> Positions<'a> {
        let word = range.start / 32;
        let first = self.bits.get(word).map_or(0, |bits| bits.to_native());
        Positions { bits: self.bits, word, left: first & (u32::MAX << (range.start % 32)), end: range.end }
    }
}

/// The positions of some members of a set, ascending.
#[derive(Clone)]
pub struct Positions<'a> {
    bits: &'a [u32_le],
    word: usize,
    /// Bits of this word that are still to come.
    left: u32,
    end: usize,
}

impl Iterator for Positions<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            self.word += 1;
            if self.word * 32 >= self.end {
                return None;
            }
            self.left = self.bits.get(self.word)?.to_native();
        }
        let position = self.word * 32 + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        (position < self.end).then_some(position)
    }
}

fn some(number: u32_le) -> Option<u32> {
    let number = number.to_native();
    (number != NONE).then_some(number)
}

fn country(number: u16) -> Option<CountryId> {
    (number != NO_COUNTRY).then_some(CountryId(number))
}

/// From where row `at` begins to where the next one does.
fn span<R>(rows: &[R], at: u32, start: impl Fn(&R) -> u32_le) -> Range<usize> {
    let at = at as usize;
    match (rows.get(at), at.checked_add(1).and_then(|next| rows.get(next))) {
        (Some(from), Some(to)) => start(from).to_native() as usize..start(to).to_native() as usize,
        _ => 0..0,
    }
}

/// The rows of a range, at most so many of them; none where there is no such range.
fn part<R>(rows: &[R], range: Range<usize>, most: usize) -> &[R] {
    rows.get(range.start..range.end.min(range.start.saturating_add(most))).unwrap_or_default()
}

fn hosts(numbers: &[u32_le], range: Range<usize>) -> impl ExactSizeIterator<Item = HostId> + '_ {
    part(numbers, range, MOST_HOSTS).iter().map(|number| HostId(number.to_native()))
}
