//! Whether synthetic caches are what they say they are.

use super::*;
use cache::inventory::Inventory;
use compiler::compile::{InputTable, Reason, Skipped, mirrormanager};

fn compiled(options: &Options) -> (Inventory, Skipped) {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    let mut bytes = Vec::new();
    encode(options, &mut bytes).unwrap();
    mirrormanager::import(&bytes, &mut inventory, &mut skipped).unwrap();
    (inventory, skipped)
}

#[test]
fn equal_options_give_equal_bytes_and_other_seeds_others() {
    let bytes = |seed| {
        let options = Options { seed, ..Options::new(300) };
        let mut parts = [Vec::new(), Vec::new(), geoip(&options)];
        encode(&options, &mut parts[0]).unwrap();
        netblocks(&options, &mut parts[1]).unwrap();
        parts
    };
    assert_eq!(bytes(1), bytes(1));
    assert!(bytes(1).iter().zip(&bytes(2)).all(|(one, other)| one != other));
}

#[test]
fn a_cache_has_exactly_the_directories_asked_for() {
    for directories in [FEWEST_DIRECTORIES, 300, 601, 1000, 10_000] {
        let (inventory, skipped) = compiled(&Options::new(directories));
        assert_eq!(inventory.directories.len(), directories);
        assert_eq!(skipped.count(InputTable::MirrorList, Reason::Repeated), 0);
    }
}

#[test]
fn the_message_is_the_same_cache() {
    let options = Options::new(300);
    let mut bytes = Vec::new();
    encode(&options, &mut bytes).unwrap();
    assert_eq!(mirror_list(&options).encode_to_vec(), bytes);
}

#[test]
fn every_repository_has_its_directory_and_repodata() {
    let (inventory, _) = compiled(&Options::new(10_000));
    let mut rows = 0;
    for (name, repository) in &inventory.repositories {
        for directory in repository.archs.values() {
            rows += 1;
            let there = |path: &str| inventory.directories.contains_key(path);
            let odd = ["fedora-unborn", "no-repodata"].contains(&name.as_str());
            assert!(odd || there(directory) && there(&format!("{directory}/repodata")), "{name} {directory}");
        }
    }
    assert!((1490..=1510).contains(&rows), "{rows}");
}

#[test]
fn paths_and_carriers_have_the_shape_of_a_large_cache() {
    let options = Options { seed: 7, ..Options::new(20_000) };
    let (inventory, _) = compiled(&options);
    let mean = inventory.directories.keys().map(String::len).sum::<usize>() / inventory.directories.len();
    assert!((58..=68).contains(&mean), "paths of {mean} bytes");
    let (sets, hosts) = sets_and_hosts(&inventory);
    assert!((1700..=1900).contains(&sets), "{sets} sets");
    assert!((58..=72).contains(&hosts), "{hosts} hosts a set");
    assert_eq!(inventory.hosts.len(), 600);
}

/// How many sets there are, and how many hosts in each on average.
fn sets_and_hosts(inventory: &Inventory) -> (usize, usize) {
    let sets: Vec<&[u32]> =
        inventory.rosters.iter().flat_map(|roster| &roster.sets).map(|set| &**set).collect();
    let hosts: u32 = sets.iter().flat_map(|set| *set).map(|word| word.count_ones()).sum();
    (sets.len(), hosts as usize / sets.len())
}

#[test]
fn in_an_unfriendly_cache_nearly_each_directory_has_a_set_of_its_own() {
    let (inventory, skipped) = compiled(&Options { unfriendly: true, ..Options::new(10_000) });
    assert_eq!(inventory.directories.len(), 10_000);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::Repeated), 0);
    let (sets, hosts) = sets_and_hosts(&inventory);
    // In categories of few hosts all may be up to date, which directories then share.
    assert!((8_000..10_000).contains(&sets), "{sets} sets");
    assert!((115..150).contains(&hosts), "{hosts} hosts a set");
}

#[test]
fn a_cache_has_what_samples_lack() {
    let (inventory, skipped) = compiled(&Options::new(1000));
    assert!(inventory.hosts.values().any(|host| host.countries_allowed.is_some()));
    assert!(inventory.hosts.values().any(|host| host.country.is_none()));
    assert!(inventory.hosts.values().any(|host| host.bandwidth == 1));
    assert!(
        inventory.repositories.values().any(|repository| repository.disabled && !repository.archs.is_empty())
    );
    assert!(inventory.repositories.values().filter(|repository| repository.redirect.is_some()).count() > 10);
    assert!(inventory.country_overrides.len() > 40 && inventory.locations.len() == 2);
    assert!(inventory.asn_hosts.len() > 50 && inventory.netblocks.len() > 150);
    let nested = |inner: &ipnetwork::IpNetwork, outer: &ipnetwork::IpNetwork| {
        outer.prefix() < inner.prefix() && outer.is_ipv4() == inner.is_ipv4() && outer.contains(inner.ip())
    };
    assert!(
        inventory.netblocks.keys().any(|inner| inventory.netblocks.keys().any(|outer| nested(inner, outer)))
    );
    let carriers = |path: &str| inventory.carriers(&inventory.directories[path]);
    assert!(carriers("pub/fedora/linux").any(|carrier| !carrier.public), "private hosts");
    assert_eq!(carriers("pub/alt/nobody").next(), None);
    assert!(inventory.directories.contains_key("pub/alt/ünï/cødé/鏡"));
    let staler = inventory.directories.iter().filter(|(path, directory)| {
        let top = path.strip_suffix("/repodata").and_then(|top| inventory.directories.get(top));
        top.is_some_and(|top| top.carriers != directory.carriers)
    });
    assert!(staler.count() > 5, "stale repodata");
    for (table, reason) in [
        (InputTable::MirrorList, Reason::NotACarrier),
        (InputTable::MirrorList, Reason::UnknownUrl),
        (InputTable::MirrorList, Reason::NoUsableUrl),
        (InputTable::MirrorList, Reason::BadCountry),
        (InputTable::Url, Reason::UnknownScheme),
        (InputTable::HostNetblock, Reason::BadPrefix),
        (InputTable::HostAsn, Reason::BadAsn),
        (InputTable::RepoArch, Reason::DotSegment),
        (InputTable::FileDetails, Reason::BadHash),
        (InputTable::FileDetails, Reason::UnknownDirectory),
    ] {
        assert!(skipped.count(table, reason) > 0, "{table:?} {reason:?}");
    }
}

#[test]
fn countries_and_routes_of_synthetic_addresses_are_read() {
    let options = Options::new(300);
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    let mut text = Vec::new();
    netblocks(&options, &mut text).unwrap();
    compiler::compile::routes::import(text.as_slice(), &mut inventory, &mut skipped).unwrap();
    compiler::compile::geoip::import(&geoip(&options), &mut inventory, &mut skipped).unwrap();
    text.clear();
    continents(&mut text).unwrap();
    compiler::compile::continents::import(&text, &mut inventory, &mut skipped).unwrap();
    assert!(inventory.routes.len() > 5000 && inventory.geoip.len() > 5000);
    assert!(inventory.routes.iter().any(|(prefix, _)| prefix.is_ipv6()));
    assert!(inventory.geoip.iter().any(|(prefix, _)| prefix.is_ipv6()));
    assert_eq!(inventory.continents.len(), countries::COUNTRIES.len() - 1 + 2);
    assert_eq!(skipped.total(), 3, "comment, default route, heading");
}
