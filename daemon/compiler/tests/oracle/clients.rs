//! What the cache knows of an address, against tables that are looked through entry by entry.
//!
//! The cache flattens prefixes, routes, country overrides and GeoIP into ranges; here every prefix is asked on its own.

use crate::{
    dice::Dice,
    model::{
        client,
        facts::{Facts, Geoip, code},
        prefix::plain,
    },
    random_request::Vocabulary,
    random_world, real,
    setting::setting,
    world::World,
};
use cache::View;
use std::{collections::BTreeSet, net::IpAddr};

/// What is known of an address.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    country: Option<String>,
    /// Only of an AS that hosts serve.
    asn: Option<u32>,
    /// Length and hosts of each netblock around it, longest first.
    netblocks: Vec<(u8, BTreeSet<i64>)>,
}

fn by_scan(facts: &Facts, served: &BTreeSet<i64>, address: IpAddr) -> Known {
    let geoip = match &facts.geoip {
        Geoip::Prefixes(table) => table.longest_match_by_scan(address).and_then(|text| code(text)),
        Geoip::Database(_) => facts.geoip.country(address),
    };
    let known_hosts = |hosts: &BTreeSet<i64>| hosts.intersection(served).copied().collect::<BTreeSet<i64>>();
    let serves =
        |number: &u32| facts.as_hosts.get(number).is_some_and(|hosts| !known_hosts(hosts).is_empty());
    let around = facts.netblocks.iter().filter(|(prefix, _)| prefix.contains(address));
    let mut netblocks: Vec<_> = around.map(|(prefix, hosts)| (prefix.length(), known_hosts(hosts))).collect();
    netblocks.retain(|(_, hosts)| !hosts.is_empty());
    netblocks.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    let asn = facts.routes.longest_match_by_scan(address).copied().flatten().filter(serves);
    Known { country: facts.overrides.longest_match_by_scan(address).cloned().or(geoip), asn, netblocks }
}

fn by_cache(view: &View<'_>, address: IpAddr) -> Known {
    let class = view.class(address);
    let chain = std::iter::successors(class.netblock, |netblock| view.netblock_parent(*netblock));
    let netblocks = chain.map(|netblock| {
        let length = view.netblock(netblock).expect("a netblock of a class exists").length;
        (length, view.netblock_hosts(netblock).map(|host| view.host_source_id(host)).collect())
    });
    Known {
        country: class.country.and_then(|country| view.country_code(country)).map(|code| code.to_string()),
        asn: class.asn.map(|asn| view.asn_number(asn)),
        netblocks: netblocks.collect(),
    }
}

fn agree(world: &World, dice: &mut Dice, count: u64) {
    let facts = world.facts();
    let cache = world.compile();
    let view = View::check(&cache).expect("a cache that was just written passes its check");
    // Hosts that no directory names are not hosts of the cache.
    let served: BTreeSet<i64> = world
        .list
        .mirror_list
        .iter()
        .flat_map(|entry| &entry.by_host_id)
        .filter_map(|host| host.key)
        .collect();
    let vocabulary = Vocabulary::of(&facts);
    for _ in 0..count {
        let address = plain(vocabulary.address(dice));
        assert_eq!(by_cache(&view, address), by_scan(&facts, &served, address), "{address}");
        // The model's own look-up is by prefix length; it must not be the one that is wrong.
        assert_eq!(
            facts.routes.longest_match(address),
            facts.routes.longest_match_by_scan(address),
            "{address}"
        );
        assert_eq!(client::own_country(&facts, address), by_cache(&view, address).country, "{address}");
    }
}

#[test]
fn addresses_of_random_tables_are_known_as_a_linear_scan_finds_them() {
    let seed = setting("ORACLE_SEED", 1);
    for number in 0..40 {
        let mut dice = Dice::new(seed << 32 | number);
        agree(&random_world::world(&mut dice), &mut dice, 250);
    }
}

#[test]
fn addresses_of_the_real_tables_are_known_as_a_linear_scan_finds_them() {
    let Some(world) = real::world() else { return };
    agree(&world, &mut Dice::new(setting("ORACLE_SEED", 1)), 200);
}
