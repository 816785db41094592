//! A slow and obvious model of what the generator in production makes of a database, with what is corrected.
//!
//! It shares no code with the collector: loops over all rows of all tables, and maps in which nothing has an order.

use crate::world::{Host, World};
use interchange::message::{self, MirrorList};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

type Text = Vec<u8>;

/// One version of a file: time, size, hashes.
type Version = (u64, u64, [Option<Text>; 4]);

/// A directory: the rest of its path, public hosts, hosts by country, by country on Internet2, URLs by host.
#[derive(Debug, Default, PartialEq)]
pub struct Directory {
    subpath: Text,
    global: Vec<i64>,
    by_country: BTreeMap<Text, Vec<i64>>,
    by_country_internet2: BTreeMap<Text, Vec<i64>>,
    by_host: BTreeMap<i64, Vec<i64>>,
}

/// All tables, each without the order of its records.
#[derive(Debug, Default, PartialEq)]
pub struct Model {
    netblock_country: BTreeMap<Text, Text>,
    url: BTreeMap<i64, Text>,
    file_details: BTreeMap<Text, BTreeMap<Text, Vec<Version>>>,
    disabled: BTreeMap<Text, bool>,
    continent: BTreeMap<Text, Text>,
    redirect: BTreeMap<Text, Text>,
    repo_arch: BTreeMap<Text, Text>,
    asn: BTreeMap<i64, Vec<i64>>,
    max_connections: BTreeMap<i64, i64>,
    country: BTreeMap<i64, Text>,
    bandwidth: BTreeMap<i64, i64>,
    allowed: BTreeMap<i64, Vec<Text>>,
    netblock: BTreeMap<Text, Vec<i64>>,
    directories: BTreeMap<Text, Directory>,
    hosts: BTreeMap<i64, (Text, Option<(f64, f64)>)>,
}

impl Model {
    /// What is to come of a world.
    pub fn of(world: &World) -> Model {
        let mut model = Model::default();
        for host in world.hosts.iter().filter(|host| site(world, host).is_some()) {
            model.host(world, host);
        }
        for (_, directory) in &world.directories {
            model.directory(world, directory);
        }
        for (id, _, url, private) in &world.urls {
            if !private {
                model.url.insert((*id).into(), url.clone().into());
            }
        }
        for (_, asn, host) in &world.peers {
            let known =
                host.is_some_and(|id| world.hosts.iter().any(|host| host.id == id && host.site.is_some()));
            if *asn > 0 && known {
                model.asn.entry((*asn).into()).or_default().push(host.unwrap().into());
            }
        }
        for hosts in model.asn.values_mut().chain(model.netblock.values_mut()) {
            hosts.sort();
            hosts.dedup();
        }
        model.repositories(world);
        let filled = |text: &str| !text.trim().is_empty();
        for (_, from, to) in &world.redirects {
            if let Some(to) = to.as_ref().filter(|to| filled(from) && filled(to)) {
                model.redirect.insert(from.clone().into(), to.clone().into());
            }
        }
        for (table, rows) in [
            (&mut model.continent, &world.continents),
            (&mut model.netblock_country, &world.netblock_countries),
        ] {
            for (_, from, to) in rows.iter().filter(|(_, from, to)| filled(from) && filled(to)) {
                table.insert(from.clone().into(), to.clone().into());
            }
        }
        model
    }

    fn host(&mut self, world: &World, host: &Host) {
        let id = i64::from(host.id);
        if let Some(mbps) = host.bandwidth {
            self.bandwidth.insert(id, mbps.clamp(1, 10_000).into());
        }
        self.max_connections.insert(id, host.max_connections.into());
        if let Some(country) = country(&host.country) {
            self.country.insert(id, country.into());
        }
        if let Some(asn) = host.asn.filter(|asn| host.asn_clients && *asn > 0) {
            self.asn.entry(asn.into()).or_default().push(id);
        }
        let place = match (host.latitude, host.longitude) {
            (Some(north), Some(east)) if north.abs() <= 90.0 && east.abs() <= 180.0 => Some((north, east)),
            _ => None,
        };
        self.hosts.insert(id, (format!("host {id}").into(), place));
        if !is_active(world, host) {
            return;
        }
        for (_, text, of) in &world.netblocks {
            if let (Some(text), Some(of)) = (text, of)
                && *of == host.id
                && let Some(prefix) = prefix(text.trim())
            {
                self.netblock.entry(prefix.into()).or_default().push(id);
            }
        }
        for (_, code, of) in &world.allowed {
            if *of == Some(host.id) {
                let codes = self.allowed.entry(id).or_default();
                codes.extend(country(code).map(Text::from));
            }
        }
    }

    fn directory(&mut self, world: &World, name: &str) {
        let id = world.directories.iter().find(|(_, other)| other == name).unwrap().0;
        let mut versions: Vec<_> =
            world.details.iter().filter(|row| row.directory == id && !row.file.is_empty()).collect();
        // Newest first, unknown times last; of equals the row that came last.
        versions.sort_by_key(|row| {
            (std::cmp::Reverse(row.timestamp.filter(|time| *time >= 0)), std::cmp::Reverse(row.id))
        });
        for row in versions {
            let unsigned = |value: Option<i64>| value.unwrap_or(0).max(0) as u64;
            let hash =
                |hash: &Option<String>| hash.clone().filter(|hash| !hash.trim().is_empty()).map(Text::from);
            let version = (unsigned(row.timestamp), unsigned(row.size), row.hashes.each_ref().map(hash));
            let files = self.file_details.entry(name.into()).or_default();
            files.entry(row.file.clone().into()).or_default().push(version);
        }
        if let Some((category, subpath)) = category(world, id, name) {
            let directory = listed(world, category, id, subpath);
            self.directories.insert(name.into(), directory);
        }
    }

    fn repositories(&mut self, world: &World) {
        for row in &world.repositories {
            let (Some(_), Some(arch), Some(directory)) = (row.version, row.arch, row.directory) else {
                continue;
            };
            let Some(prefix) = row.prefix.clone().filter(|prefix| !prefix.is_empty()) else { continue };
            if row.disabled {
                self.disabled.insert(prefix.clone().into(), true);
            }
            let arch = &world.arches.iter().find(|(id, _)| *id == arch).unwrap().1;
            let directory = &world.directories.iter().find(|(id, _)| *id == directory).unwrap().1;
            self.repo_arch.insert(format!("{prefix}+{arch}").into(), directory.clone().into());
        }
    }
}

/// The category that a directory is listed in, and the rest of its path there.
fn category<'a>(world: &World, id: i32, name: &'a str) -> Option<(i32, &'a str)> {
    let mut best: Option<(usize, i32, &str)> = None;
    for (category, top) in &world.categories {
        let Some(top) = top else { continue };
        let top = &world.directories.iter().find(|(id, _)| id == top).unwrap().1;
        if !world.category_directories.contains(&(*category, id)) {
            continue;
        }
        let rest = if top.is_empty() {
            name
        } else if name == top {
            ""
        } else if name.starts_with(&format!("{top}/")) {
            &name[top.len() + 1..]
        } else {
            continue;
        };
        // Categories come by their numbers: the first of equal ones stays.
        if best.is_none_or(|(longest, ..)| top.len() > longest) {
            best = Some((top.len(), *category, rest));
        }
    }
    best.map(|(_, category, rest)| (category, rest))
}

fn listed(world: &World, category: i32, directory: i32, subpath: &str) -> Directory {
    let mut listed = Directory { subpath: subpath.into(), ..Directory::default() };
    for row in world.host_categories.iter().filter(|row| row.category == Some(category)) {
        let Some(host) = world.hosts.iter().find(|host| row.host == Some(host.id)) else { continue };
        let Some(private) = site(world, host).map(|site| site.private || host.private) else { continue };
        let has = world.host_category_dirs.contains(&(row.id, Some(directory), true));
        if !is_active(world, host) || !(row.always || has) {
            continue;
        }
        let urls: Vec<i64> = world
            .urls
            .iter()
            .filter(|(_, of, _, private)| *of == row.id && !private)
            .map(|(id, ..)| (*id).into())
            .collect();
        if urls.is_empty() {
            continue;
        }
        let id = i64::from(host.id);
        listed.by_host.insert(id, urls);
        let country = country(&host.country).map(Text::from);
        if let Some(country) =
            country.clone().filter(|_| host.internet2 && (!private || host.internet2_clients))
        {
            listed.by_country_internet2.entry(country).or_default().push(id);
        }
        if !private {
            listed.global.push(id);
            if let Some(country) = country {
                listed.by_country.entry(country).or_default().push(id);
            }
        }
    }
    listed
}

fn site<'a>(world: &'a World, host: &Host) -> Option<&'a crate::world::Site> {
    world.sites.iter().find(|site| host.site == Some(site.id))
}

fn is_active(world: &World, host: &Host) -> bool {
    site(world, host)
        .is_some_and(|site| site.user_active && site.admin_active && host.user_active && host.admin_active)
}

fn country(text: &str) -> Option<String> {
    let text = text.trim().to_uppercase();
    (text.len() == 2 && text.chars().all(|sign| sign.is_ascii_alphanumeric())).then_some(text)
}

/// A prefix in the words of the file. Names are not the model's to know.
fn prefix(text: &str) -> Option<String> {
    let (address, length) = match text.split_once('/') {
        None => {
            let address: IpAddr = text.parse().ok()?;
            (address, if address.is_ipv4() { 32 } else { 128 })
        }
        Some((address, length)) => {
            let address: IpAddr = address.parse().ok()?;
            let length = match length.parse::<u32>() {
                Ok(length) => length,
                Err(_) => {
                    let mask = u32::from(length.parse::<Ipv4Addr>().ok().filter(|_| address.is_ipv4())?);
                    (0..=32).find(|length| mask == (u64::from(u32::MAX) << (32 - length)) as u32)?
                }
            };
            (address, length)
        }
    };
    let possible = if address.is_ipv4() { 8..=32 } else { 16..=128 };
    possible.contains(&length).then(|| format!("{address}/{length}"))
}

/// A map of records, none of which may come twice.
fn map<K: Ord + std::fmt::Debug, V>(records: impl Iterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (key, value) in records {
        let name = format!("{key:?}");
        assert!(map.insert(key, value).is_none(), "{name} comes twice");
    }
    map
}

impl From<MirrorList> for Model {
    fn from(list: MirrorList) -> Model {
        let texts = |records: Vec<message::StringString>| {
            map(records.into_iter().map(|record| (record.key.unwrap(), record.value.unwrap())))
        };
        let by_text = |records: Vec<message::StringInts>| {
            map(records.into_iter().map(|record| (record.key.unwrap(), record.value)))
        };
        let by_number = |records: Vec<message::IntInts>| {
            map(records.into_iter().map(|record| (record.key.unwrap(), record.value)))
        };
        let numbers = |records: Vec<message::IntInt>| {
            map(records.into_iter().map(|record| (record.key.unwrap(), record.value.unwrap())))
        };
        let names = |records: Vec<message::IntString>| {
            map(records.into_iter().map(|record| (record.key.unwrap(), record.value.unwrap())))
        };
        assert_eq!(list.location, []);
        Model {
            netblock_country: texts(list.netblock_country),
            url: names(list.hcurl),
            file_details: map(list.file_details.into_iter().map(|record| {
                let version = |details: message::FileDetails| {
                    let hashes = [details.sha1, details.md5, details.sha256, details.sha512];
                    (details.timestamp.unwrap(), details.size.unwrap(), hashes)
                };
                let file = |file: message::FileDetailsFile| {
                    (file.filename.unwrap(), file.details.into_iter().map(version).collect())
                };
                (record.directory.unwrap(), map(record.files.into_iter().map(file)))
            })),
            disabled: map(list
                .disabled_repository
                .into_iter()
                .map(|row| (row.key.unwrap(), row.value.unwrap()))),
            continent: texts(list.country_continent_redirect),
            redirect: texts(list.repository_redirect),
            repo_arch: texts(list.repo_arch_to_directory),
            asn: by_number(list.host_asn),
            max_connections: numbers(list.host_max_connection),
            country: names(list.host_country),
            bandwidth: numbers(list.host_bandwidth),
            allowed: map(list.host_country_allowed.into_iter().map(|row| (row.key.unwrap(), row.value))),
            netblock: by_text(list.host_netblock),
            directories: map(list.mirror_list.into_iter().map(|record| {
                assert_eq!(record.ordered_mirror_list, None);
                let directory = Directory {
                    subpath: record.subpath.unwrap(),
                    global: record.global,
                    by_country: by_text(record.by_country),
                    by_country_internet2: by_text(record.by_country_internet2),
                    by_host: by_number(record.by_host_id),
                };
                (record.directory.unwrap(), directory)
            })),
            hosts: map(list
                .host
                .into_iter()
                .map(|host| (host.id.unwrap(), (host.name.unwrap(), host.latitude.zip(host.longitude))))),
        }
    }
}

impl Model {
    /// Whether any directory has a host.
    pub fn answers_anything(&self) -> bool {
        self.directories.values().any(|directory| !directory.by_host.is_empty())
    }
}
