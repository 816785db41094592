//! The tests' sample, compiled in memory, and the way from an inventory to a cache.

use answer::{
    Fragments, Service,
    rules::{NetblockMode, Rules},
};
use cache::{CacheBytes, View, inventory::Inventory, write};
use compiler::compile::{self, Skipped};
use prost::Message as _;
use std::sync::LazyLock;
use testkit::sample::{continents, geoip, mirror_list, netblocks};

/// When all caches here are built, in seconds since the epoch.
const BUILT: u64 = 1_795_168_800;

static CACHE: LazyLock<CacheBytes> = LazyLock::new(|| {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    compile::continents::import(continents().as_bytes(), &mut inventory, &mut skipped).expect("continents");
    compile::mirrormanager::import(&mirror_list().encode_to_vec(), &mut inventory, &mut skipped)
        .expect("the sample is a MirrorManager cache");
    compile::routes::import(netblocks().as_bytes(), &mut inventory, &mut skipped)
        .expect("the sample has a routing table");
    compile::geoip::import(&geoip(), &mut inventory, &mut skipped).expect("the sample has countries");
    written(&inventory).expect("the sample can be written")
});

static VIEW: LazyLock<View<'static>> =
    LazyLock::new(|| View::check(&CACHE).expect("the sample passes every check"));

static FRAGMENTS: LazyLock<Fragments> =
    LazyLock::new(|| Fragments::prepare(&VIEW).expect("the sample is small"));

/// The sample's cache file.
pub fn cache() -> &'static [u8] {
    &CACHE
}

/// The service on the sample.
pub fn service(rules: Rules) -> Service<'static> {
    Service {
        view: *VIEW,
        fragments: &FRAGMENTS,
        rules,
        redirector: None,
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// The cache of an inventory; `None` when it has more of something than the format can number.
pub fn written(inventory: &Inventory) -> Option<CacheBytes> {
    write(inventory, BUILT).ok().map(|(bytes, _)| bytes)
}

/// Requests that lead through every part of a cache that a request can reach, for caches that are not the sample.
pub const USUAL: [&[u8]; 12] = [
    b"mirrorlist?repo=fedora-42&arch=x86_64",
    b"metalink?repo=fedora-42&arch=x86_64&ip=192.0.2.200",
    b"metalink?repo=updates-released-f42&arch=aarch64&country=global&protocol=https,ftp",
    b"mirrorlist?repo=epel-10&arch=x86_64&country=de,us,JP&ip=198.51.100.7&time",
    b"mirrorlist?path=pub/fedora/linux/releases/42/Everything/x86_64/os/repodata/repomd.xml&redirect",
    b"metalink?path=pub/epel/10/Everything/x86_64/repodata/repomd.xml&ip=2001:db8:49::1",
    b"mirrorlist?path=pub/fedora/linux&location=munich&ip=2001:db8:55::1",
    b"mirrorlist?repo=fedora-rawhide&arch=x86_64&ip=203.0.113.200",
    b"mirrorlist?repo=unknown&arch=x86_64",
    b"mirrorlist?repo=epel-10&arch=unknown",
    b"metalink?repo=fedora&arch=aarch64&version=42&ip=::ffff:192.0.2.10",
    b"mirrorlist?repo=fedora-30&arch=x86_64",
];

/// Rules by number: every mode of each option occurs.
pub fn rules(number: u8) -> Rules {
    use answer::rules::LogAddress::{Full, Off, Omit, Short};
    Rules {
        minimum: [5, 0, 1, 100][usize::from(number & 3)],
        netblock: if number & 4 == 0 { NetblockMode::First } else { NetblockMode::Only },
        log_address: [Off, Full, Short, Omit][usize::from(number >> 3 & 3)],
    }
}
