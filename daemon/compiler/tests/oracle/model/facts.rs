//! What the inputs say, one plain table a question: SPEC.md, "Inputs".
//!
//! Everything is keyed by the name or id that the input uses. Whatever the spec says is skipped is left out here, so
//! that the rest of the model never meets it.

use super::{
    client::Client,
    prefix::{Prefix, PrefixTable},
};
use cache::inventory::{Choice, Site};
use interchange::message::{self, MirrorList};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// Host ids.
pub type Hosts = BTreeSet<i64>;

/// Everything that answers are made from.
#[derive(Debug)]
pub struct Facts {
    pub time: u64,
    pub overrides: PrefixTable<String>,
    pub locations: BTreeMap<String, Hosts>,
    pub files: BTreeMap<(String, String), Vec<Version>>,
    pub disabled: BTreeSet<String>,
    pub redirects: BTreeMap<String, String>,
    /// Repository to architecture to directory.
    pub repositories: BTreeMap<String, BTreeMap<String, String>>,
    pub as_hosts: BTreeMap<u32, Hosts>,
    pub host_country: BTreeMap<i64, String>,
    /// The names in the URLs that a host has for whatever directory, without ports.
    pub host_names: BTreeMap<i64, BTreeSet<String>>,
    pub allowed: BTreeMap<i64, BTreeSet<String>>,
    pub netblocks: Vec<(Prefix, Hosts)>,
    pub directories: BTreeMap<String, Directory>,
    pub continents: BTreeMap<String, String>,
    /// `None` where "a prefix whose AS cannot be read ... has no AS and hides wider ones".
    pub routes: PrefixTable<Option<u32>>,
    pub geoip: Geoip,
    /// Degrees north and east.
    pub places: BTreeMap<i64, (f64, f64)>,
    /// 4 and 6, of hosts of which anything is known.
    pub families: BTreeMap<i64, BTreeSet<u32>>,
    /// `country` or `continent`.
    pub only: BTreeMap<i64, String>,
    pub exclusive_netblocks: Vec<(Prefix, Hosts)>,
    pub exclusive_as: BTreeMap<u32, Hosts>,
    pub choice: Choice,
    pub site: Site,
}

/// A directory and who carries it.
#[derive(Debug)]
pub struct Directory {
    pub global: Hosts,
    pub by_country: BTreeMap<String, Hosts>,
    pub subpath: String,
    /// Hosts with at least one URL, and their URLs in the order of the cache.
    pub carriers: BTreeMap<i64, Vec<Url>>,
}

/// A host's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Lower case; one of `https`, `http`, `ftp`, `rsync`.
    pub scheme: &'static str,
    /// Scheme and host in their one spelling, the rest as the cache has it but for slashes at the end.
    pub text: String,
}

/// What is known of one version of a file.
#[derive(Clone, Debug, Default)]
pub struct Version {
    pub timestamp: u64,
    pub size: u64,
    /// Name and lower-case hex, in the order in which metalinks name them.
    pub hashes: Vec<(&'static str, String)>,
}

/// Where the countries of addresses come from.
pub enum Geoip {
    /// A MaxMind database.
    Database(maxminddb::Reader<Vec<u8>>),
    /// Prefixes of a test.
    Prefixes(PrefixTable<String>),
}

/// What the cache and the tables beside it hold, as they are on disk.
pub struct Inputs<'a> {
    pub list: &'a MirrorList,
    /// `PREFIX ASN` lines.
    pub routes: &'a str,
    /// `CC,CONTINENT` lines.
    pub continents: &'a str,
    pub geoip: Geoip,
    pub choice: &'a Choice,
    pub site: &'a Site,
}

impl Facts {
    /// Reads the inputs.
    pub fn read(inputs: Inputs<'_>) -> Facts {
        let Inputs { list, routes, continents, geoip, choice, site } = inputs;
        let urls: BTreeMap<i64, Url> =
            list.hcurl.iter().filter_map(|entry| Some((entry.key?, url(text(&entry.value)?)?))).collect();
        let directories: BTreeMap<String, Directory> = list
            .mirror_list
            .iter()
            .filter_map(|entry| Some((path(&entry.directory)?, directory(entry, &urls)?)))
            .collect();
        let mut facts = Facts {
            host_names: host_names(&directories),
            time: list.time.unwrap_or(0),
            overrides: list
                .netblock_country
                .iter()
                .filter_map(|entry| Some((prefix(&entry.key)?, code(&text(&entry.value)?)?)))
                .collect(),
            locations: list
                .location
                .iter()
                .filter_map(|entry| Some((text(&entry.key)?, entry.value.iter().copied().collect())))
                .collect(),
            files: files(list),
            disabled: disabled(list),
            redirects: list
                .repository_redirect
                .iter()
                .filter_map(|entry| Some((text(&entry.key)?, text(&entry.value)?)))
                .collect(),
            repositories: repositories(list),
            as_hosts: list
                .host_asn
                .iter()
                .filter_map(|entry| {
                    Some((u32::try_from(entry.key?).ok()?, entry.value.iter().copied().collect()))
                })
                .collect(),
            host_country: list
                .host_country
                .iter()
                .filter_map(|entry| Some((entry.key?, code(&text(&entry.value)?)?)))
                .collect(),
            allowed: list
                .host_country_allowed
                .iter()
                .filter_map(|entry| {
                    Some((entry.key?, entry.value.iter().filter_map(|v| code_of(v)).collect()))
                })
                .collect(),
            netblocks: netblocks(list),
            directories,
            continents: continent_of_each(list, continents),
            routes: routes_of(routes),
            geoip,
            places: BTreeMap::new(),
            families: BTreeMap::new(),
            only: BTreeMap::new(),
            exclusive_netblocks: Vec::new(),
            exclusive_as: BTreeMap::new(),
            choice: choice.clone(),
            site: site.clone(),
        };
        facts.read_hosts(list);
        facts
    }

    /// What is known of hosts in the field that is ours.
    fn read_hosts(&mut self, list: &MirrorList) {
        let named = list.mirror_list.iter().flat_map(|entry| &entry.by_host_id);
        let named: BTreeSet<i64> = named.filter_map(|host| host.key).collect();
        for host in &list.host {
            // A host that no directory names is none.
            let Some(id) = host.id.filter(|id| named.contains(id)) else { continue };
            if let (Some(north), Some(east)) = (host.latitude, host.longitude)
                && (-90.0..=90.0).contains(&north)
                && (-180.0..=180.0).contains(&east)
            {
                self.places.insert(id, (north, east));
            }
            let families: BTreeSet<u32> =
                host.families.iter().copied().filter(|family| [4, 6].contains(family)).collect();
            if !families.is_empty() {
                self.families.insert(id, families);
            }
            let only = text(&host.only).unwrap_or_default();
            if ["country", "continent"].contains(&&only[..]) {
                self.only.insert(id, only);
            }
            for network in &host.exclusive {
                let network = String::from_utf8(network.clone()).expect("worlds have texts");
                if let Some(number) = network.strip_prefix("AS") {
                    let number = number.parse().expect("worlds have numbers");
                    self.exclusive_as.entry(number).or_default().insert(id);
                    // "also registers the netblock or AS".
                    self.as_hosts.entry(number).or_default().insert(id);
                } else {
                    let prefix = Prefix::parse(&network).expect("worlds have prefixes");
                    for netblocks in [&mut self.exclusive_netblocks, &mut self.netblocks] {
                        match netblocks.iter_mut().find(|(known, _)| *known == prefix) {
                            Some((_, hosts)) => _ = hosts.insert(id),
                            None => netblocks.push((prefix, Hosts::from([id]))),
                        }
                    }
                }
            }
        }
        // Nor is an AS that none of them serves.
        self.as_hosts.retain(|_, hosts| hosts.iter().any(|host| named.contains(host)));
    }

    /// Whether a host is known not to answer by this version of IP.
    pub fn lacks(&self, host: i64, family: u32) -> bool {
        self.families.get(&host).is_some_and(|families| !families.contains(&family))
    }

    /// A host's own place, to a hundredth of a degree.
    pub fn own_place(&self, host: i64) -> Option<(f64, f64)> {
        let rounded = |degrees: f64| (degrees * 100.0).round() / 100.0;
        self.places.get(&host).map(|(north, east)| (rounded(*north), rounded(*east)))
    }

    /// How far a host's own place is from the client's country.
    pub fn km(&self, client: &Client, host: i64) -> Option<u32> {
        let from = country_point(client.country.as_ref()?)?;
        Some(distance(from, self.own_place(host)?).round() as u32)
    }

    /// "A host's place is its own coordinates, else its country's point."
    pub fn place(&self, host: i64) -> Option<(f64, f64)> {
        self.places.get(&host).copied().or_else(|| country_point(self.host_country.get(&host)?))
    }
}

/// The point of a country.
pub fn country_point(country: &str) -> Option<(f64, f64)> {
    let points = include_str!("../../../../../shared/cache/src/points.txt");
    points.lines().find_map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
        [code, north, east] if code == country => Some((north.parse().ok()?, east.parse().ok()?)),
        _ => None,
    })
}

/// Kilometres on a globe of 6,371 km.
pub fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    let vector = |(north, east): (f64, f64)| {
        let (north, east) = (north.to_radians(), east.to_radians());
        [north.cos() * east.cos(), north.cos() * east.sin(), north.sin()]
    };
    let (a, b) = (vector(a), vector(b));
    let apart: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    2.0 * 6371.0 * (apart.sqrt() / 2.0).min(1.0).asin()
}

impl Geoip {
    /// The country of an address, upper case.
    pub fn country(&self, address: IpAddr) -> Option<String> {
        match self {
            Geoip::Prefixes(table) => code(table.longest_match(address)?),
            // Such files keep IPv4 in ::/96; that says nothing of the IPv6 addresses there.
            Geoip::Database(_) if matches!(address, IpAddr::V6(v6) if v6.to_bits() >> 32 == 0) => None,
            Geoip::Database(reader) => {
                let record: maxminddb::geoip2::Country<'_> = reader.lookup(address).ok()?.decode().ok()??;
                code(cut(record.country.iso_code.or(record.registered_country.iso_code)?))
            }
        }
    }
}

impl std::fmt::Debug for Geoip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Geoip")
    }
}

fn host_names(directories: &BTreeMap<String, Directory>) -> BTreeMap<i64, BTreeSet<String>> {
    let mut names: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for (host, urls) in directories.values().flat_map(|directory| &directory.carriers) {
        for url in urls {
            let authority = url.text.split('/').nth(2).unwrap_or_default();
            let name = if authority.ends_with(']') {
                authority
            } else {
                authority.rsplit_once(':').map_or(authority, |(name, _)| name)
            };
            names.entry(*host).or_default().insert(name.to_owned());
        }
    }
    names
}

/// A country code: two letters or digits, compared without case. "`UK` is `GB`, `EL` is `GR`, here as in every input".
pub fn code(text: &str) -> Option<String> {
    let code = text.to_ascii_uppercase();
    let code = match &code[..] {
        "UK" => "GB".to_owned(),
        "EL" => "GR".to_owned(),
        _ => code,
    };
    (code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(code)
}

fn code_of(bytes: &[u8]) -> Option<String> {
    code(cut(std::str::from_utf8(bytes).ok()?))
}

/// "White space at the ends of any text is cut off, a byte order mark too."
fn cut(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}')
}

/// A string field; one that is not UTF-8 makes its record unusable.
fn text(field: &Option<Vec<u8>>) -> Option<String> {
    Some(cut(std::str::from_utf8(field.as_deref().unwrap_or_default()).ok()?).to_owned())
}

/// A path: "leading and trailing `/` dropped, runs of `/` become one".
fn path(field: &Option<Vec<u8>>) -> Option<String> {
    let text = text(field)?;
    Some(text.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("/"))
}

/// "Length 0 is skipped."
fn prefix(field: &Option<Vec<u8>>) -> Option<Prefix> {
    Prefix::parse(&text(field)?).filter(|prefix| prefix.length() > 0)
}

/// "Scheme and authority of URLs are parsed and rewritten (lower case, international names as punycode, the same rules
/// for every scheme), the rest stays byte for byte"; "URLs without a known scheme or without a host ... are skipped";
/// "host URL without trailing slashes" (§6).
fn url(text: String) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme =
        ["https", "http", "ftp", "rsync"].into_iter().find(|name| scheme.eq_ignore_ascii_case(name))?;
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if let Some(port) = port
        && !(port.bytes().all(|b| b.is_ascii_digit()) && (1..=65_535).contains(&port.parse::<u64>().ok()?))
    {
        return None;
    }
    if authority.contains(['@', '\\'])
        || ["https", "http", "ftp", "rsync"].contains(&&host.to_lowercase()[..])
    {
        return None;
    }
    // As a browser would understand it.
    let parsed = url::Url::parse(&format!("http://{host}/")).ok()?;
    let host = parsed.host_str().filter(|_| parsed.path() == "/" && parsed.port().is_none())?;
    if parsed.domain().is_some_and(|name| name.trim_end_matches('.').split('.').any(str::is_empty)) {
        return None;
    }
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Some(Url { scheme, text: format!("{scheme}://{host}{port}{}", path.trim_end_matches('/')) })
}

/// Files with details, an empty list of which counts as none (§3). Of equal names the last counts.
fn files(list: &MirrorList) -> BTreeMap<(String, String), Vec<Version>> {
    let by_directory: BTreeMap<String, &message::FileDetailsDirectory> =
        list.file_details.iter().filter_map(|entry| Some((path(&entry.directory)?, entry))).collect();
    let mut files = BTreeMap::new();
    for (directory, entry) in by_directory {
        for file in &entry.files {
            let Some(name) = text(&file.filename) else { continue };
            // "an empty list of details counts as none, and so does a version of which no hash can be read".
            let versions: Vec<Version> =
                file.details.iter().map(version).filter(|version| !version.hashes.is_empty()).collect();
            files.insert((directory.clone(), name), versions);
        }
    }
    files.retain(|_, versions| !versions.is_empty());
    files
}

fn version(details: &message::FileDetails) -> Version {
    let given = [
        ("md5", &details.md5, 32),
        ("sha1", &details.sha1, 40),
        ("sha256", &details.sha256, 64),
        ("sha512", &details.sha512, 128),
    ];
    let hex = |field: &Option<Vec<u8>>, length: usize| {
        let value = text(field)?.to_ascii_lowercase();
        (value.len() == length && value.bytes().all(|b| b.is_ascii_hexdigit())).then_some(value)
    };
    Version {
        timestamp: details.timestamp.unwrap_or(0),
        size: details.size.unwrap_or(0),
        hashes: given
            .into_iter()
            .filter_map(|(name, field, length)| Some((name, hex(field, length)?)))
            .collect(),
    }
}

fn disabled(list: &MirrorList) -> BTreeSet<String> {
    let last: BTreeMap<String, bool> = list
        .disabled_repository
        .iter()
        .filter_map(|entry| Some((text(&entry.key)?, entry.value.unwrap_or(false))))
        .collect();
    last.into_iter().filter_map(|(name, disabled)| disabled.then_some(name)).collect()
}

/// "repo may itself hold a `+`: the last one separates".
fn repositories(list: &MirrorList) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut repositories: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for entry in &list.repo_arch_to_directory {
        let (Some(key), Some(directory)) = (text(&entry.key), path(&entry.value)) else { continue };
        let Some((repo, arch)) = key.rsplit_once('+') else { continue };
        repositories.entry(cut(repo).to_owned()).or_default().insert(cut(arch).to_owned(), directory);
    }
    repositories
}

/// "equal netblocks ... are joined. Host bits of prefixes are masked."
fn netblocks(list: &MirrorList) -> Vec<(Prefix, Hosts)> {
    let mut joined: BTreeMap<Prefix, Hosts> = BTreeMap::new();
    for entry in &list.host_netblock {
        let Some(prefix) = prefix(&entry.key) else { continue };
        joined.entry(prefix).or_default().extend(&entry.value);
    }
    joined.into_iter().collect()
}

fn directory(entry: &message::MirrorListDirectory, urls: &BTreeMap<i64, Url>) -> Option<Directory> {
    let mut by_country: BTreeMap<String, Hosts> = BTreeMap::new();
    for set in &entry.by_country {
        let Some(country) = text(&set.key).and_then(|key| code(&key)) else { continue };
        by_country.entry(country).or_default().extend(&set.value);
    }
    let mut carriers = BTreeMap::new();
    for host in &entry.by_host_id {
        let Some(id) = host.key else { continue };
        // "each URL of a host once".
        let mut known: Vec<Url> = Vec::new();
        for url in host.value.iter().filter_map(|url| urls.get(url)) {
            if !known.contains(url) {
                known.push(url.clone());
            }
        }
        carriers.insert(id, known);
    }
    carriers.retain(|_, urls| !urls.is_empty());
    Some(Directory {
        global: entry.global.iter().copied().collect(),
        by_country,
        subpath: path(&entry.subpath)?,
        carriers,
    })
}

/// "Continents: the CSV with the cache's redirects laid over it" (§4).
fn continent_of_each(list: &MirrorList, csv: &str) -> BTreeMap<String, String> {
    let rows = csv.lines().filter_map(|line| {
        let (country, continent) = line.split_once(',')?;
        let continent = cut(continent).to_ascii_uppercase();
        let known = ["AF", "AN", "AS", "EU", "NA", "OC", "SA", "--"].contains(&&continent[..]);
        Some((code(cut(country)).filter(|_| known)?, continent))
    });
    let redirects = list
        .country_continent_redirect
        .iter()
        .filter_map(|entry| Some((code(&text(&entry.key)?)?, text(&entry.value)?.to_ascii_uppercase())));
    rows.chain(redirects).collect()
}

/// "`PREFIX ASN` a line (asdot too), further fields ignored; length 0, blank and comment lines and what does not parse
/// are skipped".
fn routes_of(lines: &str) -> PrefixTable<Option<u32>> {
    let routes = lines.lines().map(cut).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let prefix = Prefix::parse(fields.next()?)?;
        let number = fields.next().unwrap_or_default().to_ascii_lowercase();
        let number = number.trim_start_matches("as");
        let number = match number.split_once('.') {
            Some((high, low)) => high.parse::<u16>().ok().zip(low.parse::<u16>().ok()),
            None => number.parse::<u32>().ok().map(|number| ((number >> 16) as u16, number as u16)),
        };
        let number = number.map(|(high, low)| u32::from(high) * 65_536 + u32::from(low));
        (prefix.length() > 0).then_some((prefix, number))
    });
    routes.collect()
}
