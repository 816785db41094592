//! From requests to pages: what clients asked the service for stands in its logs, is counted, and is what the statistics
//! show, in every window, by day and by night.

use super::looks::{self, WIDTHS, faults};
use crate::support::{Client, programs, sample_cache, sample_stack, wait_until};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use testkit::{
    browser::{Browser, Scheme, keep},
    inputs,
    stack::{self, Stack},
    synthetic,
};

const QUERIES: [&str; 5] = [
    "/mirrorlist?repo=fedora-42&arch=x86_64",
    "/metalink?repo=fedora-42&arch=x86_64",
    "/metalink?repo=fedora-42&arch=aarch64&country=US",
    "/mirrorlist?repo=nothing&arch=x86_64",
    "/",
];

/// The client, in logs that keep addresses.
const CLIENT: &str = "192.0.2.77";

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
    let logs = ["--access-log", access.to_str().unwrap(), "--request-log", requests.to_str().unwrap()];
    let options = [&["--workers", "2", "--log-address", "full"], &logs[..]].concat();
    let stack = Stack::start(&programs(), sample_cache(), &options, &[]).unwrap();
    let mut client = Client::connect(stack.http);
    for target in QUERIES {
        client.ask("GET", target, &format!("X-Forwarded-For: {CLIENT}\r\n")).answer();
    }
    let lines = |log: &Path| fs::read_to_string(log).unwrap_or_default().lines().count();
    wait_until("all lines", || lines(&requests) == QUERIES.len() && lines(&access) == 3);
    for (source, log) in [("access", &access), ("requests", &requests)] {
        let site = path(source);
        assert!(has(log, CLIENT), "{}", log.display());
        report(&["count", "--source", source, "--database"], &[&database, log]);
        report(&["render", "--database", database.to_str().unwrap(), "--output"], &[&site]);
        let times = if source == "access" { 1 } else { 2 };
        let repositories = format!("name,requests,percent\r\n\"fedora-42\",{},100\r\n", 3 * times);
        assert_eq!(csv(&site, "repositories.csv"), repositories);
        let archs = csv(&site, "archs.csv");
        assert!(archs.contains(&format!("\"x86_64\",{},66.67", 2 * times)), "{archs}");
        assert!(archs.contains(&format!("\"aarch64\",{times},33.33")), "{archs}");
        // How requests were answered stands in the request log alone.
        let days = fs::read_dir(site.join("statistics")).unwrap().map(|entry| entry.unwrap().path());
        let has_answers = days.filter(|path| path.is_dir()).any(|day| day.join("answers.csv").exists());
        assert_eq!(has_answers, source == "requests");
        if has_answers {
            let answers = csv(&site, "answers.csv");
            for (what, requests) in [("metalink 200", 2), ("mirrorlist 200", 1), ("mirrorlist 404", 1)] {
                assert!(answers.contains(&format!("\"{what}\",{requests},")), "{answers}");
            }
            assert!(csv(&site, "tiers.csv").contains("\"none\","));
        }
        // Of addresses nothing is kept.
        for file in [&site, &database, &path("figures.db-wal")] {
            assert!(!has(file, CLIENT), "{}", file.display());
        }
    }
}

/// Whether a text stands in a file, or in any of a folder; one that is not there has none.
fn has(path: &Path, text: &str) -> bool {
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).any(|path| has(&path, text)),
        Err(_) => {
            fs::read(path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
        }
    }
}

/// Lines of an access log, of a year, for names of all kinds, and of a request log.
fn year() -> [String; 2] {
    let today =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let [mut lines, mut requests] = [String::new(), String::new()];
    for age in 0..366_u64 {
        let day = report::count::line::date((today - age) as i32).unwrap();
        for at in 0..(60 - age / 10) {
            let country = ["US", "DE", "GB", "BR", "N/A", "IN", "FR"][(at * at) as usize % 7];
            let repo = match at % 9 {
                0 => "a-name-that-is-longer-than-any-repository-has-but-that-somebody-will-have-some-day"
                    .into(),
                1 => "%3Cscript%3Ealert(1)%3C/script%3E".into(),
                2 => "%E2%80%AEthgir-ot-tfel".into(),
                _ => format!("fedora-{}", 42 - at % 12),
            };
            let arch = if at % 4 > 0 { "x86_64" } else { "aarch64" };
            lines += &format!("IP: N/A; DATE: {day}; COUNTRY: {country}; REPO: {repo}; ARCH: {arch}\n");
            // Files alone: what is for a repository stands in the access log.
            let (status, tier) =
                [(302, "country"), (302, "continent"), (404, "none"), (302, "asn")][at as usize % 4];
            requests +=
                &format!("{day}T10:00:00Z - {status} redirect {tier} {country} - - pub/fedora/linux/x.iso\n");
        }
    }
    [lines, requests]
}

/// What the collector may have found of the sample: something of everything.
fn collected() -> (Value, Value) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let url = |answer: &str, name: &str| json!({"url": format!("https://{name}/pub/fedora/linux"), "answer": answer, "why": "a reason that is long enough to need a second line on a telephone"});
    let host = |id: u64, answer: &str, name: &str| json!({"id": id, "urls": [url(answer, name)]});
    let round = json!({"time": now - 5 * 3600, "mirrors":
        [host(1, "good", "elbe.example.org"), host(6, "failed", "hudson.example.com")]});
    let hours: Vec<Value> = (0..60 * 24_u64)
        .filter(|ago| !(50..70).contains(ago))
        .map(|ago| {
            json!({"hour": now / 3600 * 3600 - ago * 3600, "current": 5 + ago % 7, "one_day": 7 - ago % 7, "two_days": 1, "older": 2,
                "no_answer": 1})
        })
        .collect();
    let ages: Vec<Value> = [(1, "older"), (2, "two_days"), (4, "no_answer"), (5, "current"), (6, "one_day")]
        .map(|(id, age)| json!({"id": id, "age": age, "since": now - 3600 * id}))
        .into();
    let spread = json!({"time": now, "repositories": [
        {"name": "fedora-42+x86_64", "hours": hours, "hosts": ages},
        {"name": "epel-10+x86_64", "hours": [], "hosts": []},
    ]});
    (round, spread)
}

#[test]
fn statistics_fit_every_window_by_day_and_by_night() {
    let Some(mut browser) = looks::browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (log, database, site) =
        (folder.path().join("log"), folder.path().join("figures.db"), folder.path().join("site"));
    for (source, lines) in ["access", "requests"].into_iter().zip(year()) {
        fs::write(&log, lines).unwrap();
        report(&["count", "--source", source, "--database"], &[&database, &log]);
    }
    let arguments =
        ["render", "--database", database.to_str().unwrap(), "--cache", sample_cache().to_str().unwrap()];
    let [round, spread] = ["mirrors.json", "propagation.json"].map(|name| folder.path().join(name));
    fs::write(&round, collected().0.to_string()).unwrap();
    fs::write(&spread, collected().1.to_string()).unwrap();
    let found = [
        "--mirrors",
        round.to_str().unwrap(),
        "--propagation",
        spread.to_str().unwrap(),
        "--header",
        "Example University",
        "--footer",
        "A line below",
        "--link",
        "Imprint https://example.org/imprint",
        "--colour",
        "#7a1f5c",
        "--dark-colour",
        "#f0a0d0",
    ];
    report(&[&arguments[..], &found, &["--output"]].concat(), &[&site]);
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
        ("mirror", site.join("mirrors/elbe.example.org.html")),
        ("map", site.join("map/index.html")),
        ("propagation", site.join("propagation/index.html")),
        ("spread", site.join("propagation/fedora-42~2bx86_64.html")),
        ("unmeasured", site.join("propagation/epel-10~2bx86_64.html")),
    ];
    let has_all = |page: &str, texts: &[&str]| {
        let text = fs::read_to_string(site.join(page)).unwrap();
        assert!(texts.iter().all(|part| text.contains(part)), "{text}");
    };
    has_all("repositories/fedora-42.html", &["Requests a day", "Architecture", "Country"]);
    has_all("statistics/index.html", &["All requests in request logs", "redirect 302", "continent"]);
    fit(&mut browser, &site, &pages);
}

/// Every page is without a fault in every window, by day and by night.
fn fit(browser: &mut Browser, site: &Path, pages: &[(impl Display, PathBuf)]) {
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
fn what_is_empty_broken_suspended_or_disabled_fits_every_window_too() {
    let Some(mut browser) = looks::browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("log"), "").unwrap();
    report(&["count", "--source", "none", "--database"], &[&path("figures.db"), &path("log")]);
    fs::write(path("mirrors.json"), "{").unwrap();
    fs::write(path("propagation.json"), "{").unwrap();
    fs::write(path("cache"), "no cache").unwrap();
    suspend(&path("suspended"), &ELBE);
    let render = |cache: &Path, site: &str, more: &[&str]| {
        let arguments: Vec<String> = more.iter().map(|option| path(option).display().to_string()).collect();
        let options =
            more.iter().zip(&arguments).flat_map(|(option, file)| [format!("--{option}"), file.clone()]);
        let mut command = Command::new(stack::report().unwrap());
        command.arg("render").arg("--database").arg(path("figures.db")).arg("--cache").arg(cache);
        let output = command.args(options).arg("--output").arg(path(site)).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        path(site)
    };
    for name in ["mirrors", "propagation"] {
        fs::rename(path(&format!("{name}.json")), path(name)).unwrap();
    }
    let site = render(&path("cache"), "broken", &["mirrors", "propagation"]);
    let pages = [
        "index.html",
        "statistics/index.html",
        "mirrors/index.html",
        "map/index.html",
        "repositories/index.html",
        "propagation/index.html",
    ];
    fit(
        &mut browser,
        &site,
        &pages.map(|page| (format!("broken-{}", page.replace(['/', '.'], "-")), site.join(page))),
    );
    let site = render(sample_cache(), "left-out", &["suspended"]);
    let pages = [
        "index.html",
        "mirrors/index.html",
        "mirrors/elbe.example.org.html",
        "map/index.html",
        "repositories/fedora-42.html",
        "repositories/fedora-30.html",
        "repositories/fedora-rawhide.html",
        "repositories/rawhide.html",
    ];
    let pages = pages.map(|page| (format!("left-out-{}", page.replace(['/', '.'], "-")), site.join(page)));
    let mirror = fs::read_to_string(site.join("mirrors/elbe.example.org.html")).unwrap();
    assert!(mirror.contains("suspended"), "{mirror}");
    fit(&mut browser, &site, &pages);
}

#[test]
fn the_map_says_whose_a_mark_is_while_it_has_the_focus() {
    let Some(mut browser) = looks::browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let site = site_of(sample_cache(), folder.path(), &[]);
    let url = format!("file://{}", site.join("map/index.html").display());
    browser.look(&url, 1600, Scheme::Light).unwrap();
    let shown =
        "[...document.querySelectorAll('.map a text')].filter(text => getComputedStyle(text).opacity === '1')
        .map(text => text.textContent)";
    assert_eq!(browser.evaluate(shown).unwrap(), json!([]));
    let first = browser
        .evaluate("document.querySelector('.map a').focus(), document.querySelector('.map a').textContent")
        .unwrap();
    assert!(first.as_str().is_some_and(|text| text.contains("hudson.example.com")), "{first}");
    assert_eq!(browser.evaluate(shown).unwrap(), json!([first]));
    // Of none is the end cut off, in no window, and the whole of it is below the land.
    let outside = "(() => {
        const map = document.querySelector('.map').getBoundingClientRect();
        return [...document.querySelectorAll('.map a text')].filter(text => {
            const box = text.getBoundingClientRect();
            return box.right > map.right || box.bottom > map.bottom || box.width < 10;
        }).map(text => text.textContent);
    })()";
    for width in WIDTHS {
        browser.look(&url, width, Scheme::Light).unwrap();
        assert_eq!(browser.evaluate(outside).unwrap(), json!([]), "{width}");
    }
}

/// The URLs of a mirror of the sample.
const ELBE: [&str; 2] =
    ["https://elbe.example.org/pub/fedora/linux", "http://elbe.example.org/pub/fedora/linux"];

/// Writes a list of suspended URLs.
fn suspend(list: &Path, urls: &[&str]) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let line = |url: &&str| format!("{url}\tname\t{}\t{}\tno answer\n", now - 600, now + 3000);
    let lines: String = urls.iter().map(line).collect();
    fs::write(list, format!("# mirrorlist-suspended 1\n{lines}# end {}\n", urls.len())).unwrap();
}

/// A site of a cache without figures.
pub fn site_of(cache: &Path, folder: &Path, more: &[&str]) -> PathBuf {
    let (database, site) = (folder.join("figures.db"), folder.join("site"));
    let nothing = folder.join("log");
    fs::write(&nothing, "").unwrap();
    report(&["count", "--source", "none", "--database"], &[&database, &nothing]);
    let arguments = ["render", "--database", database.to_str().unwrap(), "--cache", cache.to_str().unwrap()];
    report(&[&arguments[..], more, &["--output"]].concat(), &[&site]);
    site
}

#[test]
fn the_public_list_names_those_mirrors_of_a_repository_that_the_service_names() {
    agree(sample_cache(), &sample_stack(&[]), &[], 1);
}

#[test]
fn the_public_list_and_the_service_leave_out_the_same_suspended_urls() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("suspended");
    // All that a mirror has, and then one of its URLs.
    for urls in [&ELBE[..], &ELBE[..1]] {
        suspend(&list, urls);
        let options = ["--suspended", list.to_str().unwrap()];
        let stack =
            Stack::start(&programs(), sample_cache(), &["--workers", "2", options[0], options[1]], &[]);
        let left_out = agree(sample_cache(), &stack.unwrap(), &options, 1);
        assert_eq!(left_out, urls.len() == ELBE.len());
    }
}

#[test]
fn the_public_list_and_the_service_agree_on_repositories_of_a_large_cache() {
    let folder = tempfile::tempdir().unwrap();
    let options = synthetic::Options { hosts: 150, unfriendly: true, ..synthetic::Options::new(3000) };
    let cache = inputs::synthetic_cache(&programs(), &options, folder.path()).unwrap();
    let stack = Stack::start(&programs(), &cache, &["--workers", "2"], &[]).unwrap();
    agree(&cache, &stack, &[], 5);
}

/// Asks for every repository of a cache, or for one of so many, and looks for the same in its site; whether any page has a mirror
/// that answers leave out.
fn agree(cache: &Path, stack: &Stack, options: &[&str], one_of: usize) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let site = site_of(cache, folder.path(), options);
    let mut has_left_out = false;
    let list: Value = serde_json::from_slice(&fs::read(site.join("mirrors.json")).unwrap()).unwrap();
    let output = Command::new(programs().cache)
        .args(["list", "repositories"])
        .arg(cache)
        .arg("--json")
        .output()
        .unwrap();
    let repositories: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let (all, listed) = (list["repositories"].as_array().unwrap(), listed(&list));
    let (repositories, others): (Vec<&Value>, Vec<&Value>) =
        repositories.iter().partition(|repository| repository["arch"].is_string());
    assert!(
        repositories.len() > 2 && repositories.len() == all.len(),
        "{} {}",
        repositories.len(),
        all.len()
    );
    for other in others.into_iter().filter(|other| other["redirect"].is_string()) {
        let name = other["repo"].as_str().unwrap();
        assert_eq!(list["redirects"][name], other["redirect"]);
        let page = fs::read_to_string(site.join(format!("repositories/{name}.html"))).unwrap();
        let to = format!("get what <a href=\"{}.html\"", other["redirect"].as_str().unwrap());
        assert!(page.contains(&to), "{page}");
    }
    let mut client = Client::connect(stack.http);
    let mut dice = SmallRng::seed_from_u64(one_of as u64);
    let mut longest = 0;
    for repository in repositories {
        if dice.random_range(0..one_of) > 0 {
            continue;
        }
        let [name, arch] = ["repo", "arch"].map(|key| repository[key].as_str().unwrap_or_default());
        let place = all.iter().position(|of| of["repo"] == name && of["arch"] == arch).unwrap();
        let [repo, arch] = [name, arch]
            .map(|name| url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>());
        let answer =
            client.ask("GET", &format!("/mirrorlist?repo={repo}&arch={arch}&country=global"), "").answer();
        let text = answer.body;
        let urls = text.lines().filter(|line| !line.starts_with('#') && answer.status == 200);
        let urls: BTreeSet<&str> = urls.collect();
        let none = BTreeMap::new();
        let own = listed.get(&place).unwrap_or(&none);
        assert_eq!(own.keys().map(String::as_str).collect::<BTreeSet<_>>(), urls, "{repository}");
        longest = longest.max(urls.len());
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            let page = fs::read_to_string(site.join(format!("repositories/{name}.html"))).unwrap();
            let rows = page.split("<tr>").skip(1).filter(|row| row.contains("<a href=\"../mirrors/"));
            let (left_out, rows): (Vec<&str>, Vec<&str>) =
                rows.partition(|row| row.contains("answers leave it out"));
            has_left_out |= !left_out.is_empty();
            let link = |row: &&str| Some(row.split_once("<a href=\"../")?.1.split_once('"')?.0.to_owned());
            // What it has for any architecture, no more and no less.
            let of_name = all.iter().enumerate().filter(|(_, of)| of["repo"] == name);
            let expected = of_name.filter_map(|(place, _)| listed.get(&place)).flat_map(BTreeMap::values);
            let expected: BTreeSet<String> = expected.cloned().collect();
            assert_eq!(rows.iter().filter_map(link).collect::<BTreeSet<_>>(), expected, "{repository}");
        }
    }
    assert!(longest > 2, "{longest}");
    let all = fs::read_to_string(site.join("mirrors/index.html")).unwrap();
    let pages = list["mirrors"].as_array().unwrap().iter().map(|mirror| mirror["page"].as_str().unwrap());
    let mut pages = pages.map(|page| page.strip_prefix("mirrors/").unwrap());
    assert!(pages.all(|page| all.contains(&format!("\"{page}\""))));
    has_left_out
}

/// The URLs of `mirrors.json` by the place of their repository, each with the mirror's page.
fn listed(list: &Value) -> BTreeMap<usize, BTreeMap<String, String>> {
    let mut listed: BTreeMap<usize, BTreeMap<String, String>> = BTreeMap::new();
    for mirror in list["mirrors"].as_array().unwrap() {
        for below in mirror["urls"].as_array().unwrap() {
            for place in below["repositories"].as_array().unwrap() {
                let place = place.as_u64().unwrap() as usize;
                let path = list["repositories"][place]["path"].as_str().unwrap();
                let url = format!("{}{path}", below["url"].as_str().unwrap());
                listed.entry(place).or_default().insert(url, mirror["page"].as_str().unwrap().to_owned());
            }
        }
    }
    listed
}
