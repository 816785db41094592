//! The tests' sample: a dozen invented mirrors and all that one needs to see the tiers at work.
//!
//! Names are of documentation domains (RFC 2606), addresses of TEST-NET-1 to -3 (RFC 5737) and `2001:db8::/32`
//! (RFC 3849), AS numbers of the documentation range (RFC 5398): no one real is meant.
//!
//! Clients to try: 192.0.2.10 is in Germany, in AS 64496; 192.0.2.200 on the campus in Munich that has a mirror of its
//! own;
//! 198.51.100.7 in the United States; 203.0.113.7 in Japan; 2001:db8:33::1 in France; 2001:db8:55::1 in Brazil.

use crate::{inputs, mmdb::Database};
use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, IntInt, IntInts, IntString, IntStrings, MirrorList,
    MirrorListDirectory, StringBool, StringInts, StringString,
};
use prost::Message as _;
use std::{fs, io, net::Ipv6Addr, path::Path};

/// One mirror of the sample.
struct Mirror {
    name: &'static str,
    country: &'static str,
    schemes: &'static [&'static str],
    bandwidth: i64,
    /// Whether it also has EPEL.
    epel: bool,
}

const fn mirror(
    name: &'static str,
    country: &'static str,
    schemes: &'static [&'static str],
    bandwidth: i64,
    epel: bool,
) -> Mirror {
    Mirror { name, country, schemes, bandwidth, epel }
}

const WEB: &[&str] = &["https", "http"];
const ALL: &[&str] = &["https", "http", "rsync"];

/// The mirrors; the position, from 1, is the host id.
const MIRRORS: [Mirror; 12] = [
    mirror("elbe.example.org", "DE", ALL, 10_000, true),
    mirror("isar.example.org", "DE", &["http", "ftp"], 1000, true),
    mirror("campus.example.net", "DE", WEB, 1000, true),
    mirror("loire.example.org", "FR", WEB, 2000, true),
    mirror("vltava.example.org", "CZ", ALL, 10_000, true),
    mirror("hudson.example.com", "US", ALL, 40_000, true),
    mirror("yukon.example.com", "CA", &["https"], 1000, false),
    mirror("amazonas.example.com", "BR", WEB, 1000, true),
    mirror("shinano.example.net", "JP", ALL, 10_000, true),
    mirror("mekong.example.net", "VN", &["http"], 100, false),
    mirror("murray.example.net", "AU", WEB, 1000, true),
    mirror("archive.example.net", "NL", &["rsync"], 0, true),
];

/// The campus mirror: private, for its own networks and Germany only.
const CAMPUS: i64 = 3;
/// The mirror in whose AS the German clients are.
const ELBE: i64 = 1;
/// A mirror that has not got the latest updates yet.
const STALE: i64 = 2;

const FEDORA: &str = "pub/fedora/linux";
const EPEL: &str = "pub/epel";

/// Repository, architecture, directory.
const REPOSITORIES: [(&str, &str, &str); 8] = [
    ("fedora-42", "x86_64", "pub/fedora/linux/releases/42/Everything/x86_64/os"),
    ("fedora-42", "aarch64", "pub/fedora/linux/releases/42/Everything/aarch64/os"),
    ("fedora-source-42", "source", "pub/fedora/linux/releases/42/Everything/source/tree"),
    ("updates-released-f42", "x86_64", "pub/fedora/linux/updates/42/Everything/x86_64"),
    ("updates-released-f42", "aarch64", "pub/fedora/linux/updates/42/Everything/aarch64"),
    ("rawhide", "x86_64", "pub/fedora/linux/development/rawhide/Everything/x86_64/os"),
    ("epel-10", "x86_64", "pub/epel/10/Everything/x86_64"),
    ("epel-10", "aarch64", "pub/epel/10/Everything/aarch64"),
];

/// Writes the sample into a folder, for [`inputs::compile`].
pub fn write(folder: &Path) -> io::Result<()> {
    fs::write(folder.join(inputs::MIRRORMANAGER), mirror_list().encode_to_vec())?;
    write_clients(folder)
}

/// Writes what is known of the sample's clients.
pub fn write_clients(folder: &Path) -> io::Result<()> {
    fs::write(folder.join(inputs::NETBLOCKS), netblocks())?;
    fs::write(folder.join(inputs::CONTINENTS), continents())?;
    fs::write(folder.join(inputs::GEOIP), geoip())
}

/// The sample as MirrorManager would write it.
pub fn mirror_list() -> MirrorList {
    let numbered = || (1..).zip(&MIRRORS);
    let pair = |key: &str, value: &str| StringString { key: Some(key.into()), value: Some(value.into()) };
    let hosts = |key: &str, value: &[i64]| StringInts { key: Some(key.into()), value: value.to_vec() };
    MirrorList {
        time: Some(crate::synthetic::SOURCE_TIME),
        netblock_country: vec![pair("203.0.113.128/25", "AU")],
        location: vec![hosts("munich", &[CAMPUS, STALE])],
        hcurl: numbered().flat_map(|(id, mirror)| urls(id, mirror)).collect(),
        file_details: REPOSITORIES
            .iter()
            .enumerate()
            .map(|(number, row)| details(number as u64, row.2))
            .collect(),
        disabled_repository: vec![StringBool { key: Some("fedora-30".into()), value: Some(true) }],
        country_continent_redirect: vec![],
        repository_redirect: vec![pair("fedora-rawhide", "rawhide"), pair("fedora-install-42", "fedora-42")],
        repo_arch_to_directory: REPOSITORIES
            .iter()
            .map(|(repo, arch, directory)| pair(&format!("{repo}+{arch}"), directory))
            .collect(),
        host_asn: vec![IntInts { key: Some(64496), value: vec![ELBE] }],
        host_max_connection: vec![],
        host_country: numbered()
            .map(|(id, mirror)| IntString { key: Some(id), value: Some(mirror.country.into()) })
            .collect(),
        host_bandwidth: numbered()
            .map(|(id, mirror)| IntInt { key: Some(id), value: Some(mirror.bandwidth) })
            .collect(),
        host_country_allowed: vec![IntStrings { key: Some(CAMPUS), value: vec!["DE".into()] }],
        host_netblock: vec![hosts("192.0.2.128/25", &[CAMPUS]), hosts("2001:db8:49::/48", &[CAMPUS])],
        mirror_list: directories(),
        ..MirrorList::default()
    }
}

/// The sample's routing table.
pub fn netblocks() -> &'static str {
    "192.0.2.0/24 64496\n198.51.100.0/24 64497\n203.0.113.0/24 64498\n2001:db8::/32 65536\n"
}

/// The sample's continents.
pub fn continents() -> &'static str {
    "AU,OC\nBR,SA\nCA,NA\nCZ,EU\nDE,EU\nFR,EU\nJP,AS\nNL,EU\nUS,NA\nVN,AS\n"
}

/// The sample's countries, as a MaxMind database.
pub fn geoip() -> Vec<u8> {
    let mut database = Database::default();
    for (start, country) in [([192, 0, 2, 0], "DE"), ([198, 51, 100, 0], "US"), ([203, 0, 113, 0], "JP")] {
        let record = database.record(Some(country), None);
        database.insert_v4(start.into(), 24, record);
    }
    for (third, country) in [(0x33, "FR"), (0x49, "DE"), (0x55, "BR"), (0x81, "JP")] {
        let record = database.record(Some(country), None);
        database.insert_v6(Ipv6Addr::new(0x2001, 0xdb8, third, 0, 0, 0, 0, 0), 48, record);
    }
    database.encode("Sample-Country")
}

/// The URL id of a host's scheme in a category.
fn url_id(host: i64, epel: bool, position: usize) -> i64 {
    host * 10 + if epel { 5 } else { 0 } + position as i64
}

fn urls(id: i64, mirror: &Mirror) -> Vec<IntString> {
    let mut urls = Vec::new();
    for (position, scheme) in mirror.schemes.iter().enumerate() {
        for (epel, folder) in [(false, "fedora/linux"), (true, "epel")] {
            let url = format!("{scheme}://{}/pub/{folder}", mirror.name);
            urls.push(IntString { key: Some(url_id(id, epel, position)), value: Some(url.into()) });
        }
    }
    urls
}

/// Every directory of the repositories, with its parents.
fn directories() -> Vec<MirrorListDirectory> {
    let mut paths: Vec<String> = REPOSITORIES
        .iter()
        .flat_map(|(_, _, top)| ["", "/repodata", "/Packages"].map(|below| format!("{top}{below}")))
        .collect();
    for top in [FEDORA, EPEL] {
        let below = |path: &String| path.starts_with(top) && path.len() > top.len();
        let parents = paths.iter().filter(|path| below(path)).flat_map(|path| {
            path.match_indices('/')
                .map(|(at, _)| path[..at].to_owned())
                .filter(|parent| parent.len() >= top.len())
        });
        let parents: Vec<String> = parents.collect();
        paths.extend(parents);
    }
    paths.sort();
    paths.dedup();
    paths.iter().map(|path| directory(path)).collect()
}

fn directory(path: &str) -> MirrorListDirectory {
    let epel = path.starts_with(EPEL);
    let stale = path.contains("/updates/") && path.ends_with("/repodata");
    let carriers =
        (1..).zip(&MIRRORS).filter(|(id, mirror)| (!epel || mirror.epel) && !(stale && *id == STALE));
    let carriers: Vec<(i64, &Mirror)> = carriers.collect();
    let public = || carriers.iter().filter(|(id, _)| *id != CAMPUS);
    let mut by_country: Vec<StringInts> = Vec::new();
    for (id, mirror) in public() {
        match by_country.iter_mut().find(|group| group.key.as_deref() == Some(mirror.country.as_bytes())) {
            Some(group) => group.value.push(*id),
            None => by_country.push(StringInts { key: Some(mirror.country.into()), value: vec![*id] }),
        }
    }
    let top = if epel { EPEL } else { FEDORA };
    MirrorListDirectory {
        directory: Some(path.into()),
        global: public().map(|(id, _)| *id).collect(),
        subpath: Some(path[top.len()..].trim_start_matches('/').into()),
        by_country,
        by_country_internet2: vec![],
        by_host_id: carriers
            .iter()
            .map(|(id, mirror)| {
                let urls = (0..mirror.schemes.len()).map(|position| url_id(*id, epel, position));
                IntInts { key: Some(*id), value: urls.collect() }
            })
            .collect(),
        ordered_mirror_list: None,
    }
}

/// Two versions of a `repomd.xml`; its hashes are of nothing.
fn details(number: u64, top: &str) -> FileDetailsDirectory {
    let version = |age: u64| {
        let hex = |digits: usize| {
            Some(format!("{:016x}", (number + 1) * age * 0x0123_4567_89ab).repeat(8)[..digits].into())
        };
        FileDetails {
            timestamp: Some(crate::synthetic::SOURCE_TIME - age),
            size: Some(3000 + number),
            sha1: hex(40),
            md5: hex(32),
            sha256: hex(64),
            sha512: hex(128),
        }
    };
    let files = vec![FileDetailsFile {
        filename: Some("repomd.xml".into()),
        details: vec![version(7_200), version(93_600)],
    }];
    FileDetailsDirectory { directory: Some(format!("{top}/repodata").into()), files }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cache::inventory::Inventory;
    use compiler::compile::{Skipped, continents as csv, geoip as mmdb, mirrormanager, routes};

    #[test]
    fn the_sample_compiles_without_skipping_anything() {
        let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
        csv::import(continents().as_bytes(), &mut inventory, &mut skipped).unwrap();
        mirrormanager::import(&mirror_list().encode_to_vec(), &mut inventory, &mut skipped).unwrap();
        routes::import(netblocks().as_bytes(), &mut inventory, &mut skipped).unwrap();
        mmdb::import(&geoip(), &mut inventory, &mut skipped).unwrap();
        assert_eq!(skipped.rows().map(|row| row.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
        assert_eq!(inventory.hosts.len(), MIRRORS.len());
        assert_eq!(inventory.files.len(), REPOSITORIES.len());
        for (_, _, top) in REPOSITORIES {
            assert!(
                inventory.directories.contains_key(top)
                    && inventory.directories.contains_key(&format!("{top}/repodata"))
            );
        }
        assert!(inventory.directories.contains_key(FEDORA) && !inventory.directories.contains_key("pub"));
        assert!(inventory.hosts.values().all(|host| host.country.is_some()));
    }
}
