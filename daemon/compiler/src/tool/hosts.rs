//! Hosts as operators name them: by MirrorManager's number or by the host part of a URL.
//!
//! A cache has no names of hosts; their URLs are what it knows them by.

use crate::failure::Failure;
use cache::{CountryId, DirectoryId, HostId, Member, PlacementId, SetId, View, scheme::host_name as name};
use std::path::Path;

/// How many directories a host carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// In all.
    pub directories: usize,
    /// Of which it is a public mirror.
    pub public: usize,
}

impl Carried {
    /// One word for it.
    pub fn openness(self) -> &'static str {
        match self.public {
            0 => "private",
            public if public == self.directories => "public",
            _ => "partly",
        }
    }

    /// What each host carries. Cost: a step for each directory and for each member of a carrier set.
    pub fn of_all(view: &View<'_>) -> Vec<Carried> {
        let mut directories = vec![0usize; view.set_count()];
        for directory in (0..view.directory_count() as u32).map(DirectoryId) {
            if let Some(count) = directories.get_mut(view.carriers(directory).0 as usize) {
                *count += 1;
            }
        }
        let mut carried = vec![Carried::default(); view.host_count()];
        for (set, count) in (0..).map(SetId).zip(directories) {
            for (_, Member { placement, public }) in view.set(set).iter() {
                if let Some(host) = carried.get_mut(view.placement_host(placement).0 as usize) {
                    host.directories += count;
                    host.public += if public { count } else { 0 };
                }
            }
        }
        carried
    }
}

/// The host that is meant by a number or by the host part of one of its URLs, whatever its case.
pub fn find(view: &View<'_>, file: &Path, meant: &str) -> Result<HostId, Failure> {
    let file = file.display();
    if let Ok(id) = meant.parse() {
        return view.host_id(id).ok_or_else(|| Failure::cache(format!("host {id}: not in {file}")));
    }
    let mut found: Vec<HostId> = all(view)
        .filter(|host| urls(view, *host).iter().any(|url| name(url).eq_ignore_ascii_case(meant)))
        .collect();
    match found[..] {
        [] => Err(Failure::cache(format!(
            "host {meant}: no URL in {file} has this name; mirrorlist-cache list mirrors {file} names them"
        ))),
        [host] => Ok(host),
        _ => {
            found.sort_unstable_by_key(|host| view.host_source_id(*host));
            let ids: Vec<String> = found.iter().map(|host| view.host_source_id(*host).to_string()).collect();
            Err(Failure::cache(format!(
                "host {meant}: {} hosts of {file} have URLs of this name; ask for one of them by number: {}",
                ids.len(),
                ids.join(", ")
            )))
        }
    }
}

/// Every host.
pub fn all(view: &View<'_>) -> impl Iterator<Item = HostId> + use<> {
    (0..view.host_count() as u32).map(HostId)
}

/// The URLs of a host, each once.
pub fn urls<'a>(view: &View<'a>, host: HostId) -> Vec<&'a str> {
    let mut urls = Vec::new();
    for placement in view.host_placements(host).map(PlacementId) {
        for url in placement_urls(view, placement) {
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
    }
    urls
}

/// The URLs of one placement.
pub fn placement_urls<'a>(view: &View<'a>, placement: PlacementId) -> Vec<&'a str> {
    view.placement_urls(placement).filter_map(|url| view.url(url)).map(|(_, text)| text).collect()
}

/// The names in a host's URLs, each once.
pub fn names<'a>(urls: &[&'a str]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for name in urls.iter().map(|url| name(url)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A country's code.
pub fn code(view: &View<'_>, country: Option<CountryId>) -> Option<String> {
    country.and_then(|country| view.country_code(country)).map(|code| code.to_string())
}
