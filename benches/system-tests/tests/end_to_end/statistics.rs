//! From requests to pages: what clients asked the service for stands in its logs, is counted, and is what the statistics
//! show, in every window, by day and by night.

use super::looks::{self, WIDTHS, faults};
use crate::support::{Client, programs, sample_cache, sample_stack, wait_until};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Output},
};
use testkit::{
    browser::{Scheme, keep},
    stack::{self, Stack},
};

const QUERIES: [&str; 5] = [
    "/mirrorlist?repo=fedora-42&arch=x86_64",
    "/metalink?repo=fedora-42&arch=x86_64",
    "/metalink?repo=fedora-42&arch=aarch64&country=US",
    "/mirrorlist?repo=nothing&arch=x86_64",
    "/",
];

fn report(arguments: &[&str], paths: &[&Path]) -> Output {
    let output = Command::new(stack::report().unwrap()).args(arguments).args(paths).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    output
}

/// A day's file of statistics, of the only day that there is.
fn csv(site: &Path, name: &str) -> String {
    let days = fs::read_dir(site.join("statistics")).unwrap().map(|entry| entry.unwrap().path());
    let days: Vec<_> = days.filter(|path| path.is_dir()).collect();
    // Midnight may have come meanwhile.
    let texts = days.iter().map(|day| fs::read_to_string(day.join(name)).unwrap());
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_clients_ask_for_is_what_statistics_show_from_either_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (access, requests, database) = (path("access.log"), path("requests.log"), path("figures.db"));
    let options = ["--access-log", access.to_str().unwrap(), "--request-log", requests.to_str().unwrap()];
    let stack = Stack::start(&programs(), sample_cache(), &[&["--workers", "2"], &options[..]].concat(), &[])
        .unwrap();
    let mut client = Client::connect(stack.http);
    for target in QUERIES {
        client.ask("GET", target, "X-Forwarded-For: 192.0.2.77\r\n").answer();
    }
    let lines = |log: &Path| fs::read_to_string(log).unwrap_or_default().lines().count();
    wait_until("all lines", || lines(&requests) == QUERIES.len() && lines(&access) == 3);
    for (source, log) in [("access", &access), ("requests", &requests)] {
        let site = path(source);
        report(&["count", "--source", source, "--database"], &[&database, log]);
        report(&["render", "--database", database.to_str().unwrap(), "--output"], &[&site]);
        let times = if source == "access" { 1 } else { 2 };
        let repositories = format!("name,requests,percent\r\n\"fedora-42\",{},100\r\n", 3 * times);
        assert_eq!(csv(&site, "repositories.csv"), repositories);
        let archs = csv(&site, "archs.csv");
        assert!(archs.contains(&format!("\"x86_64\",{},66.67", 2 * times)), "{archs}");
        assert!(archs.contains(&format!("\"aarch64\",{times},33.33")), "{archs}");
    }
}

/// Lines of an access log, of a year, for names of all kinds.
fn year() -> String {
    let today =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let mut lines = String::new();
    for age in 0..366_u64 {
        let day = report::count::line::date((today - age) as i32).unwrap();
        for at in 0..(60 - age / 10) {
            let country = ["US", "DE", "GB", "BR", "N/A", "IN", "FR"][(at * at) as usize % 7];
            let repo = match at % 9 {
                0 => "a-name-that-is-longer-than-any-repository-has-but-that-somebody-will-have-some-day"
                    .into(),
                1 => "%3Cscript%3Ealert(1)%3C/script%3E".into(),
                2 => "%E2%80%AEthgir-ot-tfel".into(),
                _ => format!("fedora-{}", 30 + at % 12),
            };
            let arch = if at % 4 > 0 { "x86_64" } else { "aarch64" };
            lines += &format!("IP: N/A; DATE: {day}; COUNTRY: {country}; REPO: {repo}; ARCH: {arch}\n");
        }
    }
    lines
}

#[test]
fn statistics_fit_every_window_by_day_and_by_night() {
    let Some(mut browser) = looks::browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (log, database, site) =
        (folder.path().join("log"), folder.path().join("figures.db"), folder.path().join("site"));
    fs::write(&log, year()).unwrap();
    report(&["count", "--source", "year", "--database"], &[&database, &log]);
    let arguments =
        ["render", "--database", database.to_str().unwrap(), "--cache", sample_cache().to_str().unwrap()];
    report(&[&arguments[..], &["--output"]].concat(), &[&site]);
    let mut days: Vec<_> = fs::read_dir(site.join("statistics"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    days.sort();
    let pages = [
        ("overview", site.join("index.html")),
        ("statistics", site.join("statistics/index.html")),
        ("day", days[days.len() - 2].join("index.html")),
        ("mirrors", site.join("mirrors/index.html")),
        ("repositories", site.join("repositories/index.html")),
        ("repository", site.join("repositories/fedora-42.html")),
    ];
    let root = format!("file://{}/", site.display());
    for (name, page) in pages {
        let url = format!("file://{}", page.display());
        for width in WIDTHS {
            for scheme in [Scheme::Light, Scheme::Dark] {
                let seen = browser.look(&url, width, scheme).unwrap();
                keep(&seen, &format!("{name}-{width}-{scheme:?}")).unwrap();
                let is_ours = |asked: &str| asked.starts_with(&root) || asked == "data:,";
                assert_eq!(faults(&seen, is_ours, scheme), [""; 0], "{name} {width} {scheme:?}");
                assert!(
                    seen.requests.iter().any(|asked| asked.ends_with("style.css")),
                    "{:?}",
                    seen.requests
                );
            }
        }
    }
}

#[test]
fn the_public_list_names_those_mirrors_of_a_repository_that_the_service_names() {
    let folder = tempfile::tempdir().unwrap();
    let (database, site) = (folder.path().join("figures.db"), folder.path().join("site"));
    let nothing = folder.path().join("log");
    fs::write(&nothing, "").unwrap();
    report(&["count", "--source", "none", "--database"], &[&database, &nothing]);
    let arguments =
        ["render", "--database", database.to_str().unwrap(), "--cache", sample_cache().to_str().unwrap()];
    report(&[&arguments[..], &["--output"]].concat(), &[&site]);
    let list: Vec<Value> =
        serde_json::from_str(&fs::read_to_string(site.join("mirrors.json")).unwrap()).unwrap();
    let output = Command::new(programs().cache)
        .args(["list", "repositories"])
        .arg(sample_cache())
        .arg("--json")
        .output()
        .unwrap();
    let repositories: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(repositories.len() > 2, "{repositories:?}");
    let stack = sample_stack(&[]);
    let mut client = Client::connect(stack.http);
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for repository in &repositories {
        let [name, arch] = ["repo", "arch"].map(|key| repository[key].as_str().unwrap_or_default());
        let target = format!("/mirrorlist?repo={name}&arch={arch}&country=global");
        let answer = client.ask("GET", &target, "").answer();
        let text = answer.body;
        let urls = text.lines().filter(|line| !line.starts_with('#') && answer.status == 200);
        let hosts = urls.map(|url| url.split('/').nth(2).unwrap().to_owned());
        named.entry(name.to_owned()).or_default().extend(hosts);
    }
    assert!(named.values().any(|hosts| hosts.len() > 2), "{named:?}");
    for (repository, hosts) in named {
        let listed = list.iter().filter(|mirror| mirror["repositories"].get(&repository).is_some());
        let listed: BTreeSet<String> =
            listed.map(|mirror| mirror["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(listed, hosts, "{repository}");
        let page = fs::read_to_string(site.join(format!("repositories/{repository}.html"))).unwrap();
        assert!(hosts.iter().all(|host| page.contains(&format!("<bdi>{host}</bdi>"))), "{repository}");
    }
    let all = fs::read_to_string(site.join("mirrors/index.html")).unwrap();
    assert!(list.iter().all(|mirror| all.contains(mirror["name"].as_str().unwrap())));
}
