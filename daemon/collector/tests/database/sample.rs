//! Sample rows, each rule once, and what MirrorManager's generator makes of them, but for what is corrected.

use crate::program::Collect;
use collector::store::Store;
use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, Host, IntInt, IntInts, IntString, IntStrings,
    MirrorList, MirrorListDirectory, StringInts, StringString,
};
use prost::Message as _;
use rusqlite::Connection;
use std::{fs, os::unix::fs::PermissionsExt as _};
use testkit::postgres::{Postgres, SAMPLE};

fn int_ints(key: i64, value: &[i64]) -> IntInts {
    IntInts { key: Some(key), value: value.to_vec() }
}

fn string_ints(key: &str, value: &[i64]) -> StringInts {
    StringInts { key: Some(key.into()), value: value.to_vec() }
}

fn string_string(key: &str, value: &str) -> StringString {
    StringString { key: Some(key.into()), value: Some(value.into()) }
}

fn int_string(key: i64, value: &str) -> IntString {
    IntString { key: Some(key), value: Some(value.into()) }
}

fn detail(timestamp: u64, size: u64, sha256: &str) -> FileDetails {
    FileDetails {
        timestamp: Some(timestamp),
        size: Some(size),
        sha256: Some(sha256.into()),
        ..FileDetails::default()
    }
}

/// What comes of the rows. Corrected: host 6, which has no public URL, is nowhere; peer AS 64500 is there.
fn expected() -> MirrorList {
    let top = "pub/fedora/linux";
    let tree = "updates/42/Everything/x86_64";
    let listed = |rest: &str, global: &[i64], by_country: &[(&str, &[i64])], urls: &[(i64, &[i64])]| {
        let path = if rest.is_empty() { top.to_owned() } else { format!("{top}/{rest}") };
        MirrorListDirectory {
            directory: Some(path.into()),
            subpath: Some(rest.into()),
            global: global.to_vec(),
            by_country: by_country.iter().map(|(code, hosts)| string_ints(code, hosts)).collect(),
            by_host_id: urls.iter().map(|(host, urls)| int_ints(*host, urls)).collect(),
            ..MirrorListDirectory::default()
        }
    };
    let repodata = format!("{tree}/repodata");
    MirrorList {
        netblock_country: vec![string_string("203.0.113.0/24", "NL")],
        hcurl: vec![
            int_string(1, "http://a.example/linux"),
            int_string(3, "https://b.example/linux"),
            int_string(4, "http://c.corp/linux"),
        ],
        file_details: vec![FileDetailsDirectory {
            directory: Some(format!("{top}/{repodata}").into()),
            files: vec![FileDetailsFile {
                filename: Some("repomd.xml".into()),
                details: vec![detail(200, 11, "bb"), detail(100, 10, "aa")],
            }],
        }],
        country_continent_redirect: vec![string_string("IL", "EU")],
        repository_redirect: vec![string_string("updates-f42", "updates-released-f42")],
        repo_arch_to_directory: vec![string_string("updates-released-f42+x86_64", &format!("{top}/{tree}"))],
        host_asn: vec![int_ints(680, &[1]), int_ints(64500, &[2])],
        host_max_connection: (1..=6).map(|host| IntInt { key: Some(host), value: Some(1) }).collect(),
        host_country: (1..=6)
            .zip(["DE", "US", "DE", "DE", "DE", "FR"])
            .map(|(host, c)| int_string(host, c))
            .collect(),
        host_bandwidth: (1..=6)
            .zip([1000, 10_000, 1, 100, 100, 100])
            .map(|(host, mbps)| IntInt { key: Some(host), value: Some(mbps) })
            .collect(),
        host_country_allowed: vec![IntStrings { key: Some(2), value: vec!["US".into()] }],
        host_netblock: vec![string_ints("192.0.2.0/24", &[3]), string_ints("198.51.100.7/32", &[1])],
        mirror_list: vec![
            listed("", &[2], &[("US", &[2])], &[(2, &[3])]),
            MirrorListDirectory {
                by_country_internet2: vec![string_ints("DE", &[1])],
                ..listed(tree, &[1, 2], &[("DE", &[1]), ("US", &[2])], &[(1, &[1]), (2, &[3])])
            },
            listed(&repodata, &[2], &[("US", &[2])], &[(2, &[3]), (3, &[4])]),
        ],
        host: (1..=6)
            .zip(["a", "b", "c", "d", "e", "f"])
            .map(|(id, name)| Host { id: Some(id), name: Some(name.into()), ..Host::default() })
            .collect(),
        ..MirrorList::default()
    }
}

#[test]
fn the_sample_comes_out_as_from_the_generator_but_for_what_is_corrected() {
    if !Postgres::is_there() {
        return;
    }
    let server = Postgres::start(&[]).unwrap();
    server.create("sample").unwrap();
    server.sql("sample", SAMPLE).unwrap();
    let collect = Collect::new(&server.url("sample"));
    let (mut list, printed) = collect.list();
    let time = list.time.take().unwrap();
    assert!(time > 1_700_000_000);
    assert_eq!(list, expected());
    assert_eq!(collect.files(), ["list"], "nothing else is left");
    let mode = fs::metadata(collect.output()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640, "for the group of whoever compiles");
    for line in [
        "  hosts           6, 4 active\n",
        "  directories     3 in categories\n",
        "  up to date      2 rows\n",
    ] {
        assert!(printed.contains(line), "{printed}");
    }
    assert!(printed.contains("host without a public URL for its category: 1, first host 6"), "{printed}");
    the_same_data_makes_the_same_bytes(&collect);
    the_summary_is_there_as_json(&collect);
    a_check_writes_nothing(&server);
}

fn the_same_data_makes_the_same_bytes(collect: &Collect) {
    let without_time = || {
        let (list, _) = collect.list();
        let bytes = fs::read(collect.output()).unwrap();
        let time = MirrorList { time: list.time, ..MirrorList::default() }.encode_to_vec();
        bytes.strip_prefix(&time[..]).unwrap().to_vec()
    };
    assert_eq!(without_time(), without_time());
}

fn the_summary_is_there_as_json(collect: &Collect) {
    let ended = collect.run(&["--json"]);
    let summary: serde_json::Value = serde_json::from_str(&ended.printed).unwrap();
    let bytes = fs::metadata(collect.output()).unwrap().len();
    assert_eq!(summary["bytes"], bytes);
    for (key, value) in
        [("hosts", 6), ("active_hosts", 4), ("urls", 3), ("directories", 3), ("file_versions", 2)]
    {
        assert_eq!(summary[key], value, "{key}: {summary}");
    }
    assert_eq!(summary["skipped"][0]["table"], "host_category");
}

fn a_check_writes_nothing(server: &Postgres) {
    let collect = Collect::new(&server.url("sample"));
    let ended = collect.run(&["--check"]);
    assert_eq!((ended.code, &*ended.said), (Some(0), ""));
    assert_eq!(collect.files(), Vec::<String>::new());
}

#[test]
fn versions_of_ip_that_checks_have_measured_go_along() {
    if !Postgres::is_there() {
        return;
    }
    let server = Postgres::start(&[]).unwrap();
    server.create("families").unwrap();
    server.sql("families", SAMPLE).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.db");
    drop(Store::open(&state).unwrap());
    // Host 1 answers by IPv6 alone, host 2 by both; of the others nothing is known.
    let rows = "insert into family (host, has, missed4, missed6) values (1, 2, 3, 0), (2, 3, 0, 0)";
    Connection::open(&state).unwrap().execute_batch(rows).unwrap();
    let collect = Collect::new(&server.url("families"));
    let ended = collect.run(&["--state", state.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let families = |list: &MirrorList| -> Vec<(i64, Vec<u32>)> {
        let known = list.host.iter().filter(|host| !host.families.is_empty());
        known.map(|host| (host.id.unwrap(), host.families.clone())).collect()
    };
    assert_eq!(families(&collect.written()), [(1, vec![6]), (2, vec![4, 6])]);

    // A state that cannot be read costs these and nothing else.
    fs::write(&state, "a text that is long enough to be taken for the head of a database, or so it seems")
        .unwrap();
    let ended = collect.run(&["--state", state.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.said.contains("the versions of IP of hosts are left out"), "{ended:?}");
    assert_eq!(families(&collect.written()), []);
}
