//! `mirrorlist-cache inspect`: what is in a cache file, and what it knows of a directory, a host or an address.

use super::{checked, open};
use crate::failure::Failure;
use cache::{CountryId, DirectoryId, Found, HostId, Member, PlacementId, View};
use program::print::{date, printed};
use serde::Serialize;
use std::{
    fmt::Write,
    mem::take,
    net::IpAddr,
    path::{Path, PathBuf},
};

/// What to look at in which file.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The cache file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Who carries this directory
    #[arg(long, value_name = "PATH", conflicts_with_all = ["host", "address"])]
    directory: Option<String>,
    /// What is known of the host of this id
    #[arg(long, value_name = "ID", conflicts_with = "address")]
    host: Option<i64>,
    /// What is known of this client address
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Looks into a file.
pub fn run(options: &Options) -> Result<(), Failure> {
    let bytes = open(&options.file)?;
    let view = checked(&options.file, &bytes)?;
    if let Some(path) = &options.directory {
        let path = path.trim_matches('/');
        let Some(Found::Directory(directory)) = view.find(path.as_bytes()) else {
            return Err(Failure::cache(format!("directory {path}: not in {}", options.file.display())));
        };
        let found = Directory::of(&view, path, directory);
        return printed(options.json, &found, || found.text());
    }
    if let Some(id) = options.host {
        let Some(host) = view.host_id(id) else {
            return Err(Failure::cache(format!("host {id}: not in {}", options.file.display())));
        };
        let found = Host::of(&view, host);
        return printed(options.json, &found, || found.text());
    }
    if let Some(address) = options.address {
        let found = Address::of(&view, address);
        return printed(options.json, &found, || found.text());
    }
    let found = Contents::of(&view, &options.file, bytes.len());
    printed(options.json, &found, || found.text())
}

fn code(view: &View<'_>, country: Option<CountryId>) -> Option<String> {
    country.and_then(|country| view.country_code(country)).map(|code| code.to_string())
}

fn or_dash(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("-")
}

#[derive(Serialize)]
struct Contents<'a> {
    file: &'a Path,
    bytes: usize,
    format: u32,
    build_time: u64,
    source_time: u64,
    checksum: String,
    sections: Vec<Section>,
}

#[derive(Serialize)]
struct Section {
    name: &'static str,
    rows: usize,
    bytes: usize,
}

impl<'a> Contents<'a> {
    fn of(view: &View<'_>, file: &'a Path, bytes: usize) -> Contents<'a> {
        let header = view.header();
        let sections = view.sections().into_iter();
        Contents {
            file,
            bytes,
            format: header.format,
            build_time: header.build_time,
            source_time: header.source_time,
            checksum: format!("{:032x}", header.checksum),
            sections: sections
                .map(|section| Section { name: section.name, rows: section.rows, bytes: section.bytes })
                .collect(),
        }
    }

    fn text(&self) -> String {
        let time = |seconds| date(seconds).unwrap_or_else(|| "unknown".into());
        let mut text = format!(
            "cache {}: {} bytes, format {}, xxh3 {}\nbuilt {} from data of {}\n\n{:<20} {:>12} {:>12}\n",
            self.file.display(),
            self.bytes,
            self.format,
            self.checksum,
            time(self.build_time),
            time(self.source_time),
            "section",
            "rows",
            "bytes"
        );
        for Section { name, rows, bytes } in &self.sections {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name:<20} {rows:>12} {bytes:>12}");
        }
        text
    }
}

#[derive(Serialize)]
struct Directory {
    directory: String,
    subpath: String,
    carrier_set: u32,
    hosts: Vec<Carrier>,
}

#[derive(Serialize)]
struct Carrier {
    id: i64,
    public: bool,
    country: Option<String>,
    /// Countries that it stands for in this directory.
    stands_for: Vec<String>,
    urls: Vec<String>,
}

impl Directory {
    fn of(view: &View<'_>, path: &str, directory: DirectoryId) -> Directory {
        let mut subpath = Vec::new();
        view.subpath(directory, &mut subpath);
        let carriers = view.carriers(directory);
        let set = view.set(carriers);
        let mut stands_for = vec![Vec::new(); set.width()];
        for (country, range) in set.countries() {
            set.positions(range).for_each(|at| stands_for[at].extend(code(view, Some(country))));
        }
        set.extras().for_each(|(country, at)| stands_for[at].extend(code(view, Some(country))));
        let hosts = set.iter().map(|(at, member)| Carrier::of(view, member, take(&mut stands_for[at])));
        Directory {
            directory: path.into(),
            subpath: String::from_utf8_lossy(&subpath).into_owned(),
            carrier_set: carriers.0,
            hosts: hosts.collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "directory {}: subpath {}, carrier set {}, {} hosts\n",
            self.directory,
            if self.subpath.is_empty() { "none" } else { &self.subpath },
            self.carrier_set,
            self.hosts.len()
        );
        for host in &self.hosts {
            let countries = host.stands_for.join(",");
            let countries = if countries.is_empty() { "-" } else { &countries };
            let public = if host.public { "public" } else { "private" };
            let _ = writeln!(text, "{:>8}  {countries:<8} {public:<7}  {}", host.id, host.urls.join(" "));
        }
        text
    }
}

impl Carrier {
    fn of(view: &View<'_>, member: Member, stands_for: Vec<String>) -> Carrier {
        let host = view.placement_host(member.placement);
        Carrier {
            id: view.host_source_id(host),
            public: member.public,
            country: code(view, view.host_country(host)),
            stands_for,
            urls: urls(view, member.placement),
        }
    }
}

fn urls(view: &View<'_>, placement: PlacementId) -> Vec<String> {
    view.placement_urls(placement).filter_map(|url| view.url(url)).map(|(_, text)| text.to_owned()).collect()
}

#[derive(Serialize)]
struct Host {
    id: i64,
    country: Option<String>,
    bandwidth: u32,
    /// The countries that it is for; absent when it is for all.
    countries_allowed: Option<Vec<String>>,
    /// URLs of each tree that it has.
    trees: Vec<Vec<String>>,
    directories: usize,
}

impl Host {
    fn of(view: &View<'_>, host: HostId) -> Host {
        let placements = view.host_placements(host);
        let holds = |set| view.set(set).iter().any(|(_, member)| placements.contains(&member.placement.0));
        let directories = (0..view.directory_count() as u32).map(DirectoryId);
        let sets: Vec<bool> = (0..view.set_count() as u32).map(|set| holds(cache::SetId(set))).collect();
        Host {
            id: view.host_source_id(host),
            country: code(view, view.host_country(host)),
            bandwidth: view.bandwidth(host),
            countries_allowed: view
                .countries_allowed(host)
                .map(|allowed| allowed.filter_map(|country| code(view, Some(country))).collect()),
            trees: placements.clone().map(|placement| urls(view, PlacementId(placement))).collect(),
            directories: directories
                .filter(|directory| sets.get(view.carriers(*directory).0 as usize) == Some(&true))
                .count(),
        }
    }

    fn text(&self) -> String {
        let allowed = match &self.countries_allowed {
            None => "for all countries".into(),
            Some(countries) => format!("only for {}", countries.join(",")),
        };
        let mut text = format!(
            "host {}: country {}, bandwidth {}, {allowed}, carries {} directories\n",
            self.id,
            or_dash(&self.country),
            self.bandwidth,
            self.directories
        );
        for urls in &self.trees {
            let _ = writeln!(text, "  {}", urls.join(" "));
        }
        text
    }
}

#[derive(Serialize)]
struct Address {
    address: IpAddr,
    class: u32,
    country: Option<String>,
    /// Whether the country is an override of the cache's.
    corrected: bool,
    asn: Option<u32>,
    asn_hosts: Vec<i64>,
    netblocks: Vec<Netblock>,
}

#[derive(Serialize)]
struct Netblock {
    prefix: String,
    hosts: Vec<i64>,
}

impl Address {
    fn of(view: &View<'_>, address: IpAddr) -> Address {
        let class = view.class(address.to_canonical());
        let mut netblocks = Vec::new();
        let mut next = class.netblock;
        while let Some(netblock) = next {
            netblocks.push(Netblock {
                prefix: view.netblock(netblock).map_or(String::new(), |prefix| prefix.to_string()),
                hosts: view.netblock_hosts(netblock).map(|host| view.host_source_id(host)).collect(),
            });
            next = view.netblock_parent(netblock);
        }
        Address {
            address,
            class: class.number,
            country: code(view, class.country),
            corrected: class.corrected,
            asn: class.asn.map(|asn| view.asn_number(asn)),
            asn_hosts: class
                .asn
                .map(|asn| view.asn_hosts(asn).map(|host| view.host_source_id(host)).collect())
                .unwrap_or_default(),
            netblocks,
        }
    }

    fn text(&self) -> String {
        let numbers = |hosts: &[i64]| hosts.iter().map(|host| host.to_string()).collect::<Vec<_>>().join(" ");
        let from = match (&self.country, self.corrected) {
            (None, _) => "",
            (Some(_), true) => " (override)",
            (Some(_), false) => " (GeoIP)",
        };
        let mut text = format!(
            "address {}: class {}, country {}{from}\n",
            self.address,
            self.class,
            or_dash(&self.country)
        );
        if let Some(asn) = self.asn {
            let _ = writeln!(text, "  AS {asn}: hosts {}", numbers(&self.asn_hosts));
        }
        for netblock in &self.netblocks {
            let _ = writeln!(text, "  netblock {}: hosts {}", netblock.prefix, numbers(&netblock.hosts));
        }
        text
    }
}
