//! A written cache, read again: what goes in comes out, and damage is found.

use super::{file::MOST_PAYLOAD, inventory::Repository, inventory::*, *};
use crate::{place::Place, scheme::Scheme};
use ipnetwork::IpNetwork;
use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::OnceLock,
};
use wire::code::{Continent, Country};

/// Under Miri everything is some thousand times as slow, so a loop over damages takes so many times fewer of them.
const FEWER: usize = if cfg!(miri) { 5_000 } else { 1 };

fn code(text: &str) -> Country {
    Country::parse(text.as_bytes()).unwrap()
}

fn prefix(text: &str) -> IpNetwork {
    let prefix: IpNetwork = text.parse().unwrap();
    IpNetwork::new(prefix.network(), prefix.prefix()).unwrap()
}

/// Three hosts: 7 in DE (and for one directory in AT too), 8 in FR, 9 nowhere and private.
pub(super) fn inventory() -> Inventory {
    let mut inventory = Inventory { source_time: 1_700_000_000, ..Inventory::default() };
    for (id, country, bandwidth) in [(9, None, 0), (7, Some("DE"), 100), (8, Some("FR"), 5)] {
        let host = Host { country: country.map(code), bandwidth, ..Host::default() };
        inventory.hosts.insert(id, host);
    }
    inventory.hosts[2].countries_allowed = Some(BTreeSet::from([code("FR"), code("BE")]));
    for (host, (scheme, text)) in [
        (Scheme::Rsync, "rsync://nine.example.org/m"),
        (Scheme::Https, "https://seven.example.org/m"),
        (Scheme::Http, "http://eight.example.org/m"),
    ]
    .into_iter()
    .enumerate()
    {
        inventory.urls.insert(HostUrl { scheme, text: text.into() });
        inventory.placements.insert(Placement { host: host as u32, urls: vec![host as u32] });
    }
    let carrier = |placement, public, countries: &[&str]| Carrier {
        placement,
        public,
        countries: countries.iter().map(|country| code(country)).collect(),
    };
    let mut fedora = Roster::default();
    let one = carrier(1, true, &["DE"]);
    let all = [carrier(0, false, &[]), carrier(1, true, &["AT", "DE"]), carrier(2, true, &["FR"])];
    assert_eq!((fedora.set_of(all), fedora.set_of([one.clone()])), (0, 1));
    let mut others = Roster::default();
    others.set_of([one]);
    inventory.rosters = vec![fedora, others];
    for (path, (roster, set), subpath) in [
        ("pub/fedora/42/os", (0, 0), "42/os"),
        ("pub/fedora/42/os/repodata", (0, 1), "42/os/repodata"),
        ("pub/fedora", (0, 0), ""),
        ("odd/place", (1, 0), "elsewhere"),
        ("top", (1, 0), "top"),
    ] {
        let carriers = SetPosition { roster, set };
        inventory.directories.insert(path.into(), Directory { carriers, subpath: subpath.into() });
    }
    for (name, time, own_time, max_age) in
        [("mirrormanager", 1_700_000_000, true, 100), ("netblocks", 0, false, 0)]
    {
        inventory.sources.push(inventory::Source { name: name.into(), time, own_time, bytes: 77, max_age });
    }
    let version = FileVersion { timestamp: 5, size: 6, sha256: Some([7; 32]), ..FileVersion::default() };
    let older = FileVersion { md5: Some([1; 16]), sha512: Some([2; 64]), ..FileVersion::default() };
    inventory.files.insert((1, "repomd.xml".into()), vec![version, older]);
    let fedora = Repository {
        archs: [("x86_64".into(), "pub/fedora/42/os".into()), ("s390x".into(), "pub/gone".into())].into(),
        ..Repository::default()
    };
    inventory.repositories.insert("fedora-42".into(), fedora);
    let redirect = Repository { redirect: Some("fedora-42".into()), ..Repository::default() };
    inventory.repositories.insert("rawhide".into(), redirect);
    let disabled = Repository { disabled: true, ..Repository::default() };
    inventory.repositories.insert("core-6".into(), disabled);
    inventory.locations.insert("dc:1".into(), BTreeSet::from([0]));
    inventory.netblocks.insert(prefix("10.0.0.0/8"), BTreeSet::from([0, 1]));
    inventory.netblocks.insert(prefix("10.1.0.0/16"), BTreeSet::from([2]));
    inventory.netblocks.insert(prefix("2001:db8::/72"), BTreeSet::from([2]));
    inventory.asn_hosts.insert(64_500, BTreeSet::from([1]));
    inventory.routes = vec![
        (prefix("192.0.2.0/24"), Some(64_500)),
        (prefix("192.0.2.128/25"), Some(64_501)),
        (prefix("2001:db8::/32"), Some(64_500)),
    ];
    inventory.geoip = vec![(prefix("192.0.0.0/8"), code("DE")), (prefix("2001:db8::/48"), code("FR"))];
    inventory.country_overrides.insert(prefix("192.0.2.7/32"), code("AT"));
    for country in ["AT", "DE", "FR"] {
        inventory.continents.insert(code(country), Continent::parse(b"EU").unwrap());
    }
    inventory.site = Site {
        young: 1800,
        public_url: Some("https://dl.example.org".into()),
        origins: [
            ("pub/fedora".into(), "https://origin.example.org/fedora".into()),
            ("pub/fedora/42".into(), "http://new.example.org/42".into()),
        ]
        .into(),
        origin_only: vec!["*.torrent".into(), "pub/*/new/*".into()],
        aliases: [
            ("pub/fedora/latest".into(), "pub/fedora/42".into()),
            ("pub/fedora/latest/os".into(), "pub/fedora/42/os".into()),
        ]
        .into(),
    };
    let host = &mut inventory.hosts[1];
    (host.place, host.families, host.only) =
        (Place::new(52.5, 13.4), Families::V4.with(Families::V6), Only::Continent);
    inventory.exclusive_netblocks.insert(prefix("10.0.0.0/8"), BTreeSet::from([1]));
    inventory.exclusive_asns.insert(64_500, BTreeSet::from([1]));
    inventory.choice.near_hosts = 3;
    inventory.choice.avoid.insert(code("AT"), [code("DE"), code("FR")].into());
    inventory
}

fn write_it() -> CacheBytes {
    write(&inventory(), 1_800_000_000).unwrap().0
}

/// Written once for all tests: under Miri that takes minutes, and so does checking it.
fn written() -> &'static CacheBytes {
    static WRITTEN: OnceLock<CacheBytes> = OnceLock::new();
    WRITTEN.get_or_init(write_it)
}

fn checked() -> View<'static> {
    static CHECKED: OnceLock<View<'static>> = OnceLock::new();
    *CHECKED.get_or_init(|| View::check(written()).unwrap())
}

fn path(view: &View<'_>, directory: DirectoryId) -> String {
    let mut path = Vec::new();
    view.directory_path(directory, &mut path);
    String::from_utf8(path).unwrap()
}

#[test]
fn directories_and_files_are_found_by_their_whole_path() {
    let view = checked();
    let subpaths = [
        ("pub/fedora/42/os", "42/os"),
        ("pub/fedora/42/os/repodata", "42/os/repodata"),
        ("pub/fedora", ""),
        ("odd/place", "elsewhere"),
        ("top", "top"),
    ];
    for (whole, subpath) in subpaths {
        let Some(Found::Directory(directory)) = view.find(whole.as_bytes()) else { panic!("no {whole}") };
        assert_eq!(path(&view, directory), whole);
        let mut out = b"before ".to_vec();
        view.subpath(directory, &mut out);
        assert_eq!(out, [b"before ", subpath.as_bytes()].concat());
    }
    for unknown in ["pub", "pub/fedora/42", "", "42/os", "pub/gone", "fedora-42", "pub/fedora/42/os/", "/top"]
    {
        assert_eq!(view.find(unknown.as_bytes()), None, "{unknown}");
    }
    let Some(Found::File(file)) = view.find(b"pub/fedora/42/os/repodata/repomd.xml") else {
        panic!("no file")
    };
    let (directory, name) = view.file(file).unwrap();
    assert_eq!((path(&view, directory).as_str(), name), ("pub/fedora/42/os/repodata", "repomd.xml"));
    let versions: Vec<Version<'_>> = view.versions(file).collect();
    assert_eq!((versions[0].timestamp, versions[0].size), (5, 6));
    assert_eq!(versions[0].hashes, [None, None, Some(&[7; 32][..]), None]);
    assert_eq!(versions[1].hashes, [Some(&[1; 16][..]), None, None, Some(&[2; 64][..])]);
}

#[test]
fn repositories_know_archs_redirects_and_whether_they_are_disabled() {
    let view = checked();
    let fedora = view.repository_id(b"fedora-42").unwrap();
    let archs: Vec<&str> = view.repo_archs(fedora).map(|repo_arch| view.arch_of(repo_arch)).collect();
    assert_eq!(archs, ["s390x", "x86_64"]);
    let repo_arch = view.repo_arch(view.repo_arch_id(fedora, b"x86_64").unwrap()).unwrap();
    assert_eq!(path(&view, repo_arch.directory.unwrap()), "pub/fedora/42/os");
    assert_eq!(path(&view, repo_arch.repodata.unwrap()), "pub/fedora/42/os/repodata");
    assert!(repo_arch.repomd.is_some());
    let gone = view.repo_arch(view.repo_arch_id(fedora, b"s390x").unwrap()).unwrap();
    assert_eq!(gone, RepoArch { directory: None, repodata: None, repomd: None });
    let rawhide = view.repository_id(b"rawhide").unwrap();
    assert_eq!(view.repository(rawhide).unwrap().redirect, Some(fedora));
    assert!(view.repository(view.repository_id(b"core-6").unwrap()).unwrap().disabled);
    assert_eq!(view.repository_id(b"fedora-4"), None);
    assert_eq!(view.repository_of(RepoArchId(1)), fedora);
    assert_eq!(view.first_repo_arch_from(b"zzz"), RepoArchId(2));
}

#[test]
fn carrier_sets_keep_countries_placements_and_who_is_public() {
    let view = checked();
    let Some(Found::Directory(directory)) = view.find(b"pub/fedora") else { panic!() };
    let set = view.set(view.carriers(directory));
    let ids: Vec<(i64, bool)> = set
        .iter()
        .map(|(_, member)| (view.host_source_id(view.placement_host(member.placement)), member.public))
        .collect();
    assert_eq!(ids, [(7, true), (8, true), (9, false)]);
    let countries: Vec<(String, usize)> = set
        .countries()
        .map(|(country, range)| {
            (view.country_code(country).unwrap().to_string(), set.positions(range).count())
        })
        .collect();
    assert_eq!(countries, [("AT".into(), 1), ("DE".into(), 0), ("FR".into(), 1)]);
    let extras: Vec<(String, usize)> =
        set.extras().map(|(country, at)| (view.country_code(country).unwrap().to_string(), at)).collect();
    assert_eq!(extras, [("DE".into(), 0)]);
    let eight = view.host_id(8).unwrap();
    let allowed: Vec<String> = view
        .countries_allowed(eight)
        .unwrap()
        .map(|country| view.country_code(country).unwrap().to_string())
        .collect();
    assert_eq!(allowed, ["BE", "FR"]);
    assert!(view.countries_allowed(view.host_id(7).unwrap()).is_none());
    assert_eq!(view.bandwidth(view.host_id(9).unwrap()), 1);
    let urls: Vec<&str> =
        view.placement_urls(set.get(0).unwrap().placement).map(|url| view.url(url).unwrap().1).collect();
    assert_eq!(urls, ["https://seven.example.org/m"]);
}

#[test]
fn sources_are_told_with_their_age_where_it_is_known() {
    let sources: Vec<super::Source<'_>> = checked().sources().collect();
    assert_eq!(
        sources,
        [
            super::Source {
                name: "mirrormanager",
                time: Some(1_700_000_000),
                own_time: true,
                bytes: 77,
                max_age: Some(100),
            },
            super::Source { name: "netblocks", time: None, own_time: false, bytes: 77, max_age: None },
        ]
    );
    let old = |now| [0, 1].map(|at| sources[at].is_old(now));
    assert_eq!(old(1_700_000_100), [false, false]);
    assert_eq!(old(1_700_000_101), [true, false]);
    assert_eq!([0, 1].map(|at| sources[at].age(1_700_000_060)), [Some(60), None]);
    // Clocks differ.
    assert_eq!(sources[0].age(1), Some(0));
}

/// Rosters of every width around the end of a word, with sets of one, all and random hosts.
#[test]
#[cfg_attr(miri, ignore = "writes a dozen caches")]
fn sets_are_what_went_in_at_every_width() {
    for hosts in [1_u32, 2, 31, 32, 33, 63, 64, 65, 95, 96, 97, 300] {
        let mut inventory = inventory();
        let mut roster = Roster::default();
        // Inventories have hosts in any order; those of odd numbers stand for a country, every seventh for another too.
        let carrier = |host: u32| {
            let countries =
                if host.is_multiple_of(2) { vec![] } else { vec![code(["DE", "FR"][host as usize / 2 % 2])] };
            let more = (host % 7 == 1).then(|| code("ZZ"));
            let countries = countries.into_iter().chain(more).collect();
            Carrier { placement: 3 + host, public: !host.is_multiple_of(3), countries }
        };
        let sets: Vec<Vec<u32>> = [vec![], vec![0], vec![hosts - 1], (0..hosts).rev().collect()]
            .into_iter()
            .chain((2..9).map(|step| (0..hosts).filter(|host| host * host % 11 < step).collect()))
            .collect();
        for host in 0..hosts {
            inventory.hosts.insert(1000 - i64::from(host), Host::default());
            let at = inventory.hosts.len() as u32 - 1;
            inventory.placements.insert(Placement { host: at, urls: vec![0] });
        }
        for (number, set) in sets.iter().enumerate() {
            let carriers =
                SetPosition { roster: 2, set: roster.set_of(set.iter().map(|host| carrier(*host))) };
            let subpath = number.to_string();
            inventory.directories.insert(format!("many/{subpath}"), Directory { carriers, subpath });
        }
        inventory.rosters.push(roster);
        let bytes = write(&inventory, 0).unwrap().0;
        let view = View::check(&bytes).unwrap();
        for (number, hosts) in sets.iter().enumerate() {
            let path = format!("many/{number}");
            let Some(Found::Directory(directory)) = view.find(path.as_bytes()) else { panic!("no {path}") };
            let set = view.set(view.carriers(directory));
            for country in (0..view.country_count() as u16).map(CountryId) {
                let one = set.countries().find(|(one, _)| *one == country);
                assert_eq!(set.country(country), one.map_or(0..0, |(_, range)| range));
            }
            let mut found: Vec<(u32, bool, Vec<Country>)> = set
                .iter()
                .map(|(at, member)| {
                    assert!(set.contains(at) && set.get(at) == Some(member) && at < set.width());
                    let id = view.host_source_id(view.placement_host(member.placement));
                    let first = set.countries().find(|(_, range)| range.contains(&at));
                    let further = set.extras().filter(|(_, one)| *one == at).map(|(country, _)| country);
                    let countries = first.map(|(country, _)| country).into_iter().chain(further);
                    let countries = countries.map(|country| view.country_code(country).unwrap());
                    ((1000 - id) as u32, member.public, countries.collect())
                })
                .collect();
            found.sort();
            let mut hosts = hosts.clone();
            hosts.sort_unstable();
            let expected: Vec<_> =
                hosts.into_iter().map(|host| (host, carrier(host).public, carrier(host).countries)).collect();
            assert_eq!(found, expected, "{path}");
            assert_eq!((set.len(), set.is_empty()), (expected.len(), expected.is_empty()));
        }
    }
}

#[test]
fn an_address_leads_to_country_asn_and_nested_netblocks() {
    let view = checked();
    let of = |address: &str| {
        let class = view.class(address.parse().unwrap());
        let mut netblocks = Vec::new();
        let mut next = class.netblock;
        while let Some(netblock) = next {
            netblocks.push(view.netblock(netblock).unwrap().to_string());
            next = view.netblock_parent(netblock);
        }
        let country =
            class.country.and_then(|country| view.country_code(country)).map(|code| code.to_string());
        (country, class.asn.map(|asn| view.asn_number(asn)), netblocks)
    };
    let none = Vec::<String>::new;
    assert_eq!(of("10.1.2.3"), (None, None, vec!["10.1.0.0/16".into(), "10.0.0.0/8".into()]));
    assert_eq!(of("10.2.0.0"), (None, None, vec!["10.0.0.0/8".into()]));
    assert_eq!(of("11.0.0.0"), (None, None, none()));
    assert_eq!(of("192.0.2.1"), (Some("DE".into()), Some(64_500), none()));
    assert_eq!(of("192.0.2.7"), (Some("AT".into()), Some(64_500), none()));
    assert_eq!(of("192.0.2.200"), (Some("DE".into()), None, none()));
    assert_eq!(of("255.255.255.255"), (None, None, none()));
    let deep = vec!["2001:db8::/72".to_string()];
    assert_eq!(of("2001:db8::ff:ffff:ffff:ffff"), (Some("FR".into()), Some(64_500), deep));
    assert_eq!(of("2001:db8::100:0:0:0"), (Some("FR".into()), Some(64_500), none()));
    assert_eq!(of("2001:db8:1::"), (None, Some(64_500), none()));
    assert_eq!(of("2001:db9::"), (None, None, none()));
}

/// A small generator of numbers; tests need no more chance than that.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Few distinct bits, so that prefixes nest and meet: at the ends, around /64, next to each other.
fn some_address(dice: &mut Dice, v4: bool) -> IpAddr {
    let mut byte = || [0u8, 0, 1, 0x80, 0xff, 0xff][dice.below(6) as usize];
    if v4 {
        IpAddr::from([byte(), byte(), byte(), byte()])
    } else {
        let mut octets = [if byte() < 2 { 0 } else { 0xff }; 16];
        octets.iter_mut().skip(6).take(5).for_each(|octet| *octet = byte());
        octets[15] = byte();
        octets[0] = byte();
        IpAddr::from(octets)
    }
}

#[test]
#[cfg_attr(miri, ignore = "writes and checks thirty caches")]
fn classes_agree_with_a_linear_scan() {
    let mut dice = Dice(7);
    for _ in 0..30 {
        let mut inventory = inventory();
        (inventory.routes, inventory.geoip) = (Vec::new(), Vec::new());
        inventory.netblocks.clear();
        inventory.country_overrides.clear();
        let some_prefix = |dice: &mut Dice| {
            let v4 = dice.below(2) == 0;
            let lengths: &[u8] =
                if v4 { &[0, 7, 8, 16, 17, 31, 32] } else { &[0, 8, 63, 64, 65, 80, 127, 128] };
            let length = lengths[dice.below(lengths.len() as u64) as usize];
            let network = IpNetwork::new(some_address(dice, v4), length).unwrap();
            IpNetwork::new(network.network(), length).unwrap()
        };
        for _ in 0..dice.below(60) {
            let origin = [None, Some(64_500), Some(64_501), Some(64_502)][dice.below(4) as usize];
            inventory.routes.push((some_prefix(&mut dice), origin));
            inventory.geoip.push((some_prefix(&mut dice), code(["DE", "FR", "AT"][dice.below(3) as usize])));
            inventory.netblocks.insert(some_prefix(&mut dice), BTreeSet::from([0]));
            inventory
                .country_overrides
                .insert(some_prefix(&mut dice), code(["DE", "BE"][dice.below(2) as usize]));
        }
        let bytes = write(&inventory, 0).unwrap().0;
        let view = View::check(&bytes).unwrap();
        for _ in 0..300 {
            let v4 = dice.below(2) == 0;
            let address = some_address(&mut dice, v4);
            let longest = |prefixes: &[(IpNetwork, Country)]| {
                let inside = prefixes.iter().filter(|(prefix, _)| prefix.contains(address));
                inside.max_by_key(|(prefix, _)| prefix.prefix()).map(|found| found.1)
            };
            let overrides: Vec<_> = inventory.country_overrides.iter().map(|(p, c)| (*p, *c)).collect();
            let country = longest(&overrides).or_else(|| longest(&inventory.geoip));
            let inside = inventory.routes.iter().filter(|(prefix, _)| prefix.contains(address));
            let asn = inside.max_by_key(|(prefix, _)| prefix.prefix()).and_then(|found| found.1);
            let inside = inventory.netblocks.keys().filter(|prefix| prefix.contains(address));
            let netblock = inside.max_by_key(|prefix| prefix.prefix());
            let class = view.class(address);
            assert_eq!(class.country.and_then(|country| view.country_code(country)), country, "{address}");
            let found = class.asn.map(|asn| view.asn_number(asn));
            assert_eq!(found, asn.filter(|number| *number == 64_500), "{address}");
            let found = class.netblock.and_then(|netblock| view.netblock(netblock));
            assert_eq!(
                found.map(|found| (found.address, found.length)),
                netblock.map(|n| (n.network(), n.prefix()))
            );
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "writes another cache, and looks at it no more than the other tests do")]
fn equal_inventories_give_equal_bytes() {
    assert_eq!(*write_it(), **written());
}

#[test]
fn every_damage_is_found() {
    let good = written();
    checked();
    for length in (0..good.len()).step_by(97 * FEWER).chain([0, 1, FILE_HEADER_LEN, good.len() - 1]) {
        assert!(View::check(&CacheBytes::copy_of(&good[..length])).is_err(), "cut at {length}");
    }
    for at in (0..good.len()).step_by(13 * FEWER).chain((0..FILE_HEADER_LEN).step_by(FEWER.min(12))) {
        let mut bytes = good.to_vec();
        bytes[at] ^= 0x10;
        assert!(View::check(&CacheBytes::copy_of(&bytes)).is_err(), "flip at {at}");
    }
    let longer = [&good[..], b"x"].concat();
    let expected = (good.len() - FILE_HEADER_LEN) as u64;
    let refusal = View::check(&CacheBytes::copy_of(&longer)).unwrap_err();
    assert_eq!(refusal, CacheError::Length { expected, found: expected + 1 });
}

#[test]
fn what_is_larger_than_a_cache_may_be_is_refused_by_its_header() {
    let head = |payload_len| FileHeader { payload_len, ..FileHeader::of(b"", 1, 2) };
    let judge = |payload_len| {
        FileHeader::announced(&head(payload_len).encode(), FILE_HEADER_LEN as u64 + payload_len)
    };
    assert_eq!(judge(MOST_PAYLOAD), Ok(head(MOST_PAYLOAD)));
    assert_eq!(judge(MOST_PAYLOAD + 1), Err(CacheError::TooLarge { found: MOST_PAYLOAD + 1 }));
}

/// Damage that the checksum was made to fit: refused, or a wrong answer, never a panic.
#[test]
fn a_forged_cache_panics_nowhere() {
    let good = written();
    let (header, payload) = FileHeader::decode(good).unwrap();
    let mut dice = Dice(3);
    let mut accepted = 0;
    for _ in 0..1_500_usize.div_ceil(FEWER) {
        let mut payload = payload.to_vec();
        for _ in 0..1 + dice.below(3) {
            // The IPv4 blocks in the middle are most of a small payload: look at what is around them as often.
            let length = payload.len() as u64;
            let at = match dice.below(3) {
                0 => dice.below(length),
                1 => dice.below(length / 100),
                _ => length - 1 - dice.below(length / 100),
            } as usize;
            payload[at] = [0, 1, 0xff, dice.below(256) as u8][dice.below(4) as usize];
        }
        let mut bytes = CacheBytes::begin();
        bytes.extend_from_slice(&payload);
        let bytes = CacheBytes::finish(bytes, header.build_time, header.source_time);
        let view = match View::check(&bytes) {
            Ok(view) => {
                accepted += 1;
                view
            }
            // What the semantic pass refuses must still be safe to look at.
            Err(_) => match View::access(&bytes) {
                Ok(view) => view,
                Err(_) => continue,
            },
        };
        look_at_everything(&view);
    }
    assert!(accepted > 0 || cfg!(miri));
}

fn look_at_everything(view: &View<'_>) {
    let mut out = Vec::new();
    for whole in ["pub/fedora/42/os", "pub/fedora/42/os/repodata/repomd.xml", "top", "x"] {
        if let Some(Found::File(file)) = view.find(whole.as_bytes()) {
            view.file(file);
            view.versions(file).for_each(drop);
        }
    }
    for directory in (0..view.directory_count() as u32 + 1).map(DirectoryId) {
        view.subpath(directory, &mut out);
        let set = view.set(view.carriers(directory));
        set.extras().for_each(drop);
        for position in set.countries().flat_map(|(_, range)| set.positions(range)) {
            let member = set.get(position).unwrap();
            view.placement_schemes(member.placement);
            let host = view.placement_host(member.placement);
            view.bandwidth(host);
            view.countries_allowed(host).map(Iterator::count);
            view.placement_urls(member.placement).filter_map(|url| view.url(url)).for_each(|_| ());
        }
        out.clear();
    }
    for name in ["fedora-42", "rawhide"] {
        let Some(repository) = view.repository_id(name.as_bytes()) else { continue };
        for repo_arch in view.repo_archs(repository) {
            assert!(view.repo_arch(repo_arch).is_some() || repo_arch.0 as usize >= view.repo_arch_count());
            view.repository_of(repo_arch);
        }
        view.first_repo_arch_from(name.as_bytes());
    }
    view.location(b"dc:1").map(|location| view.location_hosts(location).count());
    let addresses = [
        IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3)),
        IpAddr::V4(Ipv4Addr::BROADCAST),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7)),
    ];
    for class in addresses.map(|address| view.class(address)) {
        let mut next = class.netblock;
        while let Some(netblock) = next {
            view.netblock_hosts(netblock).for_each(drop);
            next = view.netblock_parent(netblock);
        }
        class.asn.map(|asn| view.asn_hosts(asn).count());
        class
            .country
            .and_then(|country| view.continent(country))
            .map(|continent| view.continent_code(continent));
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no O_NONBLOCK")]
fn of_what_is_no_cache_only_the_header_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("huge");
    let refusal = |first_bytes: &[u8]| {
        fs::write(&file, first_bytes).unwrap();
        // More than any machine can take into memory; without a block on the disk.
        fs::File::options().write(true).open(&file).unwrap().set_len(1 << 43).unwrap();
        CacheBytes::read(&file).unwrap_err().to_string()
    };
    assert_eq!(refusal(b"<html>"), "not a mirrorlist cache");
    let found = (1_u64 << 43) - FILE_HEADER_LEN as u64;
    let good = written();
    let expected = good.len() - FILE_HEADER_LEN;
    assert_eq!(refusal(good), format!("{found} bytes of payload, its header says {expected}"));
    fs::write(&file, "").unwrap();
    assert_eq!(CacheBytes::read(&file).unwrap_err().to_string(), "0 bytes are too few for a cache");
}

/// A forged range of 32-bit numbers could be walked for minutes, and what is found in it kept.
#[test]
#[cfg_attr(miri, ignore = "writes another cache")]
fn a_repository_has_no_more_archs_than_there_are() {
    let mut schema = super::write::lay_out(&inventory()).unwrap();
    schema.repositories[1].repo_archs = u32::MAX;
    let bytes = super::write::serialise(&schema, 0).unwrap();
    assert!(View::check(&bytes).is_err());
    let view = View::access(&bytes).unwrap();
    assert_eq!(view.repo_archs(RepositoryId(0)).len(), view.repo_arch_count());
}

/// What `check` refuses for good reasons, looked at without it: each look-up ends as soon as it does on a good cache.
#[test]
#[cfg_attr(miri, ignore = "writes large caches")]
fn whatever_the_bytes_say_a_look_up_ends() {
    let mut schema = super::write::lay_out(&inventory()).unwrap();
    let empty = schema.text_start.len() as u32 - 1;
    schema.text_start.push(schema.text.len() as u32);
    (schema.nodes[0].parent, schema.nodes[0].name) = (0, empty);
    schema.nodes[1].parent = 1;
    schema.netblocks[0].parent = 0;
    let bytes = super::write::serialise(&schema, 0).unwrap();
    assert!(View::check(&bytes).is_err());
    let view = View::access(&bytes).unwrap();
    for directory in [0, 1].map(DirectoryId) {
        let mut out = b"before ".to_vec();
        view.directory_path(directory, &mut out);
        assert!(out.len() <= 7 + limits::MOST_PATH);
        view.subpath(directory, &mut out);
    }
    assert_eq!(view.netblock_parent(NetblockId(0)), None);
    assert_eq!(view.find(&[b'/'; 1 << 16]), None);
}

#[test]
#[cfg_attr(miri, ignore = "writes a large cache")]
fn a_table_full_of_one_tag_is_given_up_soon() {
    let mut schema = super::write::lay_out(&inventory()).unwrap();
    schema.paths.slots = vec![0; 1 << 16];
    // Of tags that are none of the string's, and then of its own: more slots are passed than strings compared.
    for (tags, most) in [(0x80..=0xff, limits::MOST_COMPARISONS), (0x01..=0x01, 0)] {
        for tag in tags {
            schema.paths.tags = vec![tag; 1 << 16];
            let bytes = super::write::serialise(&schema, 0).unwrap();
            let view = View::access(&bytes).unwrap();
            let compared = std::cell::Cell::new(0);
            let found = view.schema().paths.find(b"pub/fedora", |_| {
                compared.set(compared.get() + 1);
                false
            });
            assert_eq!(found, None);
            assert!(compared.get() == 0 || compared.get() == most, "{}", compared.get());
        }
    }
}

#[test]
fn an_inventory_with_more_than_a_cache_holds_is_refused() {
    let refusal = |change: fn(&mut Inventory)| {
        let mut inventory = inventory();
        change(&mut inventory);
        write(&inventory, 0).unwrap_err().to_string()
    };
    for (text, change) in [
        (
            "256 URLs of one host for one tree, a cache holds at most 255",
            (|inventory| {
                inventory.placements.insert(Placement { host: 0, urls: vec![0; 256] });
            }) as fn(&mut Inventory),
        ),
        ("256 versions of one file, a cache holds at most 255", |inventory| {
            inventory.files.insert((0, "many".into()), vec![FileVersion::default(); 256]);
        }),
        ("2050 bytes of a path, a cache holds at most 2049", |inventory| {
            inventory.directories.insert(
                "x/".repeat(1025),
                Directory { carriers: SetPosition::default(), subpath: String::new() },
            );
        }),
        ("1025 bytes of one text, a cache holds at most 1024", |inventory| {
            inventory.urls.insert(HostUrl { scheme: Scheme::Http, text: "x".repeat(1025) });
        }),
    ] {
        assert_eq!(refusal(change), text);
    }
}

#[test]
fn what_the_site_says_is_found_by_whole_components_the_longest_first() {
    let bytes = write_it();
    let view = View::check(&bytes).unwrap();
    assert_eq!((view.young(), view.public_url()), (1800, Some("https://dl.example.org")));
    let origin = |path: &str| view.origin_of(path.as_bytes()).map(|origin| (origin.top, origin.scheme()));
    assert_eq!(origin("pub/fedora/41/x"), Some(("pub/fedora", Scheme::Https)));
    assert_eq!(origin("pub/fedora"), Some(("pub/fedora", Scheme::Https)));
    assert_eq!(origin("pub/fedora/42/os/x"), Some(("pub/fedora/42", Scheme::Http)));
    assert_eq!([origin("pub/fedora-old/x"), origin("pub"), origin("")], [None; 3]);
    let alias = |path: &str| view.alias_of(path.as_bytes());
    assert_eq!(alias("pub/fedora/latest"), Some(("pub/fedora/42", 17)));
    assert_eq!(alias("pub/fedora/latest/iso/x"), Some(("pub/fedora/42", 17)));
    assert_eq!(alias("pub/fedora/latest/os/x"), Some(("pub/fedora/42/os", 20)));
    assert_eq!([alias("pub/fedora/latestx"), alias("pub/fedora/42")], [None; 2]);
    let only = |path: &str| view.is_origin_only(path.as_bytes());
    assert!(only("a/b.torrent") && only("pub/a/new/x") && !only("a/b.torrents") && !only("pub/new/x"));
    assert_eq!((view.origins().len(), view.aliases().len(), view.origin_only().len()), (2, 2, 2));
}

#[test]
fn the_origin_of_everything_has_the_empty_path() {
    let mut inventory = inventory();
    inventory.site.origins = [(String::new(), "https://origin.example.org".into())].into();
    let bytes = write(&inventory, 0).unwrap().0;
    let view = View::check(&bytes).unwrap();
    assert_eq!(view.origin_of(b"any/thing").map(|origin| origin.top), Some(""));
    // Without a word of the site there is nothing to find.
    inventory.site = Site::default();
    let bytes = write(&inventory, 0).unwrap().0;
    let view = View::check(&bytes).unwrap();
    assert_eq!((view.young(), view.public_url(), view.origin_of(b"any/thing")), (0, None, None));
    assert!(view.alias_of(b"any/thing").is_none() && !view.is_origin_only(b"any/thing"));
}

#[test]
fn what_is_known_of_hosts_for_the_choice_comes_back() {
    let mut inventory = inventory();
    // Positions 3 to 6.
    let dubai = Place::new(25.2, 55.3);
    let facts = [
        (11, "AE", dubai, Families::V4, Only::Country),
        (12, "IL", None, Families::UNKNOWN, Only::Everyone),
        (13, "JP", None, Families::V4.with(Families::V6), Only::Continent),
        (14, "SA", None, Families::V6, Only::Everyone),
    ];
    for (id, country, place, families, only) in facts {
        let country = Some(code(country));
        inventory.hosts.insert(id, Host { country, place, families, only, ..Host::default() });
    }
    let block = prefix("192.0.2.0/24");
    inventory.netblocks.insert(block, BTreeSet::from([3, 4, 5]));
    inventory.exclusive_netblocks = [(block, BTreeSet::from([4]))].into();
    inventory.asn_hosts.insert(64_501, BTreeSet::from([5, 6]));
    inventory.exclusive_asns = [(64_501, BTreeSet::from([6]))].into();
    let (never, named) = (BTreeSet::from([code("IL")]), BTreeSet::from([code("JP")]));
    inventory.choice.neighbours = [
        (code("SA"), Neighbours { never, ..Neighbours::default() }),
        (code("AE"), Neighbours { named, ..Neighbours::default() }),
    ]
    .into();
    inventory.choice.avoid = [(code("SA"), [code("JP"), code("ZZ")].into())].into();
    let (bytes, _) = write(&inventory, 1).unwrap();
    let view = View::check(&bytes).unwrap();
    let country = |text| view.country_id(code(text)).unwrap();
    let hosts @ [ae, il, jp, sa] = [11, 12, 13, 14].map(|id| view.host_id(id).unwrap());
    assert_eq!(view.near_hosts(), 3);
    let ring = |of, number: usize| hosts.map(|host| view.rings(country(of))[number].contains(host));
    assert_eq!(ring("SA", 0), [false; 4], "Dubai is 1,000 km and more from the middle");
    assert_eq!(ring("SA", 1), [true, false, false, false], "Israel is near, and said to be no neighbour");
    assert_eq!(ring("IL", 1), [false, false, false, true]);
    assert_eq!(ring("AE", 0), [false, false, true, false], "as the site says");
    assert_eq!(view.place(ae), dubai);
    assert_eq!(view.place(jp), Place::of(code("JP")), "that of its country");
    assert_eq!(view.place(view.host_id(9).unwrap()), None);
    assert!(view.families(ae).lack(Families::V6) && !view.families(ae).lack(Families::V4));
    assert!(!view.families(il).lack(Families::V6) && !view.families(jp).lack(Families::V6));
    assert_eq!([ae, il, jp].map(|host| view.only(host)), [Only::Country, Only::Everyone, Only::Continent]);
    assert_eq!(view.avoided(country("SA")).collect::<Vec<_>>(), [country("JP")]);
    assert_eq!(view.avoided(country("JP")).len(), 0);
    let netblock = view.class("192.0.2.1".parse().unwrap()).netblock.unwrap();
    assert_eq!(view.netblock_exclusive(netblock).collect::<Vec<_>>(), [il]);
    assert_eq!(view.asn_exclusive(view.asn_id(64_501).unwrap()).collect::<Vec<_>>(), [sa]);
    assert_eq!(view.asn_exclusive(view.asn_id(64_500).unwrap()).count(), 0);
}
