//! The writer: records one after the other, as they come.
//!
//! A protobuf message may be written piece by piece, each record of a table being a field of its own. The same records
//! in the same order make the same bytes, but for the time.

use crate::message::{
    FileDetailsDirectory, Host, IntInt, IntInts, IntString, IntStrings, MirrorListDirectory, StringBool,
    StringInts, StringString,
};
use prost::{
    Message,
    encoding::{self, WireType},
};
use std::{
    io::{self, Write},
    marker::PhantomData,
};

/// A table of the file: the number of its field, and what its records are.
pub struct Table<M>(u32, PhantomData<M>);

impl<M> Table<M> {
    const fn new(field: u32) -> Table<M> {
        Table(field, PhantomData)
    }
}

/// Prefix to country.
pub const NETBLOCK_COUNTRY: Table<StringString> = Table::new(2);
/// Name of a place to hosts.
pub const LOCATION: Table<StringInts> = Table::new(3);
/// URL id to URL.
pub const URL: Table<IntString> = Table::new(4);
/// Directory to its files and their hashes.
pub const FILE_DETAILS: Table<FileDetailsDirectory> = Table::new(5);
/// Repository prefix to whether it is disabled.
pub const DISABLED_REPOSITORY: Table<StringBool> = Table::new(6);
/// Country to the continent that it is to count to.
pub const CONTINENT_REDIRECT: Table<StringString> = Table::new(7);
/// Repository to the one that answers for it.
pub const REPOSITORY_REDIRECT: Table<StringString> = Table::new(8);
/// `repo+arch` to directory.
pub const REPO_ARCH: Table<StringString> = Table::new(9);
/// AS number to hosts.
pub const HOST_ASN: Table<IntInts> = Table::new(10);
/// Host to its connection limit.
pub const HOST_MAX_CONNECTION: Table<IntInt> = Table::new(11);
/// Host to country.
pub const HOST_COUNTRY: Table<IntString> = Table::new(12);
/// Host to bandwidth.
pub const HOST_BANDWIDTH: Table<IntInt> = Table::new(13);
/// Host to the countries it is for.
pub const HOST_COUNTRY_ALLOWED: Table<IntStrings> = Table::new(14);
/// Prefix to hosts.
pub const HOST_NETBLOCK: Table<StringInts> = Table::new(15);
/// Directory to the hosts that carry it.
pub const MIRROR_LIST: Table<MirrorListDirectory> = Table::new(16);
/// What is known of a host beyond MirrorManager's tables.
pub const HOST: Table<Host> = Table::new(1000);
/// Path of a tree to the URL where its originals are.
pub const ORIGIN: Table<StringString> = Table::new(1001);
/// Other name of a path to the path that is meant.
pub const ALIAS: Table<StringString> = Table::new(1002);

/// Writes one file to `out`, which should be buffered.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    record: Vec<u8>,
    bytes: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a file of data made at `time`, in seconds since the epoch.
    pub fn new(out: W, time: u64) -> io::Result<Writer<W>> {
        let mut writer = Writer { out, record: Vec::new(), bytes: 0 };
        encoding::uint64::encode(1, &time, &mut writer.record);
        writer.flush_record()?;
        Ok(writer)
    }

    /// Adds a record to a table.
    pub fn add<M: Message>(&mut self, table: &Table<M>, record: &M) -> io::Result<()> {
        encoding::encode_key(table.0, WireType::LengthDelimited, &mut self.record);
        // What a vector cannot hold ends the program before that.
        encoding::encode_varint(record.encoded_len() as u64, &mut self.record);
        record.encode_raw(&mut self.record);
        self.flush_record()
    }

    /// The number of bytes written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the file and gives back what it was written to, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn flush_record(&mut self) -> io::Result<()> {
        self.out.write_all(&self.record)?;
        self.bytes += self.record.len() as u64;
        self.record.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{FileDetails, FileDetailsFile, MirrorList};

    fn string_string(key: &str, value: &str) -> StringString {
        StringString { key: Some(key.into()), value: Some(value.into()) }
    }

    /// Something in every table that there is a writer for.
    fn sample() -> MirrorList {
        let details = FileDetails { timestamp: Some(1), size: Some(2), sha1: None, ..FileDetails::default() };
        let file = FileDetailsFile { filename: Some("f".into()), details: vec![details] };
        MirrorList {
            time: Some(7),
            netblock_country: vec![string_string("192.0.2.0/24", "NL")],
            location: vec![StringInts { key: Some("munich".into()), value: vec![1] }],
            hcurl: vec![IntString { key: Some(3), value: Some("https://a.example".into()) }],
            file_details: vec![FileDetailsDirectory { directory: Some("d".into()), files: vec![file] }],
            disabled_repository: vec![StringBool { key: Some("r".into()), value: Some(true) }],
            country_continent_redirect: vec![string_string("IL", "EU")],
            repository_redirect: vec![string_string("a", "b"), string_string("c", "d")],
            repo_arch_to_directory: vec![string_string("r+x86_64", "d")],
            host_asn: vec![IntInts { key: Some(64500), value: vec![1, 2] }],
            host_max_connection: vec![IntInt { key: Some(1), value: Some(0) }],
            host_country: vec![IntString { key: Some(1), value: Some("DE".into()) }],
            host_bandwidth: vec![IntInt { key: Some(1), value: Some(100) }],
            host_country_allowed: vec![IntStrings { key: Some(1), value: vec!["DE".into()] }],
            host_netblock: vec![StringInts { key: Some("192.0.2.0/24".into()), value: vec![1] }],
            mirror_list: vec![MirrorListDirectory {
                directory: Some("d".into()),
                global: vec![1],
                ..MirrorListDirectory::default()
            }],
            host: vec![Host {
                id: Some(1),
                name: Some("a".into()),
                latitude: Some(52.5),
                longitude: Some(-0.25),
                families: vec![4, 6],
                exclusive: vec!["192.0.2.0/24".into(), "AS64500".into()],
                only: Some("country".into()),
                weight: Some(7),
                up_to_date: Some(true),
            }],
            origin: vec![string_string("pub", "https://o.example/pub")],
            alias: vec![string_string("pub/latest", "pub/9")],
        }
    }

    /// Writes all records of a cache in the order of the tables.
    fn written(list: &MirrorList) -> Vec<u8> {
        fn all<M: Message>(writer: &mut Writer<Vec<u8>>, table: &Table<M>, records: &[M]) {
            records.iter().for_each(|record| writer.add(table, record).unwrap());
        }
        let mut writer = Writer::new(Vec::new(), list.time.unwrap()).unwrap();
        let to = &mut writer;
        all(to, &NETBLOCK_COUNTRY, &list.netblock_country);
        all(to, &LOCATION, &list.location);
        all(to, &URL, &list.hcurl);
        all(to, &FILE_DETAILS, &list.file_details);
        all(to, &DISABLED_REPOSITORY, &list.disabled_repository);
        all(to, &CONTINENT_REDIRECT, &list.country_continent_redirect);
        all(to, &REPOSITORY_REDIRECT, &list.repository_redirect);
        all(to, &REPO_ARCH, &list.repo_arch_to_directory);
        all(to, &HOST_ASN, &list.host_asn);
        all(to, &HOST_MAX_CONNECTION, &list.host_max_connection);
        all(to, &HOST_COUNTRY, &list.host_country);
        all(to, &HOST_BANDWIDTH, &list.host_bandwidth);
        all(to, &HOST_COUNTRY_ALLOWED, &list.host_country_allowed);
        all(to, &HOST_NETBLOCK, &list.host_netblock);
        all(to, &MIRROR_LIST, &list.mirror_list);
        all(to, &HOST, &list.host);
        all(to, &ORIGIN, &list.origin);
        all(to, &ALIAS, &list.alias);
        let bytes = writer.bytes();
        let written = writer.finish().unwrap();
        assert_eq!(bytes, written.len() as u64);
        written
    }

    #[test]
    fn records_one_by_one_make_the_bytes_of_the_whole() {
        let list = sample();
        assert_eq!(written(&list), list.encode_to_vec());
    }

    #[test]
    fn what_is_written_is_read_in_any_order_of_tables() {
        let list = sample();
        let mut writer = Writer::new(Vec::new(), 7).unwrap();
        writer.add(&HOST, &list.host[0]).unwrap();
        writer.add(&NETBLOCK_COUNTRY, &list.netblock_country[0]).unwrap();
        let read = MirrorList::decode(&writer.finish().unwrap()[..]).unwrap();
        assert_eq!(
            (read.time, read.host, read.netblock_country),
            (Some(7), list.host, list.netblock_country)
        );
    }

    #[test]
    fn other_readers_pass_over_our_own_fields() {
        /// What the others know, as far as it matters here.
        #[derive(Clone, PartialEq, Message)]
        struct Other {
            #[prost(uint64, optional, tag = "1")]
            time: Option<u64>,
            #[prost(message, repeated, tag = "16")]
            mirror_list: Vec<MirrorListDirectory>,
        }
        let list = sample();
        let other = Other::decode(&written(&list)[..]).unwrap();
        assert_eq!(other, Other { time: list.time, mirror_list: list.mirror_list });
    }
}
