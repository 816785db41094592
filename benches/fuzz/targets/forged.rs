//! What a cache that passes the check may cost: whatever is changed in its tables, every look-up ends within
//! `cache::limits`, and every answer can be sent.
//!
//! The first byte says how many changes there are, each takes eight bytes. They stay out of the address tables, which
//! are most of the sample and lead nowhere. Everything that a view can tell is asked. Bounds are asserted as what comes
//! out; a walk that went on without anything coming out would be found by the time that an input may take.
#![no_main]

use answer::{Fragments, Scratch, Service};
use cache::{
    AsnId, DirectoryId, FileId, Found, HostId, LocationId, Member, NetblockId, PlacementId, RepoArchId,
    RepositoryId, SetId, UrlId, View,
    limits::{
        MOST_EXTRAS, MOST_HOSTS, MOST_NETBLOCKS, MOST_NODES, MOST_PATH, MOST_TEXT, MOST_URLS, MOST_VERSIONS,
    },
};
use fuzz::{
    asked::{about, of_text},
    forge::{CHANGE, forged},
    judge::{ask, is_frame},
    sample::{USUAL, cache, rules},
};
use libfuzzer_sys::fuzz_target;
use std::{net::IpAddr, sync::LazyLock};

/// Bytes of all tables but those of addresses, which are the last.
static TABLES: LazyLock<usize> = LazyLock::new(|| {
    let sections = View::check(cache()).expect("the sample passes every check").sections();
    sections.iter().filter(|section| !section.name.ends_with(" ranges")).map(|section| section.bytes).sum()
});

fuzz_target!(|bytes: &[u8]| {
    let Some((count, bytes)) = bytes.split_first() else { return };
    let changes = &bytes[..(usize::from(count & 15) * CHANGE).min(bytes.len())];
    let file = forged(changes, *TABLES);
    let Ok(view) = View::check(&file) else { return };
    paths(&view);
    sets(&view);
    hosts(&view);
    repositories(&view);
    clients(&view);
    let Ok(fragments) = Fragments::prepare(&view) else { return };
    let service = Service {
        view,
        fragments: &fragments,
        rules: rules(count >> 4),
        redirector: None,
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut scratch = Scratch::default();
    for text in USUAL.iter().map(|text| text.to_vec()).chain(about(&view)) {
        let (answer, page) = ask(&service, &of_text(&text), (1, 1), &mut scratch);
        is_frame(&answer, &page);
    }
});

fn paths(view: &View<'_>) {
    let mut path = Vec::new();
    // One more than there are.
    for directory in (0..=view.directory_count() as u32).map(DirectoryId) {
        path.clear();
        view.subpath(directory, &mut path);
        assert!(path.len() <= MOST_PATH, "a subpath of {} bytes", path.len());
        path.clear();
        view.directory_path(directory, &mut path);
        assert!(path.len() <= MOST_PATH, "a path of {} bytes", path.len());
        view.find(&path);
        path.extend_from_slice(b"/repomd.xml");
        if let Some(Found::File(file)) = view.find(&path) {
            view.file(file);
        }
    }
    // Files are numbered without end, and the last has no versions.
    for file in (0..MOST_NODES as u32).map(FileId) {
        let versions = view.versions(file);
        assert!(versions.len() <= MOST_VERSIONS, "{} versions", versions.len());
        if versions.map(|version| version.hashes.iter().flatten().count()).count() == 0 {
            break;
        }
        let (_, name) = view.file(file).expect("a file has a directory and a name");
        assert!(!name.contains('/') && name.len() <= MOST_TEXT, "{name:?}");
    }
}

fn sets(view: &View<'_>) {
    for set in (0..=view.set_count() as u32).map(|set| view.set(SetId(set))) {
        assert!(set.len() <= set.width() && set.width() <= MOST_HOSTS);
        assert!(set.extras().count() <= MOST_EXTRAS);
        assert_eq!(set.iter().count(), set.len());
        let members: usize = set.countries().map(|(_, range)| set.positions(range).count()).sum();
        assert!(set.countries().count() <= view.country_count() && members <= set.len());
        for position in set.extras().map(|(_, position)| position).chain(set.iter().map(|(at, _)| at)) {
            let Some(Member { placement, .. }) = set.get(position) else { panic!("no member {position}") };
            view.placement_schemes(placement);
        }
    }
}

fn hosts(view: &View<'_>) {
    assert!(view.host_count() <= MOST_HOSTS);
    for host in (0..=view.host_count() as u32).map(HostId) {
        let allowed = view.countries_allowed(host).map_or(0, Iterator::count);
        assert!(allowed <= view.country_count(), "{allowed} countries of a host");
        assert!(view.host_placements(host).len() <= view.placement_count());
        view.host_id(view.host_source_id(host));
    }
    for placement in (0..=view.placement_count() as u32).map(PlacementId) {
        let urls = view.placement_urls(placement);
        assert!(urls.len() <= MOST_URLS, "{} URLs", urls.len());
        view.placement_host(placement);
    }
    for (_, text) in (0..=view.url_count() as u32).filter_map(|url| view.url(UrlId(url))) {
        assert!(text.len() <= MOST_TEXT, "a URL of {} bytes", text.len());
    }
}

fn repositories(view: &View<'_>) {
    for id in (0..=view.repository_count() as u32).map(RepositoryId) {
        assert!(view.repo_archs(id).len() <= view.repo_arch_count());
        let Some(repository) = view.repository(id) else { continue };
        view.repository_id(repository.name.as_bytes());
        view.first_repo_arch_from(repository.name.as_bytes());
        for repo_arch in view.repo_archs(id) {
            assert_eq!(view.repo_arch_id(id, view.arch_of(repo_arch).as_bytes()), Some(repo_arch));
        }
    }
    for repo_arch in (0..=view.repo_arch_count() as u32).map(RepoArchId) {
        let _ = (view.repository_of(repo_arch), view.repo_arch(repo_arch));
    }
}

fn clients(view: &View<'_>) {
    let addresses = ["192.0.2.10", "192.0.2.200", "198.51.100.7", "203.0.113.200", "2001:db8:33::1", "::"];
    for address in addresses.map(|text| text.parse::<IpAddr>().expect("an address")) {
        let class = view.class(address);
        class.asn.map(|asn| view.asn_number(asn));
    }
    // Whatever classes lead there, each netblock is where a walk may begin; none is beyond the last.
    for netblock in (0..).map(NetblockId).take_while(|netblock| view.netblock(*netblock).is_some()) {
        let mut around = std::iter::successors(Some(netblock), |inner| view.netblock_parent(*inner));
        assert!(
            around.by_ref().take(MOST_NETBLOCKS).all(|outer| view.netblock_hosts(outer).len() <= MOST_HOSTS)
        );
        assert_eq!(around.next(), None, "more netblocks around than there are lengths");
    }
    for number in 0..64 {
        assert!(view.location_hosts(LocationId(number)).len() <= MOST_HOSTS);
        assert!(view.asn_hosts(AsnId(number)).len() <= MOST_HOSTS);
    }
    view.location(b"munich");
    view.asn_id(64_500);
}
