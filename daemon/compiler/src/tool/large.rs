//! Which directories have so many mirrors that an answer cannot hold all of them.

use answer::render::{MOST_BYTES, escape::xml_len};
use cache::{DirectoryId, PlacementId, SetId, View};
use program::print::grouped;
use std::fmt;

/// What a metalink line has beside the two names of the scheme, the URL and the path.
const MARKUP: u64 = 80;
/// What a metalink has beside the lines of mirrors and the path in each: hashes and the name of a file.
const REST: u64 = 4096;

/// Directories whose metalink by all URLs is larger than [`MOST_BYTES`], if there are any.
#[derive(Debug)]
pub struct LargeAnswers {
    directories: usize,
    /// The first of the largest.
    largest: String,
    bytes: u64,
    hosts: usize,
}

impl LargeAnswers {
    /// Adds up the lengths of all URLs of all directories, about as a metalink has them; file names are not known.
    pub fn find(view: &View<'_>) -> Option<LargeAnswers> {
        let of_placement = |placement: PlacementId| {
            let urls = view.placement_urls(placement).filter_map(|url| view.url(url));
            urls.fold((0, 0), |(bytes, count), (scheme, url)| {
                (bytes + MARKUP + (2 * scheme.name().len() + xml_len(url.as_bytes())) as u64, count + 1)
            })
        };
        let placements: Vec<(u64, u64)> =
            (0..view.placement_count() as u32).map(|id| of_placement(PlacementId(id))).collect();
        let of_set = |set: u32| {
            let members = view.set(SetId(set)).iter();
            let known = members.filter_map(|(_, member)| placements.get(member.placement.0 as usize));
            known.fold((0, 0), |(bytes, count), of| (bytes + of.0, count + of.1))
        };
        let sets: Vec<(u64, u64)> = (0..view.set_count() as u32).map(of_set).collect();
        let mut found: Option<(LargeAnswers, DirectoryId)> = None;
        let mut path = Vec::new();
        for directory in (0..view.directory_count() as u32).map(DirectoryId) {
            let set = view.carriers(directory);
            let Some(&(bytes, urls)) = sets.get(set.0 as usize) else { continue };
            path.clear();
            view.subpath(directory, &mut path);
            let bytes = REST + bytes + urls * path.len() as u64;
            if bytes <= MOST_BYTES as u64 {
                continue;
            }
            let hosts = view.set(set).len();
            let new = LargeAnswers { directories: 1, largest: String::new(), bytes, hosts };
            let (known, at) = found.get_or_insert((LargeAnswers { directories: 0, ..new }, directory));
            known.directories += 1;
            if bytes > known.bytes {
                (known.bytes, known.hosts, *at) = (bytes, hosts, directory);
            }
        }
        let (mut found, at) = found?;
        path.clear();
        view.directory_path(at, &mut path);
        found.largest = String::from_utf8_lossy(&path).into_owned();
        Some(found)
    }
}

impl fmt::Display for LargeAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (directories, bytes, hosts) =
            (grouped(self.directories), grouped(self.bytes), grouped(self.hosts));
        write!(
            f,
            "directories with more mirrors than an answer holds: {directories}; of {}, the largest, a metalink of all its {hosts} hosts would have {bytes} bytes, \
             an answer holds {}; the farthest hosts are left out of it",
            self.largest,
            grouped(MOST_BYTES)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cache::scheme::Scheme;
    use cache::{
        self,
        inventory::{Carrier, Directory, Host, HostUrl, Inventory, Placement, Roster, SetPosition},
    };

    fn of_hosts(count: u32) -> Option<String> {
        let mut inventory = Inventory::default();
        let mut roster = Roster::default();
        let carrier = |placement| Carrier { placement, public: true, ..Carrier::default() };
        for host in 0..count {
            inventory.hosts.insert(host.into(), Host { bandwidth: 1, ..Host::default() });
            let text = format!("https://mirror-{host}.example.org/{}", "x".repeat(200));
            inventory.urls.insert(HostUrl { scheme: Scheme::Https, text });
            inventory.placements.insert(Placement { host, urls: vec![host] });
        }
        roster.set_of((0..count).map(carrier));
        inventory.rosters.push(roster);
        for path in ["a", "a/b", "a/bc"] {
            let subpath = path.strip_prefix("a/").unwrap_or_default().to_owned();
            inventory
                .directories
                .insert(path.into(), Directory { carriers: SetPosition::default(), subpath });
        }
        let bytes = cache::write(&inventory, 0).unwrap().0;
        LargeAnswers::find(&View::check(&bytes).unwrap()).map(|large| large.to_string())
    }

    #[test]
    fn a_directory_of_too_many_mirrors_is_told() {
        assert_eq!(of_hosts(3000), None);
        let told = of_hosts(4000).unwrap();
        let hosts = "; of a/bc, the largest, a metalink of all its 4,000 hosts would have";
        assert!(
            told.starts_with(&format!("directories with more mirrors than an answer holds: 3{hosts}")),
            "{told}"
        );
    }
}
