//! Pages of mirrors: what the cache has, what the collector has found, and nothing that is private.

use crate::{Site, check, html::Html, program, suspended::list_of, well};
use cache::{
    inventory::{Carrier, Directory, Host, HostUrl, Inventory, Placement, Repository, Roster, SetPosition},
    place::Place,
    scheme::Scheme,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Output,
    time::{SystemTime, UNIX_EPOCH},
};
use wire::code::Country;

pub(super) const DAY: u64 = 86_400;

/// A host of the sample, whose number is its place from 1.
struct Sample {
    name: &'static str,
    country: &'static str,
    bandwidth: u32,
    place: Option<[f64; 2]>,
    is_public: bool,
}

const fn sample(name: &'static str, country: &'static str, bandwidth: u32) -> Sample {
    Sample { name, country, bandwidth, place: None, is_public: true }
}

const HOSTS: [Sample; 8] = [
    Sample { place: Some([52.5, 13.4]), ..sample("elbe.example.org", "DE", 10_000) },
    // Another host of the same name.
    sample("elbe.example.org", "DE", 1000),
    sample("<script>alert(1)", "FR", 1),
    sample("\u{202e}tfel.example", "US", 100),
    Sample { is_public: false, ..sample("secret.example.net", "BR", 7777) },
    sample("quo\"te'.example", "", 1),
    sample("gone.example.org", "JP", 100_000),
    sample("index", "BR", 1),
];
const SECRET: i64 = 5;
pub(super) const GONE: i64 = 7;

const REPOSITORIES: [(&str, &[&str]); 3] =
    [("fedora-42", &["x86_64", "aarch64"]), ("<b>odd</b>&\"", &["x86_64"]), ("index", &["s390x"])];

pub(super) fn url(number: i64, tree: &str) -> String {
    format!("https://{}/h{number}/{tree}", HOSTS[number as usize - 1].name)
}

/// A cache of the sample: even hosts have no aarch64.
pub(super) fn inventory() -> Inventory {
    let mut inventory = Inventory { source_time: now() - 600, ..Inventory::default() };
    for (number, host) in (1..).zip(&HOSTS) {
        let place = host.place.and_then(|[north, east]| Place::new(north, east));
        let country = Country::parse(host.country.as_bytes());
        inventory.hosts.insert(number, Host { country, bandwidth: host.bandwidth, place, ..Host::default() });
    }
    let mut roster = Roster::default();
    let carriers: Vec<Carrier> = (1..)
        .zip(&HOSTS)
        .map(|(number, host)| {
            let text = url(number, "pub");
            let (position, _) = inventory.urls.insert_full(HostUrl { scheme: Scheme::Https, text });
            let mut urls = vec![position as u32];
            if number == SECRET {
                // A private host with the URL of a public one of its country.
                let text = url(HOSTS.len() as i64, "pub");
                urls.push(inventory.urls.insert_full(HostUrl { scheme: Scheme::Https, text }).0 as u32);
            }
            let placement = Placement { host: number as u32 - 1, urls };
            let (placement, _) = inventory.placements.insert_full(placement);
            Carrier {
                placement: placement as u32,
                public: host.is_public,
                countries: Country::parse(host.country.as_bytes()).into_iter().collect(),
            }
        })
        .collect();
    // One has something else, below the tree of another.
    let text = format!("{}/{}", url(1, "pub"), REPOSITORIES[0].0.len());
    let (position, _) = inventory.urls.insert_full(HostUrl { scheme: Scheme::Https, text });
    inventory.placements.insert_full(Placement { host: HOSTS.len() as u32 - 1, urls: vec![position as u32] });
    for (name, archs) in REPOSITORIES {
        let mut repository = Repository::default();
        for arch in archs {
            let path = format!("pub/{}/{arch}", name.len());
            let has = |at: &usize| *arch != "aarch64" || at.is_multiple_of(2);
            let set = roster.set_of((0..carriers.len()).filter(has).map(|at| carriers[at].clone()));
            let carriers = SetPosition { roster: 0, set };
            let subpath = path["pub/".len()..].to_owned();
            inventory.directories.insert(path.clone(), Directory { carriers, subpath });
            repository.archs.insert((*arch).to_owned(), path);
        }
        inventory.repositories.insert(name.to_owned(), repository);
    }
    inventory.rosters.push(roster);
    inventory
}

/// Repositories with directories as projects have them: name, architecture, directory.
const TREES: [(&str, &str, &str); 11] = [
    ("epel-10", "s390x", "pub/epel/10/Everything/s390x"),
    ("epel-10", "x86_64", "pub/epel/10/Everything/x86_64"),
    ("epel-9", "x86_64", "pub/epel/9/Everything/x86_64"),
    ("fedora-42", "aarch64", "pub/fedora/linux/releases/42/Everything/aarch64/os"),
    ("fedora-42", "x86_64", "pub/fedora/linux/releases/42/Everything/x86_64/os"),
    ("fedora-9", "x86_64", "pub/archive/fedora/linux/releases/9/Everything/x86_64/os"),
    ("rawhide", "aarch64", "pub/fedora/linux/development/rawhide/Everything/aarch64/os"),
    ("rawhide", "x86_64", "pub/fedora/linux/development/rawhide/Everything/x86_64/os"),
    ("testing-epel-10", "x86_64", "pub/epel/testing/10/Everything/x86_64"),
    ("tools", "noarch", "pub/tools"),
    ("updates-released-f42", "x86_64", "pub/fedora/linux/updates/42/Everything/x86_64"),
];

/// A cache of the same hosts with those, and with another name of one: even hosts have no aarch64.
fn inventory_of_trees() -> Inventory {
    let mut inventory = inventory();
    inventory.directories.clear();
    inventory.repositories.clear();
    let roster = &mut inventory.rosters[0];
    roster.sets.clear();
    let carriers: Vec<Carrier> = roster.carriers.iter().cloned().collect();
    for (name, arch, path) in TREES {
        let has = |at: &usize| arch != "aarch64" || at.is_multiple_of(2);
        let set = roster.set_of((0..carriers.len()).filter(has).map(|at| carriers[at].clone()));
        let subpath = path["pub/".len()..].to_owned();
        let directory = Directory { carriers: SetPosition { roster: 0, set }, subpath };
        inventory.directories.insert(path.to_owned(), directory);
        let repository = inventory.repositories.entry(name.to_owned()).or_default();
        repository.archs.insert(arch.to_owned(), path.to_owned());
    }
    let alias = Repository { redirect: Some("epel-10".to_owned()), ..Repository::default() };
    inventory.repositories.insert("epel-latest".to_owned(), alias);
    inventory
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// What the collector would write after such a round.
pub(super) fn round(time: u64) -> Value {
    let of = |number: i64, answer: &str, why: Option<&str>| {
        json!({"url": url(number, "pub"), "category": "c", "answer": answer, "why": why.unwrap_or_default(),
            "failures": u32::from(why.is_some()), "good": 0, "suspended": null, "also_https": false})
    };
    let host = |id: i64, urls: Vec<Value>| json!({"id": id, "name": "", "families": [4], "urls": urls});
    let hidden = json!({"url": "https://secret.example.com/in", "category": "c", "answer": "failed", "also_https": false});
    let gone = json!({"url": url(GONE, "pub"), "category": "c", "answer": "failed", "why": "no answer", "failures": 9,
        "good": 0, "suspended": {"since": time - 3 * DAY, "until": time + 600, "reason": "no \u{1b}[31mroute"}, "also_https": false});
    json!({"number": 3, "time": time, "seconds": 1.5, "hosts": 8, "good": 1, "failed": 2, "unknown": 0, "brakes": [],
    "mirrors": [
        host(1, vec![of(1, "good", None), hidden]),
        host(2, vec![of(2, "failed", Some("<i>404</i>\u{0}"))]),
        host(3, vec![of(3, "good", None)]),
        host(SECRET, vec![of(SECRET, "failed", Some("secret"))]),
        host(GONE, vec![gone]),
        host(8, vec![of(8, "unknown", Some("busy"))]),
    ]})
}

/// How the first repository has spread: ten days by hour, a day of which is missing.
fn spread(time: u64) -> Value {
    let hours: Vec<Value> = (0..240)
        .filter(|age| !(100..124).contains(age))
        .rev()
        .map(|age: u64| {
            let hour = time / 3600 * 3600 - age * 3600;
            let late = age % 12 / 3;
            json!({"hour": hour, "current": 6 - late, "one_day": late, "two_days": 0, "older": u64::from(age > 200), "no_answer": 1})
        })
        .collect();
    let late: Vec<Value> = (0..3)
        .map(|age: u64| {
            let hour = time / 3600 * 3600 - age * 3600;
            json!({"hour": hour, "current": 1, "one_day": 0, "two_days": 0, "older": 4, "no_answer": 0})
        })
        .collect();
    let host =
        |id: i64, age: &str, since: u64| json!({"id": id, "name": "secret", "age": age, "since": since});
    json!({"time": time, "repositories": [
        {"name": "fedora-42+x86_64", "hours": hours, "hosts": [
            host(1, "current", time - DAY), host(2, "two_days", time - 5 * 3600), host(3, "no_answer", time - 2 * DAY),
            host(SECRET, "older", time - DAY)]},
        // The second host is so far behind that the cache does not have it for that.
        {"name": "fedora-42+aarch64", "hours": late, "hosts": [
            host(1, "current", time), host(2, "older", time - 80 * DAY), host(3, "older", time - 2 * DAY),
            host(SECRET, "older", time - DAY), host(99, "older", time - DAY)]},
        {"name": "<b>odd</b>&\"+x86_64", "hours": [], "hosts": []},
    ]})
}

/// A site of the sample with what is in these files, and what the program says.
pub(super) struct Rendered {
    pub(super) site: Site,
    pub(super) output: Output,
}

pub(super) fn rendered(round: &str, spread: &str, more: &[&str]) -> Rendered {
    rendered_of(&inventory(), round, spread, more)
}

fn rendered_of(inventory: &Inventory, round: &str, spread: &str, more: &[&str]) -> Rendered {
    let site = Site::new();
    well(&program(
        &["count", "--json", "--source", "s", "--database"],
        &[&site.path("db"), &site.path("log")],
    ));
    let (bytes, _) = cache::write(inventory, 0).unwrap();
    fs::write(site.path("cache"), &*bytes).unwrap();
    fs::write(site.path("suspended"), list_of(&[GONE])).unwrap();
    fs::write(site.path("mirrors.json"), round).unwrap();
    fs::write(site.path("propagation.json"), spread).unwrap();
    let options = ["database", "cache", "suspended", "mirrors", "propagation"];
    let files = ["db", "cache", "suspended", "mirrors.json", "propagation.json"].map(|name| site.path(name));
    let arguments: Vec<String> = options
        .iter()
        .zip(&files)
        .flat_map(|(option, file)| [format!("--{option}"), file.display().to_string()])
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = program(&[&["render"], &arguments[..], more, &["--output"]].concat(), &[&site.path("site")]);
    Rendered { site, output }
}

pub(super) fn usual() -> Rendered {
    let rendered = rendered(&round(now() - 60).to_string(), &spread(now()).to_string(), &[]);
    well(&rendered.output);
    rendered
}

fn bytes_of(root: &Path, file: &str) -> String {
    fs::read_to_string(root.join(file)).unwrap()
}

/// What links are called in a page and names that are set apart there, and all text of it.
pub(super) fn text(site: &Site, page: &str) -> (Vec<String>, String) {
    let document = Html::parse(&site.read(page));
    let names = document.named("a").chain(document.named("bdi")).map(|name| name.text.clone()).collect();
    let text = document.named("main").map(|main| main.text.clone()).collect();
    (names, text)
}

#[test]
fn every_page_of_mirrors_is_html_shows_names_and_tells_nothing_private() {
    let Rendered { site, .. } = usual();
    let mirrors = HOSTS.iter().filter(|host| host.is_public).count();
    assert_eq!(check(&site), super::DAYS as usize - 1 + 2 + 2 + mirrors + 1 + REPOSITORIES.len() + 1 + 3);
    for file in site.files() {
        let text = bytes_of(&site.path("site"), &file);
        assert!(!text.contains("secret") && !text.contains("7777") && !text.contains('\u{1b}'), "{file}");
    }
    for (page, shown) in [
        ("mirrors/index.html", "<script>alert(1)"),
        ("mirrors/index.html", "\u{fffd}tfel.example"),
        ("mirrors/~3cscript~3ealert~281~29.html", "<script>alert(1)"),
        ("mirrors/~69ndex.html", "index"),
        ("map/index.html", "quo\"te'.example"),
        ("repositories/index.html", "<b>odd</b>&\""),
        ("repositories/fedora-42.html", "quo\"te'.example"),
        ("propagation/index.html", "<b>odd</b>&\"+x86_64"),
    ] {
        let (names, _) = text(&site, page);
        assert!(names.iter().any(|name| name == shown), "{page}: {shown:?} in {names:?}");
    }
}

/// The mirrors of `mirrors.json`, each with the URLs of its repositories, by `REPOSITORY+ARCH`.
pub(super) fn listed(site: &Site) -> Vec<(Value, BTreeMap<String, String>)> {
    let list: Value = serde_json::from_str(&site.read("mirrors.json")).unwrap();
    let of = |mirror: &Value| {
        let mut urls = BTreeMap::new();
        for below in mirror["urls"].as_array().unwrap() {
            for place in below["repositories"].as_array().unwrap() {
                let of = &list["repositories"][place.as_u64().unwrap() as usize];
                let [repo, arch, path] = ["repo", "arch", "path"].map(|key| of[key].as_str().unwrap());
                let url = format!("{}{path}", below["url"].as_str().unwrap());
                assert_eq!(urls.insert(format!("{repo}+{arch}"), url), None);
            }
        }
        (mirror.clone(), urls)
    };
    list["mirrors"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn mirrors_as_json_have_the_url_of_every_repository_and_architecture() {
    let Rendered { site, .. } = usual();
    for (mirror, urls) in listed(&site) {
        let id = mirror["id"].as_i64().unwrap();
        assert!(site.path("site").join(mirror["page"].as_str().unwrap()).is_file(), "{mirror}");
        let expected =
            REPOSITORIES.iter().flat_map(|(name, archs)| archs.iter().map(move |arch| (name, *arch)));
        let has = |arch: &str| id != GONE && (arch != "aarch64" || id % 2 == 1);
        let expected: BTreeMap<String, String> = expected
            .filter(|(_, arch)| has(arch))
            .map(|(name, arch)| {
                (format!("{name}+{arch}"), format!("{}/{}/{arch}/", url(id, "pub"), name.len()))
            })
            .collect();
        assert_eq!(urls, expected, "{mirror}");
    }
}

#[test]
fn repositories_are_chosen_by_product_version_and_architecture() {
    let spread = "{\"time\": 5, \"repositories\": []}";
    let round = round(now() - 60).to_string();
    let Rendered { site, output } = rendered_of(&inventory_of_trees(), &round, spread, &[]);
    well(&output);
    check(&site);
    let page = Html::parse(&site.read("repositories/index.html"));
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for element in &page.elements {
        match &*element.name {
            "tr" => rows.push(Vec::new()),
            "th" | "td" => rows.last_mut().unwrap().push(&element.text),
            _ => {}
        }
    }
    assert_eq!(rows.remove(0), ["Version", "Repository", "Architec\u{ad}tures", "Mirrors"]);
    let shown: Vec<String> = rows.iter().map(|row| row[..row.len().min(2)].join(" ")).collect();
    let expected = [
        "epel",
        "10 epel-10",
        "10 epel-latest",
        "10 testing-epel-10",
        "9 epel-9",
        "fedora",
        "rawhide rawhide",
        "42 fedora-42",
        "42 updates-released-f42",
        "9 fedora-9",
        "Others",
        " tools",
    ];
    assert_eq!(shown, expected);
    // Numbers are those of mirrors that the list has for each architecture.
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for (_, urls) in listed(&site) {
        urls.into_keys().for_each(|of| *expected.entry(of).or_default() += 1);
    }
    assert_eq!([expected["fedora-42+aarch64"], expected["fedora-42+x86_64"]], [2, 6]);
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.len() == 4 && row[3] != "–") {
        for part in row[2].split(", ") {
            let (archs, count) = part.split_once(": ").unwrap_or((part, row[3]));
            for arch in archs.split(' ') {
                let of = format!("{}+{arch}", row[1]);
                assert_eq!(told.insert(of, count.parse().unwrap()), None, "{row:?}");
            }
        }
    }
    assert_eq!((told.len(), &told), (TREES.len(), &expected));
    let of = |name: &str| rows.iter().find(|row| row.get(1) == Some(&name)).unwrap()[2..].join("|");
    assert_eq!([of("fedora-42"), of("epel-10")], ["x86_64: 6, aarch64: 2|6", "s390x x86_64|6"]);
    assert_eq!(of("epel-latest"), "as epel-10|–");
    // The same is in the list for programs, and on the page of each.
    let list: Value = serde_json::from_str(&site.read("mirrors.json")).unwrap();
    let repositories = list["repositories"].as_array().unwrap();
    let of = |name: &str| repositories.iter().find(|of| of["repo"] == name).unwrap();
    let rawhide = of("rawhide");
    assert_eq!([&rawhide["product"], &rawhide["version"]], ["fedora", "rawhide"]);
    assert!(of("tools").get("product").is_none() && of("tools").get("version").is_none());
    assert!(text(&site, "repositories/fedora-42.html").1.contains("Version 42 of fedora."));
    assert!(!text(&site, "repositories/tools.html").1.contains("Version"));
}

#[test]
fn two_mirrors_of_one_host_are_two() {
    let Rendered { site, .. } = usual();
    let list = listed(&site);
    let elbe: Vec<_> =
        list.iter().filter(|(mirror, _)| mirror["name"].as_str().unwrap().starts_with("elbe.")).collect();
    assert_eq!(elbe.len(), 2);
    for ((mirror, urls), page) in elbe.iter().zip(["elbe.example.org", "elbe.example.org~id2"]) {
        let own = format!("/h{}/", mirror["id"]);
        assert!(urls["fedora-42+x86_64"].contains(&own), "{mirror}");
        assert_eq!(mirror["page"], format!("mirrors/{page}.html"));
        let page = site.read(&format!("mirrors/{page}.html"));
        let other = format!("/h{}/", 3 - mirror["id"].as_i64().unwrap());
        assert!(page.contains(&own) && !page.contains(&other), "{page}");
    }
    let names = text(&site, "repositories/fedora-42.html").0;
    assert_eq!(names.iter().filter(|name| *name == "elbe.example.org").count(), 2);
    assert!(text(&site, "mirrors/elbe.example.org~id2.html").1.starts_with("elbe.example.org, host 2"));
}

#[test]
fn mirrors_have_the_names_that_their_operators_gave_them_and_links_that_stay() {
    let mut round = round(now() - 60);
    for host in round["mirrors"].as_array_mut().unwrap() {
        host["name"] = match host["id"].as_i64().unwrap() {
            1 => "University of the Elbe".into(),
            2 => "Elbe <i>Ltd</i>\u{202e}\u{7}".into(),
            3 => "University of the Elbe".into(),
            SECRET => "secret".into(),
            _ => "  ".into(),
        };
    }
    // Another host of this number, without a URL of ours.
    let other = json!({"id": 4, "name": "of another list", "urls": [
        {"url": "https://other.example/pub", "category": "c", "answer": "good", "also_https": false}]});
    round["mirrors"].as_array_mut().unwrap().push(other);
    let Rendered { site, output } = rendered(&round.to_string(), &spread(now()).to_string(), &[]);
    well(&output);
    check(&site);
    let named: BTreeMap<i64, (String, String)> = listed(&site)
        .into_iter()
        .map(|(mirror, _)| {
            let [name, page] = ["name", "page"].map(|key| mirror[key].as_str().unwrap().to_owned());
            (mirror["id"].as_i64().unwrap(), (name, page))
        })
        .collect();
    let of = |id: i64| named[&id].0.as_str();
    assert_eq!(
        [of(1), of(2), of(3)],
        ["University of the Elbe", "Elbe <i>Ltd</i>\u{202e}\u{7}", "University of the Elbe"]
    );
    assert_eq!([of(GONE), of(4)], ["gone.example.org", HOSTS[3].name]);
    // Links are those that there are without such names.
    let Rendered { site: before, .. } = rendered("{\"time\": 5, \"mirrors\": []}", "null", &[]);
    for (mirror, _) in listed(&before) {
        let id = mirror["id"].as_i64().unwrap();
        assert_eq!(named[&id].1, mirror["page"].as_str().unwrap());
        assert_eq!(mirror["name"], HOSTS[id as usize - 1].name);
    }
    let (names, shown) = text(&site, "mirrors/index.html");
    assert!(names.iter().any(|name| name == "Elbe <i>Ltd</i>\u{fffd}\u{fffd}"), "{names:?}");
    // Two of one name have their hosts behind it, and their numbers.
    assert!(shown.contains("University of the Elbe elbe.example.org host 1"), "{shown}");
    assert!(shown.contains("University of the Elbe <script>alert(1) host 3"), "{shown}");
    assert!(text(&site, "mirrors/elbe.example.org.html").1.starts_with("University of the Elbe, host 1"));
    assert!(text(&site, "map/index.html").1.contains("University of the Elbe, host 3 answers"));
    for file in site.files() {
        let text = bytes_of(&site.path("site"), &file);
        assert!(!text.contains("secret") && !text.contains("of another list"), "{file}");
    }
}

#[test]
fn states_are_those_of_the_last_round_and_of_the_list_of_suspended_urls() {
    let Rendered { site, .. } = usual();
    let list = listed(&site);
    let of = |id: i64| list.iter().find(|(mirror, _)| mirror["id"] == id).unwrap();
    let states: Vec<&str> = [1, 2, 3, 4, GONE, 8].map(|id| of(id).0["state"].as_str().unwrap()).into();
    assert_eq!(states, ["good", "failing", "good", "unknown", "suspended", "unknown"]);
    assert!(of(GONE).1.is_empty());
    let (_, gone) = text(&site, "mirrors/gone.example.org.html");
    assert!(gone.contains("Suspended for 3 d 0 h") && gone.contains("no \u{fffd}[31mroute"), "{gone}");
    assert!(gone.contains("Nothing at present"), "{gone}");
    let (_, failing) = text(&site, "mirrors/elbe.example.org~id2.html");
    assert!(
        failing.contains("failed: <i>404</i>\u{fffd}") && failing.contains("two days behind, for 5 h"),
        "{failing}"
    );
    let (_, repository) = text(&site, "repositories/fedora-42.html");
    assert!(
        repository.contains("6 public mirrors have it up to date, in 4 countries, with 11.1 Gbit/s together. Another one is suspended.")
            && repository.contains("suspended, answers leave it out"),
        "{repository}"
    );
    let (_, all) = text(&site, "mirrors/index.html");
    let said = "7 public mirrors in 5 countries, 1 suspended. All others have 11.1 Gbit/s together.";
    assert!(all.contains(said), "{all}");
    // What even hosts do not have.
    assert!(repository.contains("only x86_64"), "{repository}");
}

#[test]
fn the_map_has_every_mirror_that_has_a_place_or_a_country() {
    let Rendered { site, .. } = usual();
    let page = site.read("map/index.html");
    let document = Html::parse(&page);
    let map = document.named("svg").find(|svg| svg.attribute("class") == Some("map")).unwrap();
    assert_eq!(map.attribute("aria-label"), Some("Map of 6 mirrors; the same as a list is below"));
    let marks: Vec<_> = document.named("a").filter(|a| a.around.iter().any(|name| name == "svg")).collect();
    assert_eq!(marks.len(), 6);
    assert!(marks.iter().any(|mark| mark.text.contains("gone.example.org suspended, somewhere in Japan")));
    let elbe =
        marks.iter().find(|mark| mark.attribute("href") == Some("../mirrors/elbe.example.org.html")).unwrap();
    assert_eq!(elbe.text, "elbe.example.org, host 1 answers https://elbe.example.org/h1/pub");
    let (_, text) = text(&site, "map/index.html");
    assert!(text.contains("Of 5 mirrors no more than the country is known"), "{text}");
    assert!(text.contains("One has no country either") && text.contains("Natural Earth"), "{text}");
    // Each of the four states has its shape.
    let shapes: BTreeSet<(&str, &str)> = document
        .elements
        .iter()
        .filter(|element| element.around.iter().any(|name| name == "a"))
        .filter_map(|element| Some((&*element.name, element.attribute("class")?)))
        .filter(|(name, _)| matches!(*name, "circle" | "path"))
        .collect();
    let expected = [("circle", "good"), ("circle", "unknown"), ("path", "failing"), ("path", "suspended")];
    assert_eq!(shapes, BTreeSet::from(expected));
}

#[test]
fn shares_of_a_repository_are_those_of_days_that_are_over() {
    let Rendered { site, .. } = usual();
    let today = (now() / DAY) as i64;
    let day = |age: i64| report::count::line::date((today - age) as i32).unwrap().to_string();
    let page = Html::parse(&site.read("repositories/fedora-42.html"));
    let captions: Vec<&str> = page.named("caption").map(|caption| &*caption.text).collect();
    let caption = |oldest: i64| format!("From {} to {}", day(oldest), day(1));
    assert!(
        captions.contains(&&*caption(super::DAYS - 1)) && captions.contains(&&*caption(30)),
        "{captions:?}"
    );
    let ages = (1..=30).filter(|age| *age != 10);
    let requests: usize = ages
        .map(|age: usize| {
            (0..200 + age * 3).filter(|at| !at.is_multiple_of(7) && at.is_multiple_of(4)).count()
        })
        .sum();
    let (thousands, rest) = (requests / 1000, requests % 1000);
    let said = format!("Germany DE{thousands},{rest:03}");
    let rows: Vec<&str> = page.named("tr").map(|row| &*row.text).collect();
    assert!(rows.iter().any(|row| row.starts_with(&said)), "{said} in {rows:?}");
    let lines: Vec<&str> = page.named("svg").filter_map(|svg| svg.attribute("aria-label")).collect();
    assert!(lines.iter().all(|said| said.ends_with("one day without figures")), "{lines:?}");

    // Of another one that somebody has asked for today alone.
    let line = format!("IP: N/A; DATE: {}; COUNTRY: DE; REPO: index; ARCH: s390x\n", day(0));
    fs::write(site.path("more"), line).unwrap();
    let [database, cache] = ["db", "cache"].map(|name| site.path(name).display().to_string());
    well(&program(
        &["count", "--json", "--source", "t", "--database"],
        &[&site.path("db"), &site.path("more")],
    ));
    let arguments = ["render", "--database", &database, "--cache", &cache, "--output"];
    well(&program(&arguments, &[&site.path("site")]));
    check(&site);
    let (_, text) = text(&site, "repositories/~69ndex.html");
    let said = format!("Country: nobody has asked for it from {} to {}.", day(30), day(1));
    assert!(text.contains(&said), "{said} in {text}");
}

#[test]
fn the_first_page_tells_of_mirrors_also_where_no_log_is_counted() {
    let site = usual().site;
    fs::write(site.path("empty"), "").unwrap();
    let without = site.path("without");
    well(&program(&["count", "--json", "--source", "s", "--database"], &[&without, &site.path("empty")]));
    let names = ["cache", "suspended", "mirrors", "propagation"];
    let files = ["cache", "suspended", "mirrors.json", "propagation.json"].map(|name| site.path(name));
    let [options, files] =
        [names.map(|name| format!("--{name}")), files.map(|file| file.display().to_string())];
    let pairs: Vec<&str> = options.iter().zip(&files).flat_map(|(option, file)| [&**option, file]).collect();
    let facts = [
        ("public mirrors", "mirrors/index.html", "7"),
        ("countries", "map/index.html", "5"),
        ("fail", "mirrors/index.html", "1"),
        ("suspended", "mirrors/index.html", "1"),
        ("repositories", "repositories/index.html", "3"),
        ("current, in the mean of what is measured (2)", "propagation/index.html", "52.9 %"),
    ];
    let told = |(what, page, number): (&str, &str, &str)| {
        format!("<dt><a href=\"{page}\">{what}</a></dt><dd>{number}</dd>")
    };
    let overview = site.read("index.html");
    assert!(facts.into_iter().all(|fact| overview.contains(&told(fact))), "{overview}");
    let render = |more: &[&str]| {
        let database = without.display().to_string();
        let arguments = [&["render", "--database", &database], more, &["--output"]].concat();
        well(&program(&arguments, &[&site.path("site")]));
        check(&site);
        site.read("index.html")
    };
    let overview = render(&pairs);
    assert!(overview.contains("Nothing has been counted yet."), "{overview}");
    assert!(facts.into_iter().all(|fact| overview.contains(&told(fact))), "{overview}");
    // Of whom nobody has asked it is not said that none fails.
    let overview = render(&pairs[..2]);
    assert!(overview.contains(&told(facts[0])) && !overview.contains(">fail<"), "{overview}");
    assert!(!overview.contains("in the mean of"), "{overview}");
}

#[test]
fn what_is_old_is_told_in_words() {
    let old = now() - 5 * DAY;
    let Rendered { site, output } = rendered(&round(old).to_string(), &spread(old).to_string(), &[]);
    well(&output);
    check(&site);
    for (page, said) in [
        ("mirrors/index.html", "The mirrors were last asked 5 d 0 h ago: how they are now is not known."),
        ("map/index.html", "The mirrors were last asked 5 d 0 h ago"),
        ("propagation/fedora-42~2bx86_64.html", "Nothing has been measured for 5 d"),
        ("propagation/index.html", "5 d "),
        ("mirrors/elbe.example.org.html", "How far the mirrors are was last measured 5 d 0 h ago"),
    ] {
        let (_, text) = text(&site, page);
        assert!(text.contains(said), "{page}: {text}");
    }
    let footer = |page: &str| {
        Html::parse(&site.read(page)).named("footer").map(|of| of.text.clone()).collect::<String>()
    };
    assert!(
        footer("index.html").contains("The last round of checks is 5 d 0 h old"),
        "{}",
        footer("index.html")
    );
    let is_open =
        |(mirror, _): &(Value, _)| matches!(mirror["state"].as_str(), Some("unknown" | "suspended"));
    assert!(listed(&site).iter().all(is_open));
}

#[test]
fn what_the_collector_left_broken_costs_no_page_and_is_told() {
    let whole = round(now()).to_string();
    let spread = spread(now()).to_string();
    for (round, spread) in [
        ("", ""),
        (&whole[..whole.len() / 2], &spread[..spread.len() - 2]),
        ("[]", "{\"time\": -1, \"repositories\": 3}"),
        ("{\"time\": 1e99, \"mirrors\": []}", "null"),
    ] {
        let Rendered { site, output } = rendered(round, spread, &[]);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.matches("cannot be used").count(), 2, "{said}");
        check(&site);
        assert!(text(&site, "map/index.html").1.contains("could not be read"));
        assert!(text(&site, "propagation/index.html").1.contains("could not be read"));
    }
    let empty = "{\"time\": 5, \"repositories\": []}";
    let Rendered { site, .. } = rendered(&whole, empty, &[]);
    assert!(text(&site, "propagation/index.html").1.contains("Nothing has been measured yet"));
    // Numbers that no hour has.
    let huge = json!({"time": u64::MAX, "repositories": [{"name": "x", "hours": [{"hour": u64::MAX, "current": u64::MAX,
        "one_day": u64::MAX, "two_days": 0, "older": 0, "no_answer": 0}, {"hour": 0, "current": 1, "one_day": 0,
        "two_days": 0, "older": 0, "no_answer": 0}], "hosts": [{"id": 1, "age": "older", "since": u64::MAX}]}]});
    let Rendered { site, output } = rendered(&whole, &huge.to_string(), &[]);
    well(&output);
    check(&site);
    assert!(site.read("propagation/x.html").contains("yet to come"));
}

#[test]
fn a_cache_that_cannot_be_read_costs_the_pages_of_mirrors_alone() {
    let site = usual().site;
    fs::write(site.path("cache"), "nonsense").unwrap();
    let [database, cache, propagation] =
        ["db", "cache", "propagation.json"].map(|name| site.path(name).display().to_string());
    let arguments =
        ["render", "--database", &database, "--cache", &cache, "--propagation", &propagation, "--output"];
    let output = program(&arguments, &[&site.path("site")]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("; the pages are written without mirrors and say so"), "{said}");
    assert_eq!(check(&site), super::DAYS as usize - 1 + 2 + 3 + 4);
    for page in ["mirrors/index", "map/index", "repositories/index", "propagation/fedora-42~2bx86_64"] {
        let (_, text) = text(&site, &format!("{page}.html"));
        let said = "The list of mirrors could not be read when this page was written.";
        assert!(text.contains(said), "{page}: {text}");
    }
    let (_, overview) = text(&site, "index.html");
    assert!(overview.contains("requests on"), "{overview}");
}

#[test]
fn an_operator_s_header_footer_links_and_colours_are_on_every_page_as_text() {
    let look = [
        "--header",
        "<b>Example</b> & Co",
        "--footer",
        "Run by \"us\"",
        "--link",
        "Legal notice https://example.org/a?b&c",
        "--colour",
        "#7a1f5c",
    ];
    let Rendered { site, output } = rendered(&round(now()).to_string(), &spread(now()).to_string(), &look);
    well(&output);
    check(&site);
    for page in site.files().iter().filter(|file| file.ends_with(".html")) {
        let document = Html::parse(&site.read(page));
        let header = document.named("header").next().unwrap();
        assert!(header.text.contains("<b>Example</b> & Co"), "{page}: {}", header.text);
        let footer = document.named("footer").next().unwrap();
        assert!(footer.text.contains("Run by \"us\" Legal notice"), "{page}: {}", footer.text);
        assert!(
            document.named("a").any(|a| a.attribute("href") == Some("https://example.org/a?b&c")),
            "{page}"
        );
    }
    assert!(site.read("style.css").contains("--link: #7a1f5c;"));
    for (option, value) in
        [("--link", "x javascript:alert(1)"), ("--colour", "#ffcc00"), ("--dark-colour", "red")]
    {
        let output = program(&["render", "--database", "x", "--output", "y", option, value], &[]);
        assert_eq!(output.status.code(), Some(78), "{output:?}");
    }
}
