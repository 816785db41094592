//! Caches as people write them: a few lines of TOML instead of a protobuf, a routing table, a CSV and a GeoIP database.
//!
//! Everything is optional but hosts and directories. Host ids are given in the order of the hosts' names, from 1. A
//! directory is carried by every host unless it names some; a host stands in `ByCountry` for its `country` unless
//! `stands_for` names others, and in neither that nor `Global` if it is `private`.

use crate::world::{GeoipSource, World};
use cache::inventory::{Choice, Neighbours, Site};
use interchange::message::{
    self, FileDetails, FileDetailsDirectory, FileDetailsFile, IntInt, IntInts, IntString, IntStrings,
    MirrorList, MirrorListDirectory, StringBool, StringInts, StringString,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use wire::code::Country;

type ByName<T> = BTreeMap<String, T>;

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheToml {
    #[serde(default)]
    time: u64,
    hosts: ByName<Host>,
    directories: ByName<Directory>,
    /// `directory/file` to versions, the current one first.
    #[serde(default)]
    files: ByName<Vec<Version>>,
    /// `repo+arch` to directory.
    #[serde(default)]
    repositories: ByName<String>,
    /// Repository to the one that answers in its place.
    #[serde(default)]
    redirects: ByName<String>,
    #[serde(default)]
    disabled: ByName<bool>,
    /// Prefix to AS, or what else the table has in its place.
    #[serde(default)]
    routes: ByName<toml::Value>,
    /// Prefix to country, as a GeoIP database has it.
    #[serde(default)]
    geoip: ByName<String>,
    /// Prefix to country, as the cache corrects it.
    #[serde(default)]
    overrides: ByName<String>,
    /// Country to continent, as the CSV has it.
    #[serde(default)]
    continents: ByName<String>,
    /// Country to continent, as the cache corrects it.
    #[serde(default)]
    continent_redirects: ByName<String>,
    #[serde(default)]
    near_hosts: u32,
    /// As in the site file: countries, and with a dash those that never are.
    #[serde(default)]
    neighbours: ByName<Vec<String>>,
    #[serde(default)]
    avoid: ByName<Vec<String>>,
    /// As in the site file; `young` is in seconds.
    #[serde(default)]
    young: u32,
    public_url: Option<String>,
    /// Tree to URL.
    #[serde(default)]
    origins: ByName<String>,
    #[serde(default)]
    origin_only: Vec<String>,
    #[serde(default)]
    aliases: ByName<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    urls: Vec<String>,
    country: Option<String>,
    stands_for: Option<Vec<String>>,
    #[serde(default)]
    private: bool,
    bandwidth: Option<i64>,
    allowed: Option<Vec<String>>,
    #[serde(default)]
    asn: Vec<i64>,
    #[serde(default)]
    netblocks: Vec<String>,
    #[serde(default)]
    locations: Vec<String>,
    /// Degrees north and east.
    place: Option<[f64; 2]>,
    #[serde(default)]
    families: Vec<u32>,
    #[serde(default)]
    exclusive: Vec<String>,
    only: Option<String>,
    up_to_date: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Directory {
    hosts: Option<Vec<String>>,
    /// What follows a host's URL; the directory's path unless given.
    subpath: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Version {
    timestamp: Option<u64>,
    size: Option<u64>,
    md5: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
    sha512: Option<String>,
}

/// The inputs that a TOML text describes; panics with the reason when it describes none.
pub fn world(text: &str) -> World {
    let cache: CacheToml = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    let mut list = MirrorList { time: Some(cache.time), ..MirrorList::default() };
    let ids: ByName<i64> = cache.hosts.keys().cloned().zip(1..).collect();
    let urls = hosts(&cache, &ids, &mut list);
    list.mirror_list =
        cache.directories.iter().map(|(path, entry)| directory(&cache, &ids, &urls, path, entry)).collect();
    list.file_details = cache.files.iter().map(|(path, versions)| details(path, versions)).collect();
    list.repo_arch_to_directory = pairs(&cache.repositories);
    list.repository_redirect = pairs(&cache.redirects);
    list.netblock_country = pairs(&cache.overrides);
    list.country_continent_redirect = pairs(&cache.continent_redirects);
    list.disabled_repository =
        cache.disabled.iter().map(|(repo, yes)| StringBool { key: bytes(repo), value: Some(*yes) }).collect();
    World {
        list,
        routes: cache
            .routes
            .iter()
            .map(|(prefix, origin)| match origin {
                toml::Value::String(text) => format!("{prefix} {text}\n"),
                number => format!("{prefix} {number}\n"),
            })
            .collect(),
        continents: cache
            .continents
            .iter()
            .map(|(country, continent)| format!("{country},{continent}\n"))
            .collect(),
        choice: choice(&cache),
        site: site(&cache),
        geoip: GeoipSource::Prefixes(cache.geoip.into_iter().collect()),
    }
}

fn site(cache: &CacheToml) -> Site {
    Site {
        young: cache.young,
        public_url: cache.public_url.clone(),
        origins: cache.origins.clone(),
        origin_only: cache.origin_only.clone(),
        aliases: cache.aliases.clone(),
    }
}

fn choice(cache: &CacheToml) -> Choice {
    let code = |text: &str| Country::parse(text.as_bytes()).expect("a country");
    let mut choice = Choice { near_hosts: cache.near_hosts, ..Choice::default() };
    for (country, said) in &cache.neighbours {
        let mut neighbours = Neighbours::default();
        for text in said {
            match text.strip_prefix('-') {
                Some(never) => neighbours.never.insert(code(never)),
                None => neighbours.named.insert(code(text)),
            };
        }
        choice.neighbours.insert(code(country), neighbours);
    }
    for (country, avoided) in &cache.avoid {
        choice.avoid.insert(code(country), avoided.iter().map(|text| code(text)).collect());
    }
    choice
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

fn pairs(map: &ByName<String>) -> Vec<StringString> {
    map.iter().map(|(key, value)| StringString { key: bytes(key), value: bytes(value) }).collect()
}

/// Fills the tables about hosts; the URL ids of each host.
fn hosts(cache: &CacheToml, ids: &ByName<i64>, list: &mut MirrorList) -> BTreeMap<i64, Vec<i64>> {
    let mut urls = BTreeMap::new();
    let mut asns: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut netblocks: ByName<Vec<i64>> = BTreeMap::new();
    let mut locations: ByName<Vec<i64>> = BTreeMap::new();
    for (name, host) in &cache.hosts {
        let id = ids[name];
        for (number, url) in (id * 100..).zip(&host.urls) {
            list.hcurl.push(IntString { key: Some(number), value: bytes(url) });
            urls.entry(id).or_insert_with(Vec::new).push(number);
        }
        let known = host.place.is_some() || !host.families.is_empty() || !host.exclusive.is_empty();
        if known || host.only.is_some() || host.up_to_date.is_some() {
            list.host.push(message::Host {
                id: Some(id),
                latitude: host.place.map(|place| place[0]),
                longitude: host.place.map(|place| place[1]),
                families: host.families.clone(),
                exclusive: host.exclusive.iter().map(|network| network.clone().into_bytes()).collect(),
                only: host.only.as_deref().and_then(bytes),
                up_to_date: host.up_to_date,
                ..message::Host::default()
            });
        }
        if let Some(country) = &host.country {
            list.host_country.push(IntString { key: Some(id), value: bytes(country) });
        }
        if let Some(bandwidth) = host.bandwidth {
            list.host_bandwidth.push(IntInt { key: Some(id), value: Some(bandwidth) });
        }
        if let Some(allowed) = &host.allowed {
            let value = allowed.iter().map(|country| country.clone().into_bytes()).collect();
            list.host_country_allowed.push(IntStrings { key: Some(id), value });
        }
        host.asn.iter().for_each(|number| asns.entry(*number).or_default().push(id));
        host.netblocks.iter().for_each(|prefix| netblocks.entry(prefix.clone()).or_default().push(id));
        host.locations.iter().for_each(|location| locations.entry(location.clone()).or_default().push(id));
    }
    let by_name = |map: ByName<Vec<i64>>| -> Vec<StringInts> {
        map.into_iter().map(|(key, value)| StringInts { key: bytes(&key), value }).collect()
    };
    list.host_asn = asns.into_iter().map(|(number, value)| IntInts { key: Some(number), value }).collect();
    list.host_netblock = by_name(netblocks);
    list.location = by_name(locations);
    urls
}

fn directory(
    cache: &CacheToml,
    ids: &ByName<i64>,
    urls: &BTreeMap<i64, Vec<i64>>,
    path: &str,
    entry: &Directory,
) -> MirrorListDirectory {
    let every = || cache.hosts.keys().cloned().collect();
    let names: Vec<String> = entry.hosts.clone().unwrap_or_else(every);
    let mut countries: ByName<Vec<i64>> = BTreeMap::new();
    let mut directory = MirrorListDirectory {
        directory: bytes(path),
        subpath: bytes(entry.subpath.as_deref().unwrap_or(path)),
        ..MirrorListDirectory::default()
    };
    for name in &names {
        let (id, host) = (ids[name], &cache.hosts[name]);
        let value = urls.get(&id).cloned().unwrap_or_default();
        directory.by_host_id.push(IntInts { key: Some(id), value });
        if host.private {
            continue;
        }
        directory.global.push(id);
        let own = || host.country.iter().cloned().collect();
        for country in host.stands_for.clone().unwrap_or_else(own) {
            countries.entry(country).or_default().push(id);
        }
    }
    let by_country = countries.into_iter().map(|(key, value)| StringInts { key: bytes(&key), value });
    directory.by_country = by_country.collect();
    directory
}

fn details(path: &str, versions: &[Version]) -> FileDetailsDirectory {
    let (directory, name) = path.rsplit_once('/').expect("files are written as directory/file");
    let optional = |hex: &Option<String>| hex.as_deref().and_then(bytes);
    let details = versions.iter().map(|version| FileDetails {
        timestamp: version.timestamp,
        size: version.size,
        sha1: optional(&version.sha1),
        md5: optional(&version.md5),
        sha256: optional(&version.sha256),
        sha512: optional(&version.sha512),
    });
    let file = FileDetailsFile { filename: bytes(name), details: details.collect() };
    FileDetailsDirectory { directory: bytes(directory), files: vec![file] }
}
