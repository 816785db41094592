//! The messages of MirrorManager2's mirrorlist cache (proto2), field for field.
//!
//! Strings are taken as bytes: one that is not UTF-8 is then one bad record and not the end of the file. Maps are
//! repeated messages with key 1 and value 2, as the format has them. Beside this crate, `mirrorlist.proto` says the same
//! for people and for other languages.

use prost::Message;

/// The whole cache.
#[derive(Clone, PartialEq, Message)]
pub struct MirrorList {
    /// When it was made, in seconds since the epoch.
    #[prost(uint64, optional, tag = "1")]
    pub time: Option<u64>,
    /// Prefix to country.
    #[prost(message, repeated, tag = "2")]
    pub netblock_country: Vec<StringString>,
    /// Location to hosts.
    #[prost(message, repeated, tag = "3")]
    pub location: Vec<StringInts>,
    /// URL id to URL.
    #[prost(message, repeated, tag = "4")]
    pub hcurl: Vec<IntString>,
    /// Directory to its files and their hashes.
    #[prost(message, repeated, tag = "5")]
    pub file_details: Vec<FileDetailsDirectory>,
    /// Repository prefix to whether it is disabled.
    #[prost(message, repeated, tag = "6")]
    pub disabled_repository: Vec<StringBool>,
    /// Country to the continent that replaces the CSV's.
    #[prost(message, repeated, tag = "7")]
    pub country_continent_redirect: Vec<StringString>,
    /// Repository to the one that answers for it.
    #[prost(message, repeated, tag = "8")]
    pub repository_redirect: Vec<StringString>,
    /// `repo+arch` to directory.
    #[prost(message, repeated, tag = "9")]
    pub repo_arch_to_directory: Vec<StringString>,
    /// AS number to hosts.
    #[prost(message, repeated, tag = "10")]
    pub host_asn: Vec<IntInts>,
    /// Host to its connection limit (not used by any client).
    #[prost(message, repeated, tag = "11")]
    pub host_max_connection: Vec<IntInt>,
    /// Host to country.
    #[prost(message, repeated, tag = "12")]
    pub host_country: Vec<IntString>,
    /// Host to bandwidth.
    #[prost(message, repeated, tag = "13")]
    pub host_bandwidth: Vec<IntInt>,
    /// Host to the countries it is for.
    #[prost(message, repeated, tag = "14")]
    pub host_country_allowed: Vec<IntStrings>,
    /// Prefix to hosts.
    #[prost(message, repeated, tag = "15")]
    pub host_netblock: Vec<StringInts>,
    /// Directory to the hosts that carry it.
    #[prost(message, repeated, tag = "16")]
    pub mirror_list: Vec<MirrorListDirectory>,
    /// Our own, for other readers to pass over: what is known of hosts beyond the tables above.
    #[prost(message, repeated, tag = "1000")]
    pub host: Vec<Host>,
    /// Our own: path of a tree to the URL where its originals are.
    #[prost(message, repeated, tag = "1001")]
    pub origin: Vec<StringString>,
    /// Our own: other name of a path to the path that is meant.
    #[prost(message, repeated, tag = "1002")]
    pub alias: Vec<StringString>,
}

/// A host. Not one of MirrorManager's messages: what its tables know of a host and its file has no field for.
#[derive(Clone, PartialEq, Message)]
pub struct Host {
    /// MirrorManager's number.
    #[prost(int64, optional, tag = "1")]
    pub id: Option<i64>,
    /// Its name, as its admins gave it.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub name: Option<Vec<u8>>,
    /// Degrees north.
    #[prost(double, optional, tag = "3")]
    pub latitude: Option<f64>,
    /// Degrees east.
    #[prost(double, optional, tag = "4")]
    pub longitude: Option<f64>,
    /// The versions of IP by which it answers, 4 and 6; none when that is not known.
    #[prost(uint32, repeated, packed = "false", tag = "5")]
    pub families: Vec<u32>,
    /// Prefixes, and `AS` with a number: the networks for whose clients it is the only mirror.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub exclusive: Vec<Vec<u8>>,
    /// `country` or `continent`: it is for clients of its own.
    #[prost(bytes = "vec", optional, tag = "7")]
    pub only: Option<Vec<u8>>,
    /// Its share in random order, in place of the bandwidth; at least 1.
    #[prost(uint32, optional, tag = "8")]
    pub weight: Option<u32>,
    /// Whether it carries whatever its categories have, without being looked at.
    #[prost(bool, optional, tag = "9")]
    pub up_to_date: Option<bool>,
}

/// A string by a string.
#[derive(Clone, PartialEq, Message)]
pub struct StringString {
    /// The key.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub key: Option<Vec<u8>>,
    /// The value.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub value: Option<Vec<u8>>,
}

/// Numbers by a string.
#[derive(Clone, PartialEq, Message)]
pub struct StringInts {
    /// The key.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub key: Option<Vec<u8>>,
    /// The values.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub value: Vec<i64>,
}

/// A flag by a string.
#[derive(Clone, PartialEq, Message)]
pub struct StringBool {
    /// The key.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub key: Option<Vec<u8>>,
    /// The value.
    #[prost(bool, optional, tag = "2")]
    pub value: Option<bool>,
}

/// A string by a number.
#[derive(Clone, PartialEq, Message)]
pub struct IntString {
    /// The key.
    #[prost(int64, optional, tag = "1")]
    pub key: Option<i64>,
    /// The value.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub value: Option<Vec<u8>>,
}

/// A number by a number.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct IntInt {
    /// The key.
    #[prost(int64, optional, tag = "1")]
    pub key: Option<i64>,
    /// The value.
    #[prost(int64, optional, tag = "2")]
    pub value: Option<i64>,
}

/// Numbers by a number.
#[derive(Clone, PartialEq, Message)]
pub struct IntInts {
    /// The key.
    #[prost(int64, optional, tag = "1")]
    pub key: Option<i64>,
    /// The values.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub value: Vec<i64>,
}

/// Strings by a number.
#[derive(Clone, PartialEq, Message)]
pub struct IntStrings {
    /// The key.
    #[prost(int64, optional, tag = "1")]
    pub key: Option<i64>,
    /// The values.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub value: Vec<Vec<u8>>,
}

/// The files of a directory whose hashes are known.
#[derive(Clone, PartialEq, Message)]
pub struct FileDetailsDirectory {
    /// The directory.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub directory: Option<Vec<u8>>,
    /// Its files.
    #[prost(message, repeated, tag = "2")]
    pub files: Vec<FileDetailsFile>,
}

/// One file and its versions.
#[derive(Clone, PartialEq, Message)]
pub struct FileDetailsFile {
    /// The file's name.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub filename: Option<Vec<u8>>,
    /// Its versions, the current one first.
    #[prost(message, repeated, tag = "2")]
    pub details: Vec<FileDetails>,
}

/// One version of a file; hashes in hex.
#[derive(Clone, PartialEq, Message)]
pub struct FileDetails {
    /// Modification time in seconds since the epoch.
    #[prost(uint64, optional, tag = "1")]
    pub timestamp: Option<u64>,
    /// Size in bytes.
    #[prost(uint64, optional, tag = "2")]
    pub size: Option<u64>,
    /// SHA-1.
    #[prost(bytes = "vec", optional, tag = "3")]
    pub sha1: Option<Vec<u8>>,
    /// MD5.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub md5: Option<Vec<u8>>,
    /// SHA-256.
    #[prost(bytes = "vec", optional, tag = "5")]
    pub sha256: Option<Vec<u8>>,
    /// SHA-512.
    #[prost(bytes = "vec", optional, tag = "6")]
    pub sha512: Option<Vec<u8>>,
}

/// A directory and the hosts that carry it.
#[derive(Clone, PartialEq, Message)]
pub struct MirrorListDirectory {
    /// The directory.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub directory: Option<Vec<u8>>,
    /// Its public hosts.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub global: Vec<i64>,
    /// What follows a host's URL.
    #[prost(bytes = "vec", optional, tag = "3")]
    pub subpath: Option<Vec<u8>>,
    /// Country to public hosts.
    #[prost(message, repeated, tag = "4")]
    pub by_country: Vec<StringInts>,
    /// Country to hosts on Internet2; retired upstream, read and ignored.
    #[prost(message, repeated, tag = "5")]
    pub by_country_internet2: Vec<StringInts>,
    /// Host to URL ids: who carries it.
    #[prost(message, repeated, tag = "6")]
    pub by_host_id: Vec<IntInts>,
    /// Retired upstream, read and ignored.
    #[prost(bool, optional, tag = "7")]
    pub ordered_mirror_list: Option<bool>,
}
