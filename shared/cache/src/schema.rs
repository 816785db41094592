//! The layout of the cache file's payload: flat arrays, and numbers that point into them.
//!
//! Every array is one plain vector of numbers or of fixed rows, so that checking the archive costs next to nothing and
//! a page that nobody asks for is never touched. Only the writer and the views know these rows. What must hold between
//! them is written at each field and enforced by `check`; shared/README.md has it byte by byte, for readers in other
//! languages. A change here is a new [`FORMAT`]. What a later feature knows of hosts, URLs or directories is an array of
//! its own beside theirs, so that rows stay as they are.

use rkyv::{Archive, Serialize};

/// Version of this layout; a file of another one is refused.
pub const FORMAT: u32 = 4;
/// The number that stands for "none" wherever a row points to another.
pub const NONE: u32 = u32::MAX;
/// The country number that stands for "none".
pub const NO_COUNTRY: u16 = u16::MAX;
/// The category of a directory whose subpath is not the end of its path; see [`Schema::subpath_exceptions`].
pub const NO_CATEGORY: u8 = u8::MAX;
/// The continent number that stands for "none".
pub const NO_CONTINENT: u8 = u8::MAX;
/// The bit of [`SourceRow::flags`] that says that the time is the source's own, not that of its file.
pub const OWN_TIME: u32 = 1;
/// The bit of a roster's member that says that the host is public; the rest is its placement.
pub const PUBLIC: u32 = 1 << 31;
/// Rings around each country; see [`Schema::rings`].
pub const RINGS: usize = 3;
/// The bits that [`Schema::host_families`] may have: bit 0 IPv4, bit 1 IPv6.
pub const FAMILIES: u8 = 3;
/// The bit of [`Schema::host_flags`] that says that a host is only for clients of its country.
pub const ONLY_COUNTRY: u8 = 1;
/// The bit of [`Schema::host_flags`] that says that a host is only for clients of its continent.
pub const ONLY_CONTINENT: u8 = 2;
/// Every so many entries of [`RangesV6::start`] one is repeated in [`RangesV6::sample`].
pub const SAMPLE: usize = 64;

/// Words of a set of a roster with so many members: as many as their bits need, at least one.
pub const fn stride(members: usize) -> usize {
    if members == 0 { 1 } else { members.div_ceil(32) }
}

/// The whole payload.
#[derive(Archive, Serialize, Default)]
#[cfg_attr(not(feature = "write"), expect(dead_code, reason = "only its archived form is read"))]
pub struct Schema {
    /// When the source was made, in seconds since the epoch.
    pub source_time: u64,
    /// What the cache was made from.
    pub sources: Vec<SourceRow>,

    /// All strings, one after the other, UTF-8.
    pub text: Vec<u8>,
    /// Where string n begins in `text`; one more entry than strings, never falling, the last is `text`'s length.
    pub text_start: Vec<u32>,

    /// Country codes, ascending.
    pub countries: Vec<[u8; 2]>,
    /// The continent of country n, or [`NO_CONTINENT`].
    pub country_continent: Vec<u8>,
    /// Continent codes, ascending.
    pub continents: Vec<[u8; 2]>,

    /// Mirror machines.
    pub hosts: Vec<HostRow>,
    /// Countries that restricted hosts are for, by [`HostRow::allowed_start`].
    pub allowed: Vec<u16>,
    /// Host URLs.
    pub urls: Vec<UrlRow>,
    /// Hosts with the URLs of one tree, ascending by host.
    pub placements: Vec<PlacementRow>,
    /// URLs of placements, by [`PlacementRow::urls_start`].
    pub placement_urls: Vec<u32>,
    /// Where host n's placements begin in `placements`; one more entry than hosts.
    pub host_placements: Vec<u32>,

    /// Hosts that carry directories of one kind, such as a category; the last row only ends the one before it.
    pub rosters: Vec<RosterRow>,
    /// Members of rosters: a placement, with [`PUBLIC`]. In a roster: grouped by the first country that the host stands
    /// for, ascending, those of no country last. A host may occur several times, but in a set only once.
    pub members: Vec<u32>,
    /// The country groups of rosters.
    pub groups: Vec<GroupRow>,
    /// Further countries of members that stand for several.
    pub extras: Vec<ExtraRow>,
    /// Sets of hosts that carry a directory, roster by roster: for each [`stride`] words, the first member's bit the
    /// lowest of the first word. Bits that stand for no member are 0.
    pub bits: Vec<u32>,

    /// Path components and where they hang: first the directories, then paths that are only on the way to one (or named
    /// by a repository), then files.
    pub nodes: Vec<NodeRow>,
    /// The set of hosts that carry directory n, which is node n.
    pub directories: Vec<u32>,
    /// The category of directory n, or [`NO_CATEGORY`].
    pub directory_category: Vec<u8>,
    /// Top directories, whose host URLs stand for them: subpaths begin below.
    pub categories: Vec<CategoryRow>,
    /// Subpaths that are not the end of their directory's path, ascending by directory.
    pub subpath_exceptions: Vec<SubpathRow>,
    /// From a path to its node.
    pub paths: HashIndex,

    /// Where file n's versions begin in `versions`; one more entry than files. File n is node `nodes - files + n`.
    pub file_versions: Vec<u32>,
    /// Versions of files.
    pub versions: Vec<VersionRow>,
    /// Hashes of versions, one after the other, in the order md5, sha1, sha256, sha512.
    pub hashes: Vec<u8>,

    /// Repositories, ascending by name; the last row only ends the one before it.
    pub repositories: Vec<RepositoryRow>,
    /// From a repository's name to its row.
    pub repository_names: HashIndex,
    /// Architectures' names.
    pub archs: Vec<u32>,
    /// What repository and architecture name, ascending by both names.
    pub repo_archs: Vec<RepoArchRow>,

    /// Named locations, ascending by name; the last row only ends the one before it.
    pub locations: Vec<LocationRow>,
    /// Hosts of locations.
    pub location_hosts: Vec<u32>,
    /// Prefixes that hosts serve; the last row only ends the one before it.
    pub netblocks: Vec<NetblockRow>,
    /// Hosts of netblocks.
    pub netblock_hosts: Vec<u32>,
    /// Autonomous systems that hosts serve, ascending by number; the last row only ends the one before it.
    pub asns: Vec<AsnRow>,
    /// Hosts of autonomous systems.
    pub asn_hosts: Vec<u32>,

    /// Everything that makes a difference between clients' addresses. Class 0 knows nothing.
    pub classes: Vec<ClassRow>,
    /// From IPv4 addresses to classes.
    pub v4: RangesV4,
    /// From IPv6 addresses to classes.
    pub v6: RangesV6,

    /// What the site wants of its answers; one row.
    pub policy: Vec<PolicyRow>,
    /// Where the originals of trees are, ascending by path.
    pub origins: Vec<OriginRow>,
    /// Patterns of paths for which their origin alone answers; see `glob`.
    pub origin_only: Vec<u32>,
    /// Other names of paths, ascending by name.
    pub aliases: Vec<AliasRow>,

    /// How many hosts nearer tiers and the ring around a country are to have together: one number, or none.
    pub near_hosts: Vec<u32>,
    /// Hosts around countries: for each country [`RINGS`] sets of all hosts, the nearest first, each in as many words as
    /// all hosts need, the first host's bit the lowest of the first word. Empty unless there is `near_hosts`.
    pub rings: Vec<u32>,
    /// Where host n is; empty when that is known of none.
    pub host_place: Vec<PlaceRow>,
    /// By which versions of IP host n answers, as bits (see [`FAMILIES`]), 0 when unknown; empty when that is known of
    /// none.
    pub host_families: Vec<u8>,
    /// Whom host n is for: [`ONLY_COUNTRY`], [`ONLY_CONTINENT`] or 0; empty when all are for everyone.
    pub host_flags: Vec<u8>,
    /// Countries whose hosts are kept from clients of others, ascending.
    pub avoid: Vec<AvoidRow>,
    /// A bit for each of [`Schema::netblock_hosts`], the first the lowest of the first word: set if the host is the only
    /// one for the netblock. Empty when none is.
    pub netblock_exclusive: Vec<u32>,
    /// The same for [`Schema::asn_hosts`].
    pub asn_exclusive: Vec<u32>,
}

/// A file that the cache was made from.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct SourceRow {
    /// How old what it says is, in seconds since the epoch; 0 when unknown.
    pub time: u64,
    /// Its length.
    pub bytes: u64,
    /// Seconds after which what it says is too old; 0 for never.
    pub max_age: u64,
    /// What it was given as.
    pub name: u32,
    /// [`OWN_TIME`] or 0.
    pub flags: u32,
}

/// A mirror machine.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct HostRow {
    /// Its id in the source.
    pub id: i64,
    /// Its share in random order, at least 1.
    pub bandwidth: u32,
    /// Where the countries that it is for begin in [`Schema::allowed`]; [`NONE`]: it is for all.
    pub allowed_start: u32,
    /// How many countries it is for.
    pub allowed_len: u16,
    /// Its country, or [`NO_COUNTRY`].
    pub country: u16,
    /// Always 0.
    pub padding: u32,
}

/// A host URL.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct UrlRow {
    /// The URL without slashes at its end.
    pub text: u32,
    /// Number of its scheme.
    pub scheme: u8,
    /// Always 0.
    pub padding: [u8; 3],
}

/// A host with the URLs of one tree.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct PlacementRow {
    /// The host.
    pub host: u32,
    /// Where its URLs begin in [`Schema::placement_urls`]; they end where the next row's begin, or at the array's end.
    pub urls_start: u32,
    /// Schemes of these URLs, as bits.
    pub schemes: u8,
    /// Always 0.
    pub padding: [u8; 3],
}

/// Hosts that carry directories of one kind, and their sets: where its parts begin.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct RosterRow {
    /// In [`Schema::members`]; at most 65,535 of a roster.
    pub members: u32,
    /// In [`Schema::groups`].
    pub groups: u32,
    /// In [`Schema::extras`].
    pub extras: u32,
    /// The number of its first set. Sets are numbered through all rosters.
    pub sets: u32,
    /// In [`Schema::bits`].
    pub bits: u32,
}

/// Members of a roster that stand for one country.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct GroupRow {
    /// The country; ascending within a roster.
    pub country: u16,
    /// How many members the group has; they follow those of the group before. May be 0 where there are extras.
    pub len: u16,
}

/// A further country of a member.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct ExtraRow {
    /// The country; ascending within a roster.
    pub country: u16,
    /// The member's position in its roster.
    pub member: u16,
}

/// A path component and what it hangs on.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct NodeRow {
    /// The node that it is in, or [`NONE`] at the top.
    pub parent: u32,
    /// Its name.
    pub name: u32,
}

/// A top directory.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct CategoryRow {
    /// The path that host URLs stand for; empty when they stand for the root.
    pub top: u32,
}

/// The subpath of one directory.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct SubpathRow {
    /// The directory.
    pub directory: u32,
    /// The subpath.
    pub text: u32,
}

/// One version of a file.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct VersionRow {
    /// Modification time in seconds since the epoch, 0 when unknown.
    pub timestamp: u64,
    /// Size in bytes, 0 when unknown.
    pub size: u64,
    /// Where its hashes begin in [`Schema::hashes`].
    pub hashes: u32,
    /// Which hashes it has: bit 0 md5, bit 1 sha1, bit 2 sha256, bit 3 sha512.
    pub kinds: u8,
    /// Always 0.
    pub padding: [u8; 3],
}

/// A repository.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct RepositoryRow {
    /// Its name.
    pub name: u32,
    /// Where its architectures begin in [`Schema::repo_archs`].
    pub repo_archs: u32,
    /// The repository that answers in its place, or [`NONE`].
    pub redirect: u32,
    /// Bit 0: disabled.
    pub flags: u32,
}

/// The directory of a repository for an architecture.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct RepoArchRow {
    /// The architecture's position in [`Schema::archs`].
    pub arch: u32,
    /// The node of the directory, which need not be one that mirrors carry.
    pub directory: u32,
    /// The directory of its metadata, or [`NONE`] when no mirror carries it.
    pub repodata: u32,
    /// The node of `repomd.xml` there, or [`NONE`] when its hashes are not known.
    pub repomd: u32,
}

/// A named location.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct LocationRow {
    /// Its name.
    pub name: u32,
    /// Where its hosts begin in [`Schema::location_hosts`].
    pub hosts: u32,
}

/// A prefix that hosts serve.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct NetblockRow {
    /// The first address; IPv4 in the last four bytes.
    pub address: [u8; 16],
    /// Where its hosts begin in [`Schema::netblock_hosts`].
    pub hosts: u32,
    /// The next shorter prefix of these that contains it, or [`NONE`]; always an earlier row.
    pub parent: u32,
    /// Its length in bits.
    pub length: u8,
    /// 4 or 6.
    pub family: u8,
    /// Always 0.
    pub padding: u16,
}

/// An autonomous system that hosts serve.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct AsnRow {
    /// Its number.
    pub number: u32,
    /// Where its hosts begin in [`Schema::asn_hosts`].
    pub hosts: u32,
}

/// Everything that makes a difference between clients' addresses.
#[derive(Archive, Serialize, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClassRow {
    /// The autonomous system, if hosts serve it, or [`NONE`].
    pub asn: u32,
    /// The longest netblock, which knows the shorter ones, or [`NONE`].
    pub netblock: u32,
    /// The country, or [`NO_COUNTRY`].
    pub country: u16,
    /// Bit 0: the country is an operator's correction.
    pub flags: u16,
}

/// What a site wants of its answers.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct PolicyRow {
    /// A file of one version that is younger than so many seconds is on no mirror yet.
    pub young: u32,
    /// The URL under which the world reaches the service, without slashes at its end, or [`NONE`].
    pub public_url: u32,
}

/// Where the original of a tree is.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct OriginRow {
    /// The tree's path; empty for everything.
    pub top: u32,
    /// The URL that stands for it, https or http, without slashes at its end.
    pub url: u32,
}

/// Another name of a path.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct AliasRow {
    /// The name: a path, which stands for all below it too.
    pub name: u32,
    /// The path that is meant.
    pub path: u32,
}

/// Where a host is, in hundredths of a degree.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct PlaceRow {
    /// North of the equator; [`i16::MIN`] when the place is not known.
    pub latitude: i16,
    /// East of Greenwich.
    pub longitude: i16,
}

/// A country whose hosts are kept from the clients of another one.
#[derive(Archive, Serialize, Clone, Copy)]
pub struct AvoidRow {
    /// The clients' country.
    pub client: u16,
    /// The hosts' country.
    pub host: u16,
}

/// An open-addressing hash table from strings to numbers.
#[derive(Archive, Serialize, Default)]
pub struct HashIndex {
    /// Seven bits of each entry's hash with the top bit set; 0 where there is no entry.
    pub tags: Vec<u8>,
    /// The entries' numbers; as many as tags.
    pub slots: Vec<u32>,
}

/// Class numbers, as many as ranges: low halves, and high bytes unless all are 0.
#[derive(Archive, Serialize, Default)]
pub struct ClassNumbers {
    /// The low 16 bits.
    pub low: Vec<u16>,
    /// The bits above; empty when they are 0 for all.
    pub high: Vec<u8>,
}

/// Ranges of IPv4 addresses, in blocks that share their upper 16 bits.
#[derive(Archive, Serialize, Default)]
pub struct RangesV4 {
    /// Where block n begins in `start`; 65,537 entries. No block is empty.
    pub block: Vec<u32>,
    /// The lower 16 bits of each range's first address; ascending in a block, the first is 0.
    pub start: Vec<u16>,
    /// The class of each range.
    pub class: ClassNumbers,
}

/// Ranges of IPv6 addresses by their upper 64 bits, and finer ones for blocks that differ inside.
#[derive(Archive, Serialize, Default)]
pub struct RangesV6 {
    /// The upper 64 bits of each range's first address; ascending, the first is 0.
    pub start: Vec<u64>,
    /// The class of each range; the number after the last class: see `deep_block`.
    pub class: ClassNumbers,
    /// Every [`SAMPLE`]th of `start`.
    pub sample: Vec<u64>,
    /// Upper 64 bits within which classes differ, ascending.
    pub deep_block: Vec<u64>,
    /// Where deep block n begins in `deep_start`; one more entry than blocks.
    pub deep_index: Vec<u32>,
    /// The lower 64 bits of each range's first address; ascending in a block, the first is 0.
    pub deep_start: Vec<u64>,
    /// The class of each.
    pub deep_class: ClassNumbers,
}

#[cfg(test)]
mod tests;
