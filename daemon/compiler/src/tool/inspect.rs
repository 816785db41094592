//! `mirrorlist-cache inspect`: what is in a cache file, and what it knows of a directory, a host or an address.

use super::{
    checked,
    contents::Contents,
    hosts::{self, Carried, code, placement_urls},
    known::Known,
    open,
};
use crate::failure::Failure;
use cache::{DirectoryId, Found, HostId, Member, PlacementId, View};
use program::print::{counted, printed};
use serde::Serialize;
use std::{
    fmt::Write,
    net::IpAddr,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
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
    /// What is known of the host of this number, or with this name in its URLs
    #[arg(long, value_name = "NAME|ID", conflicts_with = "address")]
    host: Option<String>,
    /// What is known of this client address
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// What takes how much of the file, too
    #[arg(long, conflicts_with_all = ["directory", "host", "address"])]
    sections: bool,
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
    if let Some(meant) = &options.host {
        let found = Host::of(&view, hosts::find(&view, &options.file, meant)?);
        return printed(options.json, &found, || found.text());
    }
    if let Some(address) = options.address {
        let found = Address::of(&view, address);
        return printed(options.json, &found, || found.text());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let found = Contents::of(&view, &options.file, bytes.len(), options.sections, now);
    printed(options.json, &found, || found.text())
}

fn or_dash(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("-")
}

#[derive(Serialize)]
struct Directory<'a> {
    directory: String,
    subpath: String,
    carrier_set: u32,
    hosts: Vec<Carrier<'a>>,
}

#[derive(Serialize)]
struct Carrier<'a> {
    id: i64,
    public: bool,
    country: Option<String>,
    /// Countries that it stands for in this directory.
    stands_for: Vec<String>,
    urls: Vec<&'a str>,
}

impl<'a> Directory<'a> {
    fn of(view: &View<'a>, path: &str, directory: DirectoryId) -> Directory<'a> {
        let mut subpath = Vec::new();
        view.subpath(directory, &mut subpath);
        let carriers = view.carriers(directory);
        let set = view.set(carriers);
        let mut stands_for = vec![Vec::new(); set.width()];
        for (country, range) in set.countries() {
            set.positions(range).for_each(|at| stands_for[at].extend(code(view, Some(country))));
        }
        set.extras().for_each(|(country, at)| stands_for[at].extend(code(view, Some(country))));
        let hosts =
            set.iter().map(|(at, member)| Carrier::of(view, member, std::mem::take(&mut stands_for[at])));
        Directory {
            directory: path.into(),
            subpath: String::from_utf8_lossy(&subpath).into_owned(),
            carrier_set: carriers.0,
            hosts: hosts.collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "directory {}: subpath {}, carrier set {}, {}\n",
            self.directory,
            if self.subpath.is_empty() { "none" } else { &self.subpath },
            self.carrier_set,
            counted(self.hosts.len(), "host", "hosts")
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

impl<'a> Carrier<'a> {
    fn of(view: &View<'a>, member: Member, stands_for: Vec<String>) -> Carrier<'a> {
        let host = view.placement_host(member.placement);
        Carrier {
            id: view.host_source_id(host),
            public: member.public,
            country: code(view, view.host_country(host)),
            stands_for,
            urls: placement_urls(view, member.placement),
        }
    }
}

#[derive(Serialize)]
struct Host<'a> {
    id: i64,
    /// The host parts of its URLs.
    names: Vec<&'a str>,
    country: Option<String>,
    bandwidth: u32,
    /// The countries that it is for; absent when it is for all.
    countries_allowed: Option<Vec<String>>,
    #[serde(flatten)]
    known: Known,
    /// The URLs of each category that it has.
    categories: Vec<Vec<&'a str>>,
    directories: usize,
    /// Of how many of them it is a public mirror.
    public_directories: usize,
    #[serde(skip)]
    openness: &'static str,
}

impl<'a> Host<'a> {
    fn of(view: &View<'a>, host: HostId) -> Host<'a> {
        let carried = Carried::of_all(view).get(host.0 as usize).copied().unwrap_or_default();
        Host {
            id: view.host_source_id(host),
            names: hosts::names(&hosts::urls(view, host)),
            country: code(view, view.host_country(host)),
            bandwidth: view.bandwidth(host),
            countries_allowed: view
                .countries_allowed(host)
                .map(|allowed| allowed.filter_map(|country| code(view, Some(country))).collect()),
            known: Known::of(view, host),
            categories: view
                .host_placements(host)
                .map(|placement| placement_urls(view, PlacementId(placement)))
                .collect(),
            directories: carried.directories,
            public_directories: carried.public,
            openness: carried.openness(),
        }
    }

    fn text(&self) -> String {
        let allowed = match &self.countries_allowed {
            None => "for all countries".into(),
            Some(countries) => format!("only for {}", countries.join(",")),
        };
        let mut text = format!(
            "host {} ({}): country {}, bandwidth {}, {allowed}, carries {}, {}\n",
            self.id,
            self.names.join(" "),
            or_dash(&self.country),
            self.bandwidth,
            counted(self.directories, "directory", "directories"),
            match self.openness {
                "partly" => format!("{} of them as a public mirror", self.public_directories),
                openness => openness.into(),
            }
        );
        let known = self.known.to_string();
        if !known.is_empty() {
            let _ = writeln!(text, "  {known}");
        }
        for urls in &self.categories {
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
        let _ = match self.asn {
            Some(asn) => writeln!(text, "  AS {asn}: hosts {}", numbers(&self.asn_hosts)),
            None => writeln!(text, "  AS: none known, or one that no host serves"),
        };
        for netblock in &self.netblocks {
            let _ = writeln!(text, "  netblock {}: hosts {}", netblock.prefix, numbers(&netblock.hosts));
        }
        text
    }
}
