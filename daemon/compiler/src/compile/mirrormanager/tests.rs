//! What the importer makes of small caches, record by record.

use super::{import, import_under};
use crate::compile::{
    error::Cause,
    policy::Policy,
    skipped::{InputTable, Reason, Skipped},
};
use cache::{
    inventory::Inventory,
    scheme::{Scheme, Schemes},
};
use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, IntInt, IntInts, IntString, IntStrings, MirrorList,
    MirrorListDirectory, StringBool, StringInts, StringString,
};
use prost::Message;
use std::{collections::BTreeMap, io::Cursor};
use wire::code::Country;

fn ints(key: i64, value: &[i64]) -> IntInts {
    IntInts { key: Some(key), value: value.to_vec() }
}

fn string_ints(key: &str, value: &[i64]) -> StringInts {
    StringInts { key: Some(key.into()), value: value.to_vec() }
}

fn strings(key: &str, value: &str) -> StringString {
    StringString { key: Some(key.into()), value: Some(value.into()) }
}

fn int_string(key: i64, value: &str) -> IntString {
    IntString { key: Some(key), value: Some(value.into()) }
}

fn directory(path: &str, hosts: &[(i64, &[i64])], public: &[i64]) -> MirrorListDirectory {
    MirrorListDirectory {
        directory: Some(path.into()),
        subpath: Some("sub".into()),
        global: public.to_vec(),
        by_host_id: hosts.iter().map(|(host, urls)| ints(*host, urls)).collect(),
        ..Default::default()
    }
}

/// Hosts 1, 2 and 3 with URLs 10, 20 and 30; host 3 is private.
fn three_hosts() -> MirrorList {
    MirrorList {
        time: Some(1_784_160_000),
        hcurl: vec![
            int_string(10, "https://one.example.org/pub/"),
            int_string(20, "ftp://two.example.org/pub"),
            int_string(30, "RSYNC://three.example.org/pub//"),
        ],
        mirror_list: vec![directory("pub/a", &[(1, &[10]), (2, &[20]), (3, &[30])], &[1, 2])],
        ..Default::default()
    }
}

fn read(list: &MirrorList) -> (Inventory, Skipped) {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    import(&list.encode_to_vec(), &mut inventory, &mut skipped).unwrap();
    (inventory, skipped)
}

/// The same under a policy that excludes these protocols.
fn read_without(excluded: &[Scheme], list: &MirrorList) -> (Inventory, Skipped) {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    let policy =
        Policy { exclude_protocols: excluded.iter().copied().collect::<Schemes>(), ..Policy::default() };
    import_under(&policy, Cursor::new(list.encode_to_vec()), &mut inventory, &mut skipped).unwrap();
    (inventory, skipped)
}

fn country(code: &str) -> Country {
    Country::parse(code.as_bytes()).unwrap()
}

/// Members of a directory as (host id, public).
fn members(inventory: &Inventory, path: &str) -> Vec<(i64, bool)> {
    let mut members: Vec<_> = inventory.carriers(&inventory.directories[path]).collect();
    members.sort_by_key(|carrier| carrier.placement);
    members.iter().map(|carrier| (host_id(inventory, carrier.placement), carrier.public)).collect()
}

/// Country groups of a directory as (country, host ids).
fn groups(inventory: &Inventory, path: &str) -> Vec<(String, Vec<i64>)> {
    let mut groups: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut members: Vec<_> = inventory.carriers(&inventory.directories[path]).collect();
    members.sort_by_key(|carrier| carrier.placement);
    for carrier in members {
        for country in &carrier.countries {
            groups.entry(country.to_string()).or_default().push(host_id(inventory, carrier.placement));
        }
    }
    groups.into_iter().collect()
}

fn host_id(inventory: &Inventory, placement: u32) -> i64 {
    let host = inventory.placements[placement as usize].host;
    *inventory.hosts.get_index(host as usize).unwrap().0
}

#[test]
fn a_small_cache_is_read_as_it_stands() {
    let (inventory, skipped) = read(&three_hosts());
    assert_eq!(skipped.total(), 0);
    assert_eq!(inventory.source_time, 1_784_160_000);
    assert_eq!(members(&inventory, "pub/a"), [(1, true), (2, true), (3, false)]);
    assert_eq!(inventory.directories["pub/a"].subpath, "sub");
    let urls: Vec<_> = inventory.urls.iter().map(|url| (url.scheme, url.text.as_str())).collect();
    assert_eq!(
        urls,
        [
            (Scheme::Https, "https://one.example.org/pub"),
            (Scheme::Ftp, "ftp://two.example.org/pub"),
            (Scheme::Rsync, "rsync://three.example.org/pub")
        ]
    );
    assert!(inventory.hosts.values().all(|host| host.bandwidth == 1));
}

#[test]
fn a_cache_without_some_protocols_is_that_of_a_source_without_them() {
    let mut list = three_hosts();
    // A host with URLs of several schemes, one that is left with none, and a directory of which nothing changes.
    list.hcurl.push(int_string(11, "FTP://one.example.org/pub"));
    list.hcurl.push(int_string(12, "http://one.example.org/pub"));
    list.mirror_list[0].by_host_id[0].value = vec![11, 10, 12];
    list.mirror_list[0].by_country = vec![string_ints("DE", &[1, 2])];
    list.mirror_list.push(directory("pub/b", &[(1, &[12]), (3, &[30])], &[3]));
    list.mirror_list.push(directory("pub/c", &[(2, &[20])], &[2]));
    let mut bare = list.clone();
    bare.hcurl.retain(|url| ![Some(11), Some(20)].contains(&url.key));
    bare.mirror_list[0].by_host_id[0].value = vec![10, 12];
    bare.mirror_list[0].by_host_id[1].value.clear();
    bare.mirror_list[2].by_host_id[0].value.clear();

    let ((excluded, skipped), (expected, of_bare)) = (read_without(&[Scheme::Ftp], &list), read(&bare));
    let bytes = |inventory| cache::write(inventory, 0).unwrap().0;
    assert!(bytes(&excluded)[..] == bytes(&expected)[..]);
    assert_eq!(members(&excluded, "pub/a"), [(1, true), (3, false)]);
    let urls: Vec<_> = excluded.urls.iter().map(|url| url.text.as_str()).collect();
    let left = ["https://one.example.org/pub", "rsync://three.example.org/pub", "http://one.example.org/pub"];
    assert_eq!(urls, left);
    // Each URL is counted once, however many directories name it; the host without one as it would be anyway.
    let rows = |skipped: &Skipped| skipped.rows().map(|row| row.to_string()).collect::<Vec<_>>();
    let own = "HCUrlCache: excluded by policy: 2, first 20 ftp://two.example.org/pub".to_owned();
    assert_eq!(rows(&skipped), [vec![own], rows(&of_bare)].concat());
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::NoUsableUrl), 2);

    let (all, skipped) = read_without(&[], &list);
    assert!(bytes(&all)[..] == bytes(&read(&list).0)[..]);
    assert_eq!(skipped.total(), 0);
}

#[test]
fn white_space_around_texts_is_none_of_them() {
    let mut list = three_hosts();
    list.hcurl[0] = int_string(10, " https://one.example.org/pub/ ");
    list.hcurl[1] = int_string(20, "\u{feff}ftp://two.example.org/pub\r\n");
    list.mirror_list[0].directory = Some("\tpub/a/\n".into());
    list.mirror_list[0].subpath = Some(" sub\n".into());
    list.mirror_list[0].by_country = vec![string_ints(" de\t", &[1])];
    list.host_country = vec![int_string(1, " DE"), int_string(2, "uk\r\n")];
    list.host_country_allowed = vec![IntStrings { key: Some(1), value: vec![b"EL ".to_vec()] }];
    list.host_netblock = vec![string_ints(" 192.0.2.0/24\n", &[1])];
    list.netblock_country = vec![strings("192.0.2.0/24 ", " US ")];
    list.location = vec![string_ints(" campus\t", &[1])];
    list.repo_arch_to_directory = vec![strings(" r + x86_64\n", " pub/a ")];
    list.repository_redirect = vec![strings(" old ", "\tr")];
    list.disabled_repository = vec![StringBool { key: Some("gone\r".into()), value: Some(true) }];
    list.country_continent_redirect = vec![strings(" IL ", " EU\n")];
    let (inventory, skipped) = read(&list);
    assert_eq!(skipped.total(), 0, "{:?}", skipped.rows().collect::<Vec<_>>());
    let urls: Vec<_> = inventory.urls.iter().map(|url| url.text.as_str()).collect();
    assert_eq!(urls[..2], ["https://one.example.org/pub", "ftp://two.example.org/pub"]);
    assert_eq!(inventory.directories["pub/a"].subpath, "sub");
    assert_eq!(groups(&inventory, "pub/a"), [("DE".to_owned(), vec![1])]);
    let countries: Vec<_> = inventory.hosts.values().map(|host| host.country).collect();
    assert_eq!(countries, [Some(country("DE")), Some(country("GB")), None]);
    assert_eq!(inventory.hosts[0].countries_allowed, Some([country("GR")].into()));
    assert!(inventory.netblocks.contains_key(&"192.0.2.0/24".parse().unwrap()));
    assert_eq!(inventory.country_overrides[&"192.0.2.0/24".parse().unwrap()], country("US"));
    assert!(inventory.locations.contains_key("campus"));
    assert_eq!(inventory.repositories["r"].archs["x86_64"], "pub/a");
    assert_eq!(inventory.repositories["old"].redirect.as_deref(), Some("r"));
    assert!(inventory.repositories["gone"].disabled);
    assert_eq!(inventory.continents[&country("IL")].to_string(), "EU");
}

#[test]
fn one_url_in_two_spellings_is_one_url() {
    let mut list = three_hosts();
    list.hcurl = vec![
        int_string(10, "https://one.example.org/pub/"),
        int_string(11, "HTTPS://One.Example.org/pub"),
        int_string(20, " https://one.example.org/pub "),
        int_string(30, "http://one.example.org/pub"),
    ];
    list.mirror_list = vec![directory("pub/a", &[(1, &[10, 11]), (2, &[20]), (3, &[30])], &[1, 2])];
    let (inventory, skipped) = read(&list);
    assert_eq!(inventory.urls.len(), 2);
    let placements: Vec<&[u32]> = inventory.placements.iter().map(|placement| &placement.urls[..]).collect();
    assert_eq!(placements, [&[0][..], &[0], &[1]]);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::Repeated), 1);
}

#[test]
fn a_netblock_that_contains_everyone_is_nobodys() {
    let mut list = three_hosts();
    list.host_netblock =
        ["0.0.0.0/0", "::/0", "::ffff:0:0/96", "0.0.0.0/1", "2000::/15", "::ffff:192.0.2.0/120"]
            .map(|prefix| string_ints(prefix, &[3]))
            .into();
    let (inventory, skipped) = read(&list);
    let kept: Vec<String> = inventory.netblocks.keys().map(ToString::to_string).collect();
    assert_eq!(kept, ["0.0.0.0/1", "192.0.2.0/24", "2000::/15"]);
    assert_eq!(skipped.count(InputTable::HostNetblock, Reason::DefaultRoute), 3);
    assert_eq!(skipped.count(InputTable::HostNetblock, Reason::WidePrefix), 2);
    let named: Vec<&str> = skipped.notes().map(|row| row.first).collect();
    assert_eq!(named, ["0.0.0.0/1 of hosts [3]; 2000::/15 of hosts [3]"]);
    assert_eq!(skipped.total(), 3, "wide ones are kept");
}

#[test]
fn the_order_of_the_tables_does_not_matter() {
    let list = three_hosts();
    let urls_last = [
        MirrorList { mirror_list: list.mirror_list.clone(), ..Default::default() }.encode_to_vec(),
        MirrorList { hcurl: list.hcurl.clone(), ..Default::default() }.encode_to_vec(),
    ]
    .concat();
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    import(&urls_last, &mut inventory, &mut skipped).unwrap();
    assert_eq!(skipped.total(), 0);
    assert_eq!(members(&inventory, "pub/a").len(), 3);
}

#[test]
fn directories_with_the_same_carriers_share_one_set() {
    let mut list = three_hosts();
    list.mirror_list.push(directory("pub/b", &[(1, &[10]), (2, &[20]), (3, &[30])], &[1, 2]));
    // The same set in another order.
    list.mirror_list.push(directory("pub/c", &[(3, &[30]), (1, &[10]), (2, &[20])], &[2, 1]));
    list.mirror_list.push(directory("pub/d", &[(1, &[10]), (2, &[20]), (3, &[30])], &[1]));
    let (inventory, _) = read(&list);
    let sets: Vec<u32> = inventory.directories.values().map(|directory| directory.carriers.set).collect();
    assert_eq!(sets, [0, 0, 0, 1]);
    assert_eq!((inventory.rosters[0].sets.len(), inventory.placements.len()), (2, 3));
}

#[test]
fn fields_of_a_directory_may_come_in_any_order() {
    let host = MirrorListDirectory { by_host_id: vec![ints(1, &[10])], ..Default::default() }.encode_to_vec();
    let public = MirrorListDirectory { global: vec![1], ..Default::default() }.encode_to_vec();
    let name = MirrorListDirectory { directory: Some("pub/b".into()), ..Default::default() }.encode_to_vec();
    let ignored = MirrorListDirectory {
        ordered_mirror_list: Some(true),
        by_country_internet2: vec![string_ints("XX", &[9])],
        ..Default::default()
    }
    .encode_to_vec();
    let record = [host, ignored, name, public].concat();
    let mut bytes = three_hosts().encode_to_vec();
    prost::encoding::encode_key(16, prost::encoding::WireType::LengthDelimited, &mut bytes);
    prost::encoding::encode_varint(record.len() as u64, &mut bytes);
    bytes.extend(record);
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    import(&bytes, &mut inventory, &mut skipped).unwrap();
    assert_eq!(members(&inventory, "pub/b"), [(1, true)]);
    assert_eq!(inventory.directories["pub/b"].subpath, "");
    assert_eq!(skipped.total(), 0);
}

#[test]
fn slashes_of_directories_and_subpaths_are_normalised() {
    let mut list = three_hosts();
    list.mirror_list[0].directory = Some("//pub///a/".into());
    list.mirror_list[0].subpath = Some("/sub//path/".into());
    let (inventory, _) = read(&list);
    assert_eq!(inventory.directories["pub/a"].subpath, "sub/path");
}

#[test]
fn directories_that_no_request_can_name_are_skipped() {
    let mut list = three_hosts();
    for bad in ["", "/", "pub/../a", "pub/./a", "pub\na", &"x".repeat(1025)] {
        list.mirror_list.push(directory(bad, &[(1, &[10])], &[1]));
    }
    list.mirror_list.push(MirrorListDirectory { directory: Some(vec![0xff]), ..Default::default() });
    let (inventory, skipped) = read(&list);
    assert_eq!(inventory.directories.len(), 1);
    for (reason, count) in [
        (Reason::Empty, 2),
        (Reason::DotSegment, 2),
        (Reason::Control, 1),
        (Reason::TooLong, 1),
        (Reason::NotUtf8, 1),
    ] {
        assert_eq!(skipped.count(InputTable::MirrorList, reason), count, "{reason:?}");
    }
}

#[test]
fn of_equal_directories_the_last_counts() {
    let mut list = three_hosts();
    list.mirror_list.push(directory("/pub/a/", &[(2, &[20])], &[]));
    let (inventory, skipped) = read(&list);
    assert_eq!(members(&inventory, "pub/a"), [(2, false)]);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::Repeated), 1);
}

#[test]
fn unknown_urls_are_skipped_and_a_host_without_any_is_no_member() {
    let mut list = three_hosts();
    list.hcurl[1].value = Some("gopher://two.example.org".into());
    list.mirror_list = vec![directory("pub/a", &[(1, &[99, 10, 10]), (2, &[20]), (3, &[])], &[1, 2])];
    let (inventory, skipped) = read(&list);
    assert_eq!(members(&inventory, "pub/a"), [(1, true)]);
    assert_eq!(inventory.hosts.len(), 3, "known all the same");
    assert_eq!(skipped.count(InputTable::Url, Reason::UnknownScheme), 1);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::UnknownUrl), 2);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::Repeated), 1);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::NoUsableUrl), 2);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::NotACarrier), 1, "host 2 of Global");
}

#[test]
fn what_is_skipped_is_counted_for_every_directory_that_has_it() {
    let mut list = three_hosts();
    list.mirror_list = ["pub/a", "pub/b"].map(|path| directory(path, &[(1, &[10, 99])], &[])).into();
    let (inventory, skipped) = read(&list);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::UnknownUrl), 2);
    assert_eq!(inventory.rosters[0].sets.len(), 1);
}

#[test]
fn of_a_host_given_twice_for_a_directory_the_last_counts() {
    let mut list = three_hosts();
    list.mirror_list = vec![directory("pub/a", &[(1, &[10]), (2, &[20]), (1, &[30])], &[1, 1])];
    let (inventory, skipped) = read(&list);
    assert_eq!(members(&inventory, "pub/a"), [(2, false), (1, true)]);
    assert_eq!(inventory.placements[2].urls, [2]);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::Repeated), 2);
}

#[test]
fn country_sets_are_joined_without_regard_to_case() {
    let mut list = three_hosts();
    list.mirror_list[0].by_country = vec![
        string_ints("de", &[2, 7]),
        string_ints("XYZ", &[1]),
        string_ints("CZ", &[1]),
        string_ints("DE", &[1, 2]),
    ];
    let (inventory, skipped) = read(&list);
    assert_eq!(groups(&inventory, "pub/a"), [("CZ".into(), vec![1]), ("DE".into(), vec![1, 2])]);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::BadCountry), 1);
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::NotACarrier), 1, "host 7");
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::Repeated), 1, "host 2");
}

#[test]
fn a_country_of_unknown_hosts_only_is_no_group() {
    let mut list = three_hosts();
    list.mirror_list[0].by_country = vec![string_ints("DE", &[7]), string_ints("FR", &[])];
    assert_eq!(groups(&read(&list).0, "pub/a"), []);
}

#[test]
fn hosts_get_country_weight_and_allowed_countries() {
    let mut list = three_hosts();
    list.host_country =
        vec![int_string(1, "cz"), int_string(2, "Germany"), int_string(9, "DE"), int_string(1, "SK")];
    list.host_bandwidth = [(1, Some(1000)), (2, Some(-5)), (3, Some(i64::MAX)), (9, Some(1)), (2, None)]
        .map(|(key, value)| IntInt { key: Some(key), value })
        .into();
    list.host_country_allowed = vec![
        IntStrings { key: Some(1), value: vec!["us".into(), "??".into()] },
        IntStrings { key: Some(2), value: vec!["??".into()] },
    ];
    let (inventory, skipped) = read(&list);
    assert_eq!(inventory.hosts[&1].country, Some(country("SK")));
    assert_eq!(inventory.hosts[&2].country, None);
    assert_eq!([1, 2, 3].map(|id| inventory.hosts[&id].bandwidth), [1000, 1, u32::MAX]);
    assert_eq!(inventory.hosts[&1].countries_allowed, Some([country("US")].into()));
    assert_eq!(inventory.hosts[&2].countries_allowed, Some([].into()), "restricted all the same");
    assert_eq!(inventory.hosts[&3].countries_allowed, None);
    assert_eq!(skipped.count(InputTable::HostCountry, Reason::BadCountry), 1);
    assert_eq!(skipped.count(InputTable::HostCountry, Reason::UnknownHost), 1);
    assert_eq!(skipped.count(InputTable::HostBandwidth, Reason::UnknownHost), 1);
    assert_eq!(skipped.count(InputTable::HostCountryAllowed, Reason::BadCountry), 2);
}

#[test]
fn netblocks_that_are_equal_under_their_mask_are_joined() {
    let mut list = three_hosts();
    list.host_netblock = vec![
        string_ints("192.0.2.9/24", &[1]),
        string_ints("192.0.2.0/24", &[2, 9]),
        string_ints("2001:db8::1", &[3]),
        string_ints("mirror.example.org", &[3]),
        string_ints("198.51.100.0/24", &[9]),
    ];
    let (inventory, skipped) = read(&list);
    let netblocks: Vec<_> =
        inventory.netblocks.iter().map(|(prefix, hosts)| (prefix.to_string(), hosts.len())).collect();
    assert_eq!(netblocks, [("192.0.2.0/24".into(), 2), ("2001:db8::1/128".into(), 1)]);
    assert_eq!(skipped.count(InputTable::HostNetblock, Reason::UnknownHost), 2);
    assert_eq!(skipped.count(InputTable::HostNetblock, Reason::BadPrefix), 1);
}

#[test]
fn asns_and_locations_keep_known_hosts_only() {
    let mut list = three_hosts();
    list.host_asn =
        vec![ints(64496, &[1, 1]), ints(-1, &[1]), ints(1 << 32, &[1]), ints(64497, &[9]), ints(64496, &[2])];
    list.location = vec![string_ints("aws:all", &[3, 9]), string_ints("", &[1]), string_ints("empty", &[])];
    let (inventory, skipped) = read(&list);
    assert_eq!(inventory.asn_hosts, [(64496, [1].into())].into());
    assert_eq!(inventory.locations, [("aws:all".to_owned(), [2].into())].into());
    assert_eq!(skipped.count(InputTable::HostAsn, Reason::BadAsn), 2);
    assert_eq!(skipped.count(InputTable::HostAsn, Reason::UnknownHost), 1);
    assert_eq!(skipped.count(InputTable::HostAsn, Reason::Repeated), 2, "host 1, and the AS");
    assert_eq!(skipped.count(InputTable::Location, Reason::Empty), 1);
}

#[test]
fn countries_of_netblocks_and_continents_of_countries_are_corrected() {
    let mut list = three_hosts();
    list.netblock_country = vec![
        strings("192.0.2.9/24", "US"),
        strings("192.0.2.0/24", "ca"),
        strings("x", "US"),
        strings("2001:db8::/32", "?"),
        strings("::/0", "US"),
        strings("::ffff:198.51.100.0/120", "UK"),
        strings("16.0.0.0/7", "EL"),
    ];
    list.country_continent_redirect =
        vec![strings("il", "EU"), strings("AM", "Europe"), strings("Georgia", "EU")];
    let (inventory, skipped) = read(&list);
    let overrides = [("192.0.2.0/24", "CA"), ("198.51.100.0/24", "GB"), ("16.0.0.0/7", "GR")];
    assert_eq!(
        inventory.country_overrides,
        overrides.map(|(prefix, code)| (prefix.parse().unwrap(), country(code))).into()
    );
    assert_eq!(skipped.count(InputTable::NetblockCountry, Reason::DefaultRoute), 1);
    assert_eq!(skipped.count(InputTable::NetblockCountry, Reason::WidePrefix), 1);
    assert_eq!(inventory.continents[&country("IL")].to_string(), "EU");
    assert_eq!(inventory.continents.len(), 1);
    assert_eq!(skipped.count(InputTable::NetblockCountry, Reason::BadPrefix), 1);
    assert_eq!(skipped.count(InputTable::NetblockCountry, Reason::BadCountry), 1);
    assert_eq!(skipped.count(InputTable::NetblockCountry, Reason::Repeated), 1);
    assert_eq!(skipped.count(InputTable::ContinentRedirect, Reason::BadContinent), 1);
    assert_eq!(skipped.count(InputTable::ContinentRedirect, Reason::BadCountry), 1);
}

#[test]
fn repositories_have_architectures_redirects_and_switches() {
    let flag = |key: &str, value| StringBool { key: Some(key.into()), value: Some(value) };
    let mut list = three_hosts();
    list.repo_arch_to_directory = vec![
        strings("gtk+-1+x86_64", "/pub//a/"),
        strings("gtk+-1+source", "nowhere"),
        strings("plain", "pub/a"),
        strings("fedora-1+x86_64", "pub/../a"),
    ];
    list.repository_redirect = vec![strings("old", "older"), strings("old", "gtk+-1"), strings("", "x")];
    list.disabled_repository =
        vec![flag("gone", true), flag("gtk+-1", true), flag("gtk+-1", false), flag("never", false)];
    let (inventory, skipped) = read(&list);
    let names: Vec<&String> = inventory.repositories.keys().collect();
    assert_eq!(names, ["gone", "gtk+-1", "old"]);
    let gtk = &inventory.repositories["gtk+-1"];
    assert_eq!(
        (gtk.archs["x86_64"].as_str(), gtk.archs["source"].as_str(), gtk.disabled),
        ("pub/a", "nowhere", false)
    );
    assert_eq!(inventory.repositories["old"].redirect.as_deref(), Some("gtk+-1"));
    assert!(inventory.repositories["gone"].disabled);
    assert_eq!(skipped.count(InputTable::RepoArch, Reason::NoArch), 1);
    assert_eq!(skipped.count(InputTable::RepoArch, Reason::DotSegment), 1);
    assert_eq!(skipped.count(InputTable::RepositoryRedirect, Reason::Empty), 1);
}

/// A version with a hash that can be read, but for white space around it.
fn some_details() -> FileDetails {
    FileDetails { sha256: Some(format!(" {}\r\n", "aB".repeat(32)).into()), ..Default::default() }
}

fn details(directory: &str, name: &str, versions: Vec<FileDetails>) -> FileDetailsDirectory {
    FileDetailsDirectory {
        directory: Some(directory.into()),
        files: vec![FileDetailsFile { filename: Some(name.into()), details: versions }],
    }
}

#[test]
fn files_keep_their_versions_in_order() {
    let mut list = three_hosts();
    let newest = FileDetails {
        timestamp: Some(7),
        size: Some(u64::MAX),
        md5: Some("ABcdef00".repeat(4).into()),
        sha1: Some(vec![]),
        sha256: Some("no hash".into()),
        ..Default::default()
    };
    let oldest = FileDetails { timestamp: Some(5), size: Some(9), ..some_details() };
    let nothing_to_verify =
        FileDetails { timestamp: Some(6), sha512: Some("0".into()), ..Default::default() };
    list.file_details = vec![
        details("pub/a/", "repomd.xml", vec![newest, nothing_to_verify, oldest]),
        details("pub/b", "repomd.xml", vec![FileDetails::default()]),
    ];
    list.file_details[0]
        .files
        .push(FileDetailsFile { filename: Some("unreadable".into()), details: vec![FileDetails::default()] });
    let (inventory, skipped) = read(&list);
    let versions = &inventory.files[&(0, "repomd.xml".into())];
    assert_eq!(
        versions.iter().map(|version| (version.timestamp, version.size)).collect::<Vec<_>>(),
        [(7, 0), (5, 9)]
    );
    assert_eq!(versions[0].md5.unwrap()[..4], [0xab, 0xcd, 0xef, 0]);
    assert_eq!((versions[0].sha1, versions[0].sha256), (None, None));
    assert_eq!(inventory.files.len(), 1);
    assert_eq!(skipped.count(InputTable::FileDetails, Reason::Negative), 1);
    assert_eq!(skipped.count(InputTable::FileDetails, Reason::BadHash), 2);
    assert_eq!(
        skipped.count(InputTable::FileDetails, Reason::NoHash),
        2,
        "of two files, one of which is left"
    );
    assert_eq!(skipped.count(InputTable::FileDetails, Reason::UnknownDirectory), 1);
}

#[test]
fn of_more_than_a_cache_holds_the_first_count() {
    let mut list = three_hosts();
    list.hcurl = (0..300).map(|id| int_string(id, &format!("http://{id}.example.org"))).collect();
    let urls: Vec<i64> = (0..300).collect();
    list.mirror_list = vec![directory("pub/a", &[(1, &urls)], &[])];
    let version = |timestamp| FileDetails { timestamp: Some(timestamp), ..some_details() };
    list.file_details = vec![details("pub/a", "repomd.xml", (0..300).map(version).collect())];
    let (inventory, skipped) = read(&list);
    assert_eq!(inventory.placements[0].urls, (0..255).collect::<Vec<u32>>());
    assert_eq!(skipped.count(InputTable::MirrorList, Reason::TooMany), 45);
    let versions = &inventory.files[&(0, "repomd.xml".into())];
    assert_eq!((versions.len(), versions[254].timestamp), (255, 254));
    assert_eq!(skipped.count(InputTable::FileDetails, Reason::TooMany), 45);
    assert!(cache::write(&inventory, 0).is_ok());
}

#[test]
fn of_equal_directories_with_files_the_last_counts_as_a_whole() {
    let mut list = three_hosts();
    list.file_details = vec![
        details("pub/a", "old.iso", vec![some_details()]),
        details("pub/a", "new.iso", vec![some_details()]),
        details("pub/a", "new.iso", vec![some_details(), some_details()]),
    ];
    list.file_details[2].files.push(FileDetailsFile { filename: Some("none.iso".into()), details: vec![] });
    list.file_details[2].files.push(FileDetailsFile { filename: Some("a/b".into()), details: vec![] });
    let (inventory, skipped) = read(&list);
    let files: Vec<_> =
        inventory.files.iter().map(|((_, name), versions)| (name.as_str(), versions.len())).collect();
    assert_eq!(files, [("new.iso", 2)]);
    assert_eq!(skipped.count(InputTable::FileDetails, Reason::NoVersion), 1);
    assert_eq!(skipped.count(InputTable::FileDetails, Reason::NotAFileName), 1);
}

#[test]
fn a_cache_cut_anywhere_is_refused_or_ends_between_two_records() {
    let bytes = three_hosts().encode_to_vec();
    let mut between_records = 0;
    for length in 0..bytes.len() {
        match import(&bytes[..length], &mut Inventory::default(), &mut Skipped::default()) {
            Ok(()) => between_records += 1,
            Err(Cause::Refused(why)) => assert!(why.contains("damaged or cut short at byte"), "{why}"),
            Err(other) => panic!("{other}"),
        }
    }
    // Before the first field and after each but the last: such a cut cannot be seen in a protobuf message.
    assert_eq!(between_records, 5);
}

#[test]
fn a_damaged_record_is_refused_with_its_table() {
    let mut bytes = three_hosts().encode_to_vec();
    bytes.extend([0x82, 1, 2, 0x32, 9]);
    let error = import(&bytes, &mut Inventory::default(), &mut Skipped::default()).unwrap_err().to_string();
    assert_eq!(error, "a record of MirrorListCache is damaged (field 6 says 9 bytes, 0 are left)");
    let mut bytes = three_hosts().encode_to_vec();
    bytes.extend([0x22, 2, 0x0a, 1]);
    let error = import(&bytes, &mut Inventory::default(), &mut Skipped::default()).unwrap_err().to_string();
    assert!(error.starts_with("a record of HCUrlCache is damaged ("), "{error}");
}

#[test]
fn flipped_bytes_are_refused_or_skipped_and_never_panic() {
    let mut list = three_hosts();
    list.host_netblock = vec![string_ints("192.0.2.0/24", &[1])];
    list.repo_arch_to_directory = vec![strings("a+b", "pub/a")];
    list.file_details = vec![details("pub/a", "x", vec![FileDetails::default()])];
    list.mirror_list[0].by_country = vec![string_ints("DE", &[2, 1])];
    let bytes = list.encode_to_vec();
    let mut refused = 0;
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let outcome = import(&bytes, &mut Inventory::default(), &mut Skipped::default());
            refused += usize::from(outcome.is_err());
        }
    }
    assert!(refused > bytes.len(), "most lengths and types are wrong then: {refused}");
}

#[test]
fn origins_and_aliases_are_read_and_what_is_odd_is_left_out() {
    let list = MirrorList {
        origin: vec![
            strings("/pub/a/", "HTTPS://O.example/a/"),
            strings("", "http://all.example"),
            strings("pub/b", "rsync://o.example/b"),
            strings("pub/../c", "https://o.example/c"),
        ],
        alias: vec![
            strings("a/latest", "/a/9/"),
            strings("", "a"),
            strings("b", "./c"),
            strings("a/latest", "a/10"),
        ],
        ..three_hosts()
    };
    let (inventory, skipped) = read(&list);
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(
        inventory.site.origins,
        pairs(&[("", "http://all.example"), ("pub/a", "https://o.example/a")])
    );
    assert_eq!(inventory.site.aliases, pairs(&[("a/latest", "a/10")]));
    for (table, reason) in [
        (InputTable::Origin, Reason::BadUrl),
        (InputTable::Origin, Reason::DotSegment),
        (InputTable::Alias, Reason::Empty),
        (InputTable::Alias, Reason::DotSegment),
        (InputTable::Alias, Reason::Repeated),
    ] {
        assert_eq!(skipped.count(table, reason), 1, "{table:?} {reason:?}");
    }
}
