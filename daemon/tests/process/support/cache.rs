//! A cache that is as small as it can be and still tells itself apart from another one.

use super::daemon::NOBODY;
use cache::{
    CacheBytes, FileHeader,
    inventory::{Carrier, Directory, Host, HostUrl, Inventory, Placement, Repository, Roster, SetPosition},
    scheme::Scheme,
    write,
};
use nix::unistd::geteuid;
use program::aside;
use std::{fs, os::unix::fs::chown, path::Path};

/// Hosts of the cache, so that an answer fills more than one packet.
const HOSTS: u32 = 20;

/// The bytes of a cache whose mirrors have `label` in their names: `https://7.LABEL.example.org/pub`.
pub fn cache_bytes(label: &str) -> CacheBytes {
    bytes(label, HOSTS, "pub")
}

fn bytes(label: &str, hosts: u32, folder: &str) -> CacheBytes {
    write(&inventory(label, hosts, folder), 1_700_000_100).unwrap().0
}

fn inventory(label: &str, hosts: u32, folder: &str) -> Inventory {
    let mut inventory = Inventory { source_time: 1_700_000_000, ..Inventory::default() };
    let mut roster = Roster::default();
    let carrier = |placement| Carrier { placement, public: true, ..Carrier::default() };
    roster.set_of((0..hosts).map(carrier));
    inventory.rosters.push(roster);
    for host in 0..hosts {
        inventory.hosts.insert(host.into(), Host { bandwidth: 100, ..Host::default() });
        let text = format!("https://{host}.{label}.example.org/{folder}");
        inventory.urls.insert(HostUrl { scheme: Scheme::Https, text });
        inventory.placements.insert(Placement { host, urls: vec![host] });
    }
    let directory = Directory { carriers: SetPosition::default(), subpath: "42/os".into() };
    inventory.directories.insert("pub/fedora/42/os".into(), directory);
    let archs = [("x86_64".into(), "pub/fedora/42/os".into())].into();
    inventory.repositories.insert("fedora-42".into(), Repository { archs, ..Repository::default() });
    inventory
}

/// Hosts of the cache whose mirrors differ in weight.
pub const WEIGHTED_HOSTS: u32 = 9;

/// The weight of a host there, by its id.
pub fn weight(id: u32) -> u32 {
    100 << (id % 3)
}

/// Puts a cache in place whose hosts, of ids from 0, differ in weight; `turned` is whether they are in the other order.
pub fn write_weighted_cache(path: &Path, turned: bool) {
    let mut inventory = inventory("weighted", WEIGHTED_HOSTS, "pub");
    inventory.hosts.clear();
    inventory.urls.clear();
    for place in 0..WEIGHTED_HOSTS {
        let id = if turned { WEIGHTED_HOSTS - 1 - place } else { place };
        inventory.hosts.insert(id.into(), Host { bandwidth: weight(id), ..Host::default() });
        let text = format!("https://{id}.weighted.example.org/pub");
        inventory.urls.insert(HostUrl { scheme: Scheme::Https, text });
    }
    put(path, &write(&inventory, 1_700_000_100 + u64::from(turned)).unwrap().0);
}

/// Puts a cache of more than 3 MB in place, most of it URLs that no host has.
pub fn write_large_cache(path: &Path, label: &str) {
    let mut inventory = inventory(label, HOSTS, "pub");
    inventory.urls.extend(
        (0..3_000).map(|number| HostUrl { scheme: Scheme::Https, text: format!("https://{number:01000}") }),
    );
    put(path, &write(&inventory, 1_700_000_100).unwrap().0);
}

/// Puts such a cache in place of what is at `path`, as the compiler does: for the daemon's own user.
pub fn write_cache(path: &Path, label: &str) {
    put(path, &cache_bytes(label));
}

/// The same, with so much that nobody looks at in front that reading it takes a while.
pub fn write_long_cache(path: &Path, label: &str) {
    let small = cache_bytes(label);
    let (header, content) = FileHeader::decode(&small).unwrap();
    // References count from where they stand, and the last one stands at the end.
    let payload = [&vec![0; 96 << 20][..], content].concat();
    let header = FileHeader::of(&payload, header.build_time, header.source_time).encode();
    fs::write(path.with_extension("new"), [&header[..], &payload].concat()).unwrap();
    give(&path.with_extension("new"));
    fs::rename(path.with_extension("new"), path).unwrap();
}

/// A cache of which more is made in memory than its file has bytes: many long URLs, each of which answers have twice.
pub fn write_dear_cache(path: &Path) {
    put(path, &bytes("dear", 40_000, &"x".repeat(500)));
}

fn put(path: &Path, bytes: &CacheBytes) {
    aside::put(path, bytes, 0o444).unwrap();
    give(path);
}

fn give(path: &Path) {
    if geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}
