//! What an operator is told of a cache file: `list`, `inspect` and `query --explain`, by the program itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, IntInts, IntString, IntStrings, MirrorList,
    MirrorListDirectory, StringBool, StringInts, StringString,
};
use prost::Message as _;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

/// Public mirrors of `pub/a`, by country: number, URLs.
const PUBLIC: [(i64, &str, &[&str]); 5] = [
    (1, "DE", &["https://one.example.org/m", "http://one.example.org:8080/m"]),
    (2, "US", &["https://two.example.org", "rsync://two.example.org/m"]),
    (3, "JP", &["http://three.example.com"]),
    (6, "DE", &["rsync://six.example.org/m"]),
    (7, "DE", &["https://seven.example.org"]),
];
/// A private one of its netblock, one of another directory, and two that share a name.
const OTHERS: [(i64, &str, &[&str]); 3] = [
    (4, "DE", &["https://campus.example.net"]),
    (5, "DE", &["https://shared.example.net/5"]),
    (8, "DE", &["https://shared.example.net/8"]),
];

fn pair(key: &str, value: &str) -> StringString {
    StringString { key: Some(key.into()), value: Some(value.into()) }
}

fn hosts(key: &str, value: &[i64]) -> StringInts {
    StringInts { key: Some(key.into()), value: value.to_vec() }
}

fn input() -> MirrorList {
    let all = || PUBLIC.iter().chain(&OTHERS);
    let urls = |id: i64, urls: &[&str]| (0..urls.len() as i64).map(|at| id * 10 + at).collect();
    let by_host = |ids: &[i64]| -> Vec<IntInts> {
        let named = all().filter(|host| ids.contains(&host.0));
        named.map(|(id, _, list)| IntInts { key: Some(*id), value: urls(*id, list) }).collect()
    };
    let details = FileDetails {
        timestamp: Some(1),
        size: Some(2),
        md5: Some("0".repeat(32).into()),
        ..Default::default()
    };
    let file = FileDetailsFile { filename: Some("repomd.xml".into()), details: vec![details] };
    MirrorList {
        time: Some(1_784_160_000),
        netblock_country: vec![pair("192.0.2.0/24", "DE"), pair("198.51.100.0/24", "DE")],
        hcurl: all()
            .flat_map(|(id, _, list)| (0..).zip(*list).map(move |(at, url)| (id * 10 + at, *url)))
            .map(|(id, url)| IntString { key: Some(id), value: Some(url.into()) })
            .collect(),
        file_details: vec![FileDetailsDirectory { directory: Some("pub/a".into()), files: vec![file] }],
        disabled_repository: vec![StringBool { key: Some("test-0".into()), value: Some(true) }],
        repository_redirect: vec![pair("test-rolling", "test-1")],
        repo_arch_to_directory: vec![pair("test-1+x86_64", "pub/a"), pair("test-1+aarch64", "pub/b")],
        host_country: all()
            .map(|(id, country, _)| IntString { key: Some(*id), value: Some((*country).into()) })
            .collect(),
        host_country_allowed: vec![IntStrings { key: Some(7), value: vec!["FR".into()] }],
        host_netblock: vec![hosts("192.0.2.0/24", &[4])],
        mirror_list: vec![
            MirrorListDirectory {
                directory: Some("pub/a".into()),
                subpath: Some("a".into()),
                global: PUBLIC.iter().map(|host| host.0).collect(),
                by_country: vec![hosts("DE", &[1, 6, 7]), hosts("US", &[2]), hosts("JP", &[3])],
                by_host_id: by_host(&[1, 2, 3, 4, 6, 7]),
                ..Default::default()
            },
            MirrorListDirectory {
                directory: Some("pub/b".into()),
                subpath: Some("b".into()),
                global: vec![1, 5, 8],
                by_country: vec![hosts("DE", &[1, 5, 8])],
                by_host_id: by_host(&[1, 5, 8]),
                ..Default::default()
            },
        ],
        ..Default::default()
    }
}

/// A folder with a cache.
struct Built(TempDir);

impl Built {
    fn new() -> Built {
        Built::of_site("")
    }

    /// One of a site that says this.
    fn of_site(config: &str) -> Built {
        let built = Built(tempfile::tempdir().unwrap());
        fs::write(built.0.path().join("input"), input().encode_to_vec()).unwrap();
        fs::write(built.0.path().join("site.toml"), config).unwrap();
        built.said(&["build", "--config", "site.toml", "--mirrormanager", "input", "--output", "cache.mlc"]);
        built
    }

    /// What the program says on its two outputs, and its exit code.
    fn outcome(&self, arguments: &[&str]) -> (String, String, Option<i32>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mirrorlist-cache"));
        let output = command.args(arguments).current_dir(self.0.path()).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap());
        (out, err, output.status.code())
    }

    fn said(&self, arguments: &[&str]) -> String {
        let (out, err, code) = self.outcome(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {err}");
        out
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.said(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Why a host is listed or not: its part of the explanation.
    fn why(&self, host: &str, request: &str, options: &[&str]) -> String {
        let arguments = [&["query", "cache.mlc", request, "--explain", "--host", host], options].concat();
        let said = self.said(&arguments);
        said[said.find("\nhost ").unwrap() + 1..].to_owned()
    }
}

const REQUEST: &str = "mirrorlist?repo=test-1&arch=x86_64";

#[test]
fn lists_name_mirrors_repositories_and_directories() {
    let built = Built::new();
    let expected = "    host  country  bandwidth  public   directories  URLs
       1  DE               1  public             2  https://one.example.org/m http://one.example.org:8080/m
       2  US               1  public             1  https://two.example.org rsync://two.example.org/m
       6  DE               1  public             1  rsync://six.example.org/m
       7  DE               1  public             1  https://seven.example.org
";
    assert_eq!(built.said(&["list", "mirrors", "cache.mlc", "*.EXAMPLE.org"]), expected);
    let private = built.json(&["list", "mirrors", "cache.mlc", "4"]);
    assert_eq!(private[0]["names"][0], "campus.example.net");
    assert_eq!((&private[0]["directories"], &private[0]["public_directories"]), (&1.into(), &0.into()));
    assert_eq!(built.json(&["list", "mirrors", "cache.mlc"]).as_array().unwrap().len(), 8);

    let expected = "repo                                 arch      directory
test-0                               -         - (disabled)
test-1                               aarch64   pub/b
test-1                               x86_64    pub/a
test-rolling                         -         - (redirect to test-1)
";
    assert_eq!(built.said(&["list", "repositories", "cache.mlc"]), expected);
    let redirect = built.json(&["list", "repositories", "cache.mlc", "*rolling"]);
    assert_eq!((redirect.as_array().unwrap().len(), &redirect[0]["redirect"]), (1, &"test-1".into()));

    let expected = " mirrors     files  directory\n       6         1  pub/a\n       3         0  pub/b\n";
    assert_eq!(built.said(&["list", "directories", "cache.mlc"]), expected);
    assert_eq!(built.json(&["list", "directories", "cache.mlc", "*b"])[0]["directory"], "pub/b");
}

#[test]
fn what_a_list_cannot_find_or_read_is_said() {
    let built = Built::new();
    let (_, said, code) = built.outcome(&["list", "directories", "cache.mlc", "pub/c*"]);
    assert_eq!((said.as_str(), code), ("error: directories pub/c*: none in cache.mlc\n", Some(66)));
    let (_, said, code) = built.outcome(&["list", "mirrors", "cache.mlc", "[a"]);
    assert_eq!((said.starts_with("error: pattern [a: "), code), (true, Some(78)), "{said}");
}

#[test]
fn inspect_begins_with_what_an_operator_asks_and_has_sections_only_for_who_wants_them() {
    let built = Built::new();
    let said = built.said(&["inspect", "cache.mlc"]);
    for line in [
        "  mirrors       8 hosts with 10 URLs, 1 of them private\n",
        "  countries     3: DE 6, JP 1, US 1\n",
        "  repositories  1, with their architectures 2; 1 redirect, 1 disabled\n",
        "  archs         aarch64 x86_64\n",
        "  directories   2\n",
        "  files         1 whose hashes are known\n",
        "  mirrormanager 747 bytes, of 2026-07-16T00:00:00Z (",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
    assert!(!said.contains("section"), "{said}");
    assert!(built.said(&["inspect", "cache.mlc", "--sections"]).contains("\nsection "));
    let found = built.json(&["inspect", "cache.mlc"]);
    assert_eq!((&found["countries"]["DE"], found.get("sections")), (&6.into(), None));
    assert!(built.json(&["inspect", "cache.mlc", "--sections"])["sections"][0]["rows"].is_u64());
}

#[test]
fn a_host_is_found_by_its_number_and_by_its_name() {
    let built = Built::new();
    let by_number = built.said(&["inspect", "cache.mlc", "--host", "4"]);
    assert_eq!(by_number, built.said(&["inspect", "cache.mlc", "--host", "Campus.Example.net"]));
    let begin = "host 4 (campus.example.net): country DE, bandwidth 1, for all countries, carries 1 directory, private\n";
    assert!(by_number.starts_with(begin), "{by_number}");
    let refused = |host: &str| {
        let (_, said, code) = built.outcome(&["inspect", "cache.mlc", "--host", host]);
        assert_eq!(code, Some(66));
        said
    };
    assert_eq!(refused("9"), "error: host 9: not in cache.mlc\n");
    assert_eq!(
        refused("nine.example.org"),
        "error: host nine.example.org: no URL in cache.mlc has this name; mirrorlist-cache list mirrors cache.mlc names them\n"
    );
    assert_eq!(
        refused("shared.example.net"),
        "error: host shared.example.net: 2 hosts of cache.mlc have URLs of this name; ask for one of them by number: 5, 8\n"
    );
}

#[test]
fn an_as_that_no_host_serves_is_told_as_such() {
    let built = Built::new();
    let said = built.said(&["inspect", "cache.mlc", "--address", "198.51.100.1"]);
    assert!(said.contains("\n  AS: none known, or one that no host serves\n"), "{said}");
    let said = built.said(&["query", "cache.mlc", REQUEST, "--explain", "--client", "198.51.100.1"]);
    assert!(said.contains("\nAS         unknown, or one that no host serves\n"), "{said}");
}

#[test]
fn each_reason_why_a_host_is_listed_or_not_is_told() {
    let built = Built::new();
    let near = ["--client", "192.0.2.1"];
    let far = ["--client", "198.51.100.1"];
    let expected = "host       1, country DE, bandwidth 1, public, 0 km from the client's country
listed     at place 1, tier geoip
URL        https://one.example.org/m/a/
";
    assert_eq!(built.why("one.example.org", REQUEST, &far), expected);
    let listed = "\nlisted     at place 1, tier netblock /24\nURL        https://campus.example.net/a/\n";
    assert!(built.why("4", REQUEST, &near).ends_with(listed));
    let country = format!("{REQUEST}&country=US");
    let protocol = format!("{REQUEST}&protocol=http");
    let redirect = format!("{REQUEST}&redirect=1");
    for (host, request, options, reason) in [
        ("4", REQUEST, &far[..], "private: only for its netblocks, AS and location"),
        ("5", REQUEST, &far, "does not carry the directory pub/a"),
        ("6", REQUEST, &far, "no URL with a protocol that counts: https, http, ftp"),
        ("2", &protocol, &far, "no URL with a protocol that counts: http"),
        ("7", REQUEST, &far, "not for the client's country, only for FR"),
        ("1", &country, &far, "not in the country asked for"),
        (
            "1",
            REQUEST,
            &[&near[..], &["--netblock", "only"]].concat(),
            "only mirrors for the client's netblock are listed (netblock = only)",
        ),
        (
            "2",
            REQUEST,
            &[&far[..], &["--minimum", "1"]].concat(),
            "farther: nearer mirrors are as many as are needed (minimum = 1)",
        ),
    ] {
        let said = built.why(host, request, options);
        assert!(said.contains(&format!("\nnot listed {reason}\n")), "{host} {request}: {said}");
    }
    let said = built.why("2", &redirect, &far);
    assert!(said.contains("\nnot shown  behind the mirror that the redirect leads to; place "), "{said}");
}

#[test]
fn what_is_suspended_is_in_no_form_of_answer_and_is_explained() {
    let built = Built::new();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let until = since + 3600;
    let line = |url: &str| format!("{url}\tone\t{since}\t{until}\tno answer\n");
    let lines = line("HTTPS://One.example.org/m/") + &line("http://one.example.org:8080/m");
    let list = format!("# mirrorlist-suspended 1\n{lines}# end 2\n");
    fs::write(built.0.path().join("list"), list).unwrap();
    let options = ["--client", "198.51.100.1", "--suspended", "list"];
    let said = built.why("1", REQUEST, &options);
    let [from, to] = [since, until].map(|time| program::print::date(time).unwrap());
    let when = format!("since {from} (no answer) until {to}");
    let reason = format!(
        "not listed suspended: https://one.example.org/m {when}, http://one.example.org:8080/m {when}\n"
    );
    assert!(said.contains(&reason), "{said}");
    for request in [REQUEST, "metalink?path=pub/a/repomd.xml", "mirrorlist?path=pub/a&redirect=1"] {
        let asked = ["query", "cache.mlc", request, "--include"];
        let (before, after) = (built.said(&asked), built.said(&[&asked[..], &options[2..]].concat()));
        // A redirect leads to any of them.
        assert!(request.ends_with('1') || before.contains("one.example.org"), "{before}");
        assert!(!after.contains("one.example.org") && after.contains("://"), "{after}");
    }
    fs::write(built.0.path().join("list"), "").unwrap();
    let (_, said, code) = built.outcome(&["query", "cache.mlc", REQUEST, "--suspended", "list"]);
    assert_eq!((&*said, code), ("error: suspended list: is empty\n", Some(66)));
}

/// URLs in what an explanation and an answer say, drawn with the same dice.
#[test]
fn the_urls_of_an_explanation_are_those_of_the_answer() {
    let built = Built::new();
    for request in [
        REQUEST.to_owned(),
        format!("{REQUEST}&protocol=https,http,rsync"),
        format!("{REQUEST}&redirect=1"),
        "metalink?path=pub/a/repomd.xml".to_owned(),
        "metalink?path=pub/a/repomd.xml&protocol=http".to_owned(),
    ] {
        let asked = ["query", "cache.mlc", request.as_str(), "--seed", "7"];
        let answer = built.said(&asked);
        let explained = built.json(&[&asked[..], &["--explain"]].concat());
        let listed = explained["hosts"].as_array().unwrap().iter().filter(|host| host["place"].is_u64());
        let urls = listed.flat_map(|host| host["urls"].as_array().unwrap());
        let explained: BTreeSet<&str> = urls.map(|url| url.as_str().unwrap()).collect();
        let answered: BTreeSet<&str> = answer
            .split(['\n', '<', '>'])
            .filter(|word| word.contains("://") && !word.contains([' ', '"']))
            .collect();
        assert!(!answered.is_empty() && explained == answered, "{request}: {explained:?} {answered:?}");
    }
}

#[test]
fn a_metalink_of_a_file_without_hashes_is_explained() {
    let built = Built::new();
    let said = built.said(&["query", "cache.mlc", "metalink?path=pub/a/x.rpm", "--explain"]);
    assert!(
        said.ends_with("\nrefused    a metalink needs hashes of the file, the cache has none\n"),
        "{said}"
    );
}

#[test]
fn a_host_whose_urls_an_answer_has_no_room_for_is_beyond_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    // 1,200 hosts with URLs of 1,000 bytes.
    let ids: Vec<i64> = (1..=1200).collect();
    let url = |id: &i64| format!("https://mirror{id:04}.example.org/{}", "m".repeat(970));
    let list = MirrorList {
        hcurl: ids.iter().map(|id| IntString { key: Some(*id), value: Some(url(id).into()) }).collect(),
        mirror_list: vec![MirrorListDirectory {
            directory: Some("pub/a".into()),
            global: ids.clone(),
            by_host_id: ids.iter().map(|id| IntInts { key: Some(*id), value: vec![*id] }).collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    fs::write(folder.path().join("input"), list.encode_to_vec()).unwrap();
    let built = Built(folder);
    built.said(&["build", "--mirrormanager", "input", "--output", "cache.mlc"]);
    let explained = built.json(&["query", "cache.mlc", "mirrorlist?path=pub/a", "--explain", "--seed", "1"]);
    let last = explained["hosts"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["place"], &last["urls"]), (&1200.into(), &Value::Array(Vec::new())));
    assert_eq!(last["out"], "beyond the limit of an answer, 1 MiB");
}

#[test]
fn what_counts_for_nothing_is_named() {
    let built = Built::new();
    let odd = "mirrorlist?path=pub/a&repo=r&contry=DE&countme=1&country=Germany,fr&protocol=gopher&ip=foo&location=x";
    let explained = built.json(&["query", "cache.mlc", odd, "--explain"]);
    let ignored: Vec<&str> =
        explained["ignored"].as_array().unwrap().iter().filter_map(|one| one.as_str()).collect();
    let expected = [
        "contry: no such parameter",
        "repo=r: the path counts",
        "country=Germany: neither a code of two letters nor global",
        "protocol=gopher: none of https, http, ftp and rsync",
        "ip=foo: no address, so the client is unknown",
        "location=x: the cache has no such location",
    ];
    assert_eq!(ignored, expected);
    let said = built.said(&["query", "cache.mlc", odd, "--explain"]);
    assert!(expected.iter().all(|line| said.contains(&format!("ignored    {line}\n"))), "{said}");
    let of = |request: &str| {
        let explained = built.json(&["query", "cache.mlc", request, "--explain"]);
        let lines = explained["ignored"].as_array().unwrap();
        lines.iter().filter_map(|one| one.as_str()).map(str::to_owned).collect::<Vec<_>>()
    };
    let many: Vec<String> = (b'A'..=b'R').map(|letter| format!("A{}", char::from(letter))).collect();
    let many = format!("mirrorlist?path=pub/a&cc={},global", many.join(","));
    let below = "only below a prefix of the redirector";
    let lists = "not below a prefix of the redirector";
    for (request, expected) in [
        ("mirrorlist?path=pub/a&country=fr,global&netblock=1&cc=&json=0&family=6", vec![]),
        (
            "mirrorlist?path=pub/a&country=fr&cc=de&family=5&explain=1&version=9&again=x&json&limit=0",
            vec![
                "cc=de: the country counts".to_owned(),
                "family=5: neither 4 nor 6".into(),
                "limit=0: no number from 1 to 255".into(),
                "version=9: there is no repository that it could be about".into(),
                "explain=1: only JSON and the page can tell".into(),
                format!("again=x: {below}"),
                format!("json=1: {below}"),
            ],
        ),
        (
            "mirrorlist?repo=r&arch=x&version=9&redirect=1&format=json&time=1",
            vec![
                "time=1: a list alone tells it".into(),
                "version=9: there is no such repository".into(),
                "format=json: the redirect counts".into(),
            ],
        ),
        ("metalink?path=pub/a/x.rpm&redirect", vec!["redirect=1: a metalink is no redirect".into()]),
        (
            &many,
            vec![
                "cc=AQ: 16 others count".into(),
                "cc=AR: 16 others count".into(),
                "cc=global: 16 others count".into(),
            ],
        ),
        ("/dl/pub/a/x.rpm?again=1&mirrorlist&family=4&explain=0", vec![]),
        (
            "/dl/pub/a/x.rpm?repo=r&path=pub/a&time&redirect&mirrorlist&json&sha256",
            vec![
                format!("repo=r: {lists}"),
                format!("path=pub/a: {lists}"),
                format!("redirect=1: {lists}"),
                format!("time=1: {lists}"),
                "json=1: the answer has another form".into(),
                "sha256=1: the answer has another form".into(),
            ],
        ),
        ("/dl/pub/a/x.rpm?format=text&json", vec!["json=1: the answer has another form".into()]),
        ("/dl/pub/a/x.rpm.mirrorlist?meta4", vec!["meta4=1: the answer has another form".into()]),
    ] {
        assert_eq!(of(request), expected, "{request}");
    }
}

#[test]
fn where_a_path_of_the_redirector_leads_is_answered_and_explained() {
    let site = "[policy]\norigin-only = [\"*.torrent\"]\n\n[origins]\npub = \"https://origin.example.org/pub\"\n\n[aliases]\n\"pub/now\" = \"pub/a\"\n";
    let built = Built::of_site(site);
    let client = ["--client", "198.51.100.1", "--scheme", "https"];
    let ask =
        |path: &str, more: &[&str]| built.said(&[&["query", "cache.mlc", path], &client[..], more].concat());
    let included = ask("/dl/pub/now/x.rpm", &["--include"]);
    let location = "https://one.example.org/m/a/x.rpm";
    assert_eq!(included, format!("302\nContent-Type: text/plain\nLocation: {location}\n\n{location}\n"));
    let said = ask("/dl/pub/now/x.rpm", &["--explain"]);
    assert!(said.contains("\nasked for  path pub/a/x.rpm\ndirectory  pub/a\nfile       x.rpm\n"), "{said}");
    let first = said.lines().find(|line| line.starts_with("    1  ")).unwrap();
    assert!(first.contains(" geoip ") && first.ends_with(location), "{said}");
    let why = |host, path: &str| {
        ask(path, &["--explain", "--host", host])
            .lines()
            .find(|line| line.starts_with("not "))
            .map(str::to_owned)
    };
    let by_http = "not listed no URL with a protocol that counts: https";
    assert_eq!(why("3", "/dl/pub/a/x.rpm").as_deref(), Some(by_http));
    let behind = why("2", "/dl/pub/a/x.rpm").unwrap();
    assert!(
        behind.starts_with("not shown  behind the mirror that the redirect leads to; place 2"),
        "{behind}"
    );
    for (path, origin) in [
        ("/dl/pub/new/x.rpm", "no mirror is known to have it"),
        ("/dl/pub/a/x.torrent", "the site says that the origin alone has it"),
        ("/dl/pub/a/x.rpm?exclude=DE,US,JP", "no mirror that has it fits the client"),
    ] {
        let said = ask(path, &["--explain"]);
        let line = format!("\norigin     https://origin.example.org/pub: {origin}\n");
        assert!(said.contains(&line), "{path}: {said}");
        assert!(ask(path, &[]).starts_with("https://origin.example.org/pub/"), "{path}");
    }
    let nowhere = ask("/dl/elsewhere/x", &["--explain"]);
    let refused = "\nrefused    the path is neither a directory of the cache nor a file in one\n";
    assert!(nowhere.ends_with(refused), "{nowhere}");
    // By http one that has it, though others are nearer.
    let by_http = ["--client", "198.51.100.1", "--explain", "--json"];
    let asked =
        [&["query", "cache.mlc", "/dl/pub/a/x.rpm?exclude=one.example.org&json"][..], &by_http].concat();
    let explained: Value = serde_json::from_str(&built.said(&asked)).unwrap();
    let listed: Vec<&Value> =
        explained["hosts"].as_array().unwrap().iter().filter(|host| host["place"].is_u64()).collect();
    assert_eq!(listed.len(), 1, "{explained}");
    assert_eq!(listed[0]["urls"][0], "http://three.example.com/a/x.rpm");
}
