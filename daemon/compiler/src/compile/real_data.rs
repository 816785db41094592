//! The importers over real files, where these are at hand: counts that the files' own description states.

use super::{Inputs, Policy, gather, geoip, mirrormanager, routes, skipped::Skipped};
use cache::inventory::Inventory;
use std::{fs, path::PathBuf};

/// The file of this name, or `None` with a line that says so.
fn sample(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn the_almalinux_cache_is_read_whole_but_for_six_bad_urls() {
    let Some(path) = sample("almalinux.proto-cache") else { return };
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    mirrormanager::import(&fs::read(path).unwrap(), &mut inventory, &mut skipped).unwrap();
    assert_eq!(
        skipped.rows().map(|row| row.to_string()).collect::<Vec<_>>(),
        [
            "HCUrlCache: URL without a known scheme: 1, first 286 ftp.arnes.si::almalinux",
            "HCUrlCache: not a URL that clients can use: 5, first 492 rsync://mirror.alpha-labs.net::almalinux",
            "MirrorListCache: unknown or skipped URL: 6414, first URL 286 of host 109 in almalinux",
            "MirrorListCache: given twice, the last counts: 6556, first URL 327 of host 121 in almalinux"
        ]
    );
    assert_eq!(inventory.source_time, 1_784_160_000);
    assert_eq!(inventory.hosts.len(), 531);
    assert_eq!(inventory.urls.len(), 1432);
    assert_eq!(inventory.directories.len(), 10_624);
    assert_eq!(inventory.directories.keys().filter(|path| path.starts_with("vault")).count(), 9484);
    let sets: Vec<usize> = inventory.rosters.iter().map(|roster| roster.sets.len()).collect();
    assert_eq!(sets, [1, 1, 1], "one for each category");
    assert_eq!(inventory.repositories.values().map(|repository| repository.archs.len()).sum::<usize>(), 3839);
    assert_eq!(
        inventory.repositories.values().filter(|repository| repository.redirect.is_some()).count(),
        115
    );
    assert_eq!(inventory.files.len(), files_of_the_source());
    assert_eq!((inventory.asn_hosts.len(), inventory.netblocks.len()), (98, 38));
    assert_eq!(inventory.hosts.values().filter(|host| host.country.is_some()).count(), 494);
    assert!(inventory.hosts.values().all(|host| host.bandwidth == 1000 && host.countries_allowed.is_none()));
    assert_eq!(inventory.locations.keys().collect::<Vec<_>>(), ["aws:all", "gcp:all"]);
    assert_eq!(inventory.continents.len(), 3);
}

/// Files, counted with the generated decoder.
fn files_of_the_source() -> usize {
    use prost::Message;
    let bytes = fs::read(sample("almalinux.proto-cache").unwrap()).unwrap();
    let list = interchange::message::MirrorList::decode(bytes.as_slice()).unwrap();
    assert_eq!(list.file_details.len(), 3865);
    list.file_details.iter().map(|directory| directory.files.len()).sum()
}

#[test]
fn the_routing_table_is_read_from_its_packed_form() {
    let Some(path) = sample("global_netblocks.txt.zst") else { return };
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    routes::import(fs::File::open(path).unwrap(), &mut inventory, &mut skipped).unwrap();
    assert_eq!((inventory.routes.len(), skipped.total()), (732_482, 0));
    assert_eq!(inventory.routes.iter().filter(|(prefix, _)| prefix.is_ipv4()).count(), 564_579);
}

#[test]
fn country_databases_are_read_without_their_aliases() {
    for (name, v4, v6) in [("country.mmdb", 494_271, 516_614), ("country-pddl.mmdb", 315_308, 85_551)] {
        let Some(path) = sample(name) else { return };
        let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
        geoip::import(&fs::read(path).unwrap(), &mut inventory, &mut skipped).unwrap();
        let of_v4 = inventory.geoip.iter().filter(|(prefix, _)| prefix.is_ipv4()).count();
        assert_eq!((of_v4, inventory.geoip.len() - of_v4), (v4, v6), "{name}");
        assert_eq!(skipped.total(), 0, "{name}");
    }
}

#[test]
fn all_inputs_together_fill_one_inventory() {
    let names = ["almalinux.proto-cache", "country-pddl.mmdb", "country_continent.csv"].map(sample);
    let [Some(mirrormanager), geoip @ Some(_), continents @ Some(_)] = names else { return };
    let inputs = Inputs { mirrormanager, netblocks: None, continents, geoip };
    let mut steps = Vec::new();
    let (inventory, _) = gather(&inputs, &Policy::default(), |input| steps.push(input.to_string())).unwrap();
    assert_eq!(steps, ["continents", "mirrormanager", "geoip"]);
    let israel = wire::code::Country::parse(b"IL").unwrap();
    assert_eq!(inventory.continents[&israel].to_string(), "EU", "the cache's correction beats the CSV");
}

#[test]
fn a_missing_input_is_named_with_its_option() {
    let inputs =
        Inputs { mirrormanager: "/nonexistent/cache".into(), netblocks: None, continents: None, geoip: None };
    let error = gather(&inputs, &Policy::default(), |_| {}).unwrap_err().to_string();
    assert!(error.starts_with("mirrormanager /nonexistent/cache: cannot be read (No such file"), "{error}");
}
