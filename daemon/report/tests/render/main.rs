//! `mirrorlist-report render` as it runs: pages that are HTML, lead to each other, and say what was counted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod html;
mod mirrors;
mod propagation;
mod suspended;

use html::Html;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

const DAYS: i64 = 40;

/// Names that a page must not obey, as a log has them, and as they are.
const ODD: [(&str, &str); 4] = [
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("%22quo,te%22%0A", "\"quo,te\"\n"),
    ("%E2%80%AEleft", "\u{202e}left"),
    ("%00%FF", "\u{0}\u{fffd}"),
];

fn program(arguments: &[&str], paths: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mirrorlist-report")).args(arguments).args(paths).output().unwrap()
}

fn well(output: &Output) {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

/// A site of some weeks, and requests by day and name, of each kind.
struct Site {
    folder: TempDir,
    expected: BTreeMap<(String, &'static str), BTreeMap<String, u64>>,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let today = (SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400) as i64;
        let mut log = String::new();
        let mut expected: BTreeMap<_, BTreeMap<String, u64>> = BTreeMap::new();
        // A day without any is in the middle.
        for age in (0..DAYS).filter(|age| *age != 10) {
            let day = report::count::line::date((today - age) as i32).unwrap().to_string();
            for at in 0..200 + age * 3 {
                let country = ["DE", "US", "N/A", "ZZ"][at as usize % 4];
                let (written, name) = match at % 7 {
                    0 => ODD[at as usize / 7 % ODD.len()],
                    _ => ("fedora-42", "fedora-42"),
                };
                writeln!(log, "IP: N/A; DATE: {day}; COUNTRY: {country}; REPO: {written}; ARCH: x86_64")
                    .unwrap();
                let country = if country == "N/A" { "" } else { country };
                for (kind, name) in [("countries", country), ("repositories", name), ("archs", "x86_64")] {
                    *expected.entry((day.clone(), kind)).or_default().entry(name.into()).or_default() += 1;
                }
            }
        }
        fs::write(folder.path().join("log"), log).unwrap();
        Site { folder, expected }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn render(&self) -> Output {
        let database = self.path("db");
        program(&["render", "--database", database.to_str().unwrap(), "--output"], &[&self.path("site")])
    }

    fn counted() -> Site {
        let site = Site::new();
        let database = site.path("db");
        well(&program(&["count", "--json", "--source", "s", "--database"], &[&database, &site.path("log")]));
        well(&site.render());
        site
    }

    /// All files, by their paths in the site.
    fn files(&self) -> BTreeSet<String> {
        let root = self.path("site");
        let mut folders = vec![root.clone()];
        let mut files = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        files
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path("site").join(file)).unwrap()
    }
}

#[test]
fn every_page_is_html_asks_for_nothing_elsewhere_and_leads_somewhere() {
    let site = Site::counted();
    assert_eq!(check(&site), DAYS as usize - 1 + 2);
    assert!(!Html::parse("<!DOCTYPE html><p></b>").errors.is_empty(), "errors are told");
}

/// Looks at all pages of a site; how many there are.
fn check(site: &Site) -> usize {
    let files = site.files();
    let pages: Vec<&String> = files.iter().filter(|file| file.ends_with(".html")).collect();
    for page in &pages {
        let text = site.read(page);
        let document = Html::parse(&text);
        assert!(document.errors.is_empty(), "{page}: {:?}", document.errors);
        assert!(text.len() <= 100_000, "{page} has {} bytes", text.len());
        let is_policy = |name| name == "Content-Security-Policy";
        let policy =
            document.named("meta").find(|meta| meta.attribute("http-equiv").is_some_and(is_policy)).unwrap();
        let policy = policy.attribute("content").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{page}: {policy}");
        // The one script there is comes from a file of the site, and only where there is a list to narrow.
        let scripts: Vec<_> = document.named("script").collect();
        let boxes = document.named("div").filter(|of| of.attribute("role") == Some("search"));
        let boxes: Vec<bool> = boxes.map(|of| of.attribute("hidden").is_some()).collect();
        assert_eq!(policy.ends_with("; script-src 'self'"), !scripts.is_empty(), "{page}: {policy}");
        assert_eq!(boxes, vec![true; scripts.len()], "{page}: nobody meets a box that does nothing");
        assert!(scripts.iter().all(|script| script.text.is_empty()), "{page}: {scripts:?}");
        let list = document.elements.iter().find(|element| element.attribute("id") == Some("list"));
        assert_eq!(list.is_some_and(|list| list.name == "table"), !scripts.is_empty(), "{page}");
        for element in &document.elements {
            let has = |name| element.attribute(name).is_some();
            assert!(!["object", "iframe", "style", "img"].contains(&&*element.name), "{page}: {element:?}");
            assert!(!has("action") && !has("style"), "{page}: {element:?}");
            assert!(element.name == "script" || !has("src"), "{page}: {element:?}");
            assert!(
                !element.attributes.iter().any(|(name, _)| name.starts_with("on")),
                "{page}: {element:?}"
            );
            let Some(href) = element.attribute("href").or_else(|| element.attribute("src")) else { continue };
            let leads_away = ["https://", "http://", "mailto:"].iter().any(|begin| href.starts_with(begin));
            if let Some(id) = href.strip_prefix('#') {
                assert!(document.elements.iter().any(|of| of.attribute("id") == Some(id)), "{page}: {href}");
                continue;
            }
            if href == "data:," || leads_away && element.name == "a" {
                continue;
            }
            let mut place: Vec<&str> = page.split('/').collect();
            place.pop();
            let (path, id) = href.split_once('#').map_or((href, None), |(path, id)| (path, Some(id)));
            for step in path.split('/') {
                if step == ".." {
                    assert!(place.pop().is_some(), "{page}: {href}");
                } else {
                    place.push(step);
                }
            }
            let file = place.join("/");
            assert!(files.contains(&file), "{page}: {href} leads nowhere");
            if let Some(id) = id {
                let there = Html::parse(&site.read(&file));
                assert!(there.elements.iter().any(|of| of.attribute("id") == Some(id)), "{page}: {href}");
            }
        }
        for table in document.named("table") {
            assert!(table.within.iter().any(|name| name == "caption"), "{page}: {}", table.text);
        }
        for heading in document.named("th") {
            assert!(heading.attribute("scope").is_some(), "{page}: {}", heading.text);
        }
        for drawing in document.named("svg") {
            let is_said = drawing.attribute("aria-label").is_some_and(|said| said.len() > 10);
            // Those in tables repeat the numbers beside them.
            let is_beside = drawing.attribute("aria-hidden") == Some("true");
            assert!(
                is_said || is_beside || drawing.around.iter().any(|name| name == "td"),
                "{page}: {drawing:?}"
            );
        }
        let ids: Vec<&str> = document.elements.iter().filter_map(|element| element.attribute("id")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{page}: {ids:?}");
    }
    pages.len()
}

#[test]
fn a_day_has_what_was_counted_on_its_page_as_csv_and_as_json() {
    let site = Site::counted();
    for ((day, kind), expected) in &site.expected {
        let json: Vec<Value> =
            serde_json::from_str(&site.read(&format!("statistics/{day}/{kind}.json"))).unwrap();
        let rows: Vec<(&str, u64)> = json
            .iter()
            .map(|row| (row["name"].as_str().unwrap(), row["requests"].as_u64().unwrap()))
            .collect();
        assert!(rows.is_sorted_by(|one, other| one.1 >= other.1), "most first");
        assert_eq!(
            rows.iter().map(|(name, requests)| ((*name).to_owned(), *requests)).collect::<BTreeMap<_, _>>(),
            *expected
        );
        let percent: f64 = json.iter().map(|row| row["percent"].as_f64().unwrap()).sum();
        assert!((percent - 100.0).abs() < 0.1, "{percent}");
        let written: String = json
            .iter()
            .map(|row| {
                let name = row["name"].as_str().unwrap().replace('"', "\"\"");
                format!("\"{name}\",{},{}\r\n", row["requests"], row["percent"].as_f64().unwrap())
            })
            .collect();
        assert_eq!(
            site.read(&format!("statistics/{day}/{kind}.csv")),
            format!("name,requests,percent\r\n{written}")
        );
        let page = Html::parse(&site.read(&format!("statistics/{day}/index.html")));
        let shown: BTreeSet<&str> = page.named("td").map(|cell| &*cell.text).collect();
        let is_shown = |requests: &u64| shown.contains(&*requests.to_string());
        assert!(expected.values().all(is_shown), "{day} {kind}");
    }
}

#[test]
fn the_course_has_its_tables_as_csv_and_as_json_too() {
    let site = Site::counted();
    let totals: BTreeMap<&str, u64> = site
        .expected
        .iter()
        .filter(|((_, kind), _)| *kind == "archs")
        .map(|((day, _), sums)| (&**day, sums.values().sum()))
        .collect();
    let lines: String = totals.iter().map(|(day, requests)| format!("{day},{requests},\r\n")).collect();
    assert_eq!(site.read("statistics/days.csv"), format!("day,requests,all_requests\r\n{lines}"));
    let days: Vec<Value> = serde_json::from_str(&site.read("statistics/days.json")).unwrap();
    let days = days.iter().map(|row| (row["day"].as_str().unwrap(), row["requests"].as_u64().unwrap()));
    assert_eq!(days.collect::<BTreeMap<_, _>>(), totals);
    // Today is not over: the month ends before it, and is a day without any the shorter.
    let (month, of_day) =
        (totals.keys().rev().skip(1).take(29), |day: &str, kind| &site.expected[&(day.to_owned(), kind)]);
    for kind in ["countries", "repositories", "archs"] {
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for day in month.clone() {
            for (name, requests) in of_day(day, kind) {
                *expected.entry(name.clone()).or_default() += requests;
            }
        }
        let rows: Vec<Value> = serde_json::from_str(&site.read(&format!("statistics/{kind}.json"))).unwrap();
        let rows: BTreeMap<String, u64> = rows
            .iter()
            .map(|row| (row["name"].as_str().unwrap().to_owned(), row["requests"].as_u64().unwrap()))
            .collect();
        assert_eq!(rows, expected, "{kind}");
        assert!(site.read(&format!("statistics/{kind}.csv")).starts_with("name,requests,percent\r\n\""));
        // Each of them on every day that is over.
        let days: Vec<Value> =
            serde_json::from_str(&site.read(&format!("statistics/{kind}-days.json"))).unwrap();
        let told: BTreeMap<(String, &str), u64> = days
            .iter()
            .map(|row| {
                let [day, name] = ["day", "name"].map(|key| row[key].as_str().unwrap());
                ((day.to_owned(), name), row["requests"].as_u64().unwrap())
            })
            .collect();
        let of_days = totals.keys().rev().skip(1).flat_map(|day| {
            let of_day = of_day(day, kind);
            of_day.iter().map(move |(name, requests)| (((*day).to_owned(), &**name), *requests))
        });
        assert_eq!(told, of_days.collect::<BTreeMap<_, _>>(), "{kind}");
        let lines: String = days
            .iter()
            .map(|row| {
                let [day, name] = ["day", "name"].map(|key| row[key].as_str().unwrap());
                format!("{day},\"{}\",{}\r\n", name.replace('"', "\"\""), row["requests"])
            })
            .collect();
        let csv = site.read(&format!("statistics/{kind}-days.csv"));
        assert_eq!(csv, format!("day,name,requests\r\n{lines}"));
    }
    // One line of the month, and one of all.
    let page = Html::parse(&site.read("statistics/index.html"));
    let lines = page.named("svg").filter(|svg| svg.around.iter().any(|name| name == "td"));
    assert_eq!(lines.count(), 2 * (4 + 5 + 1));
}

#[test]
fn a_day_without_figures_is_a_gap_and_counts_for_no_mean() {
    let site = Site::counted();
    for page in ["index.html", "statistics/index.html"] {
        let page = Html::parse(&site.read(page));
        let charts: Vec<&str> = page.named("svg").filter_map(|svg| svg.attribute("aria-label")).collect();
        assert!(charts[0].ends_with("requests a day, one day without figures"), "{charts:?}");
        assert!(charts.iter().all(|said| !said.contains("least 0")), "{charts:?}");
    }
    // Today is not over. The day without any is in the week before the last one.
    let overview = site.read("index.html");
    assert!(overview.contains("<dt>a day over the last 7 days</dt><dd>212</dd>"), "{overview}");
    let [week, before] = [1..8, 8..15].map(|ages: std::ops::Range<i64>| {
        let ages = ages.filter(|age| *age != 10).map(|age| 200 + age * 3);
        let count = ages.clone().count() as i64;
        ages.sum::<i64>() / count
    });
    let change = format!("{:.1} %", (before - week) as f64 * 100.0 / before as f64);
    assert!(overview.contains(&format!("<dt>against the week before</dt><dd>−{change}</dd>")), "{overview}");
}

#[test]
fn logs_of_one_kind_that_go_further_than_the_others_make_these_no_zero() {
    let site = Site::counted();
    let days: BTreeSet<String> = site.expected.keys().map(|(day, _)| day.clone()).collect();
    // Today is not over. Request logs have begun three days ago, and there were none the day before yesterday.
    let mut newest = days.iter().rev().skip(1);
    let [yesterday, _, before] = [newest.next(), newest.next(), newest.next()].map(|day| day.unwrap());
    let line = |day: &str| format!("{day}T10:00:00Z - 302 redirect continent DE - - pub/fedora/x.iso\n");
    fs::write(site.path("requests"), line(before).repeat(7) + &line(yesterday).repeat(8)).unwrap();
    let (database, log) = (site.path("db"), site.path("requests"));
    well(&program(&["count", "--json", "--source", "r", "--database"], &[&database, &log]));
    well(&site.render());
    check(&site);
    let page = Html::parse(&site.read("statistics/index.html"));
    let charts: Vec<&str> = page.named("svg").filter_map(|svg| svg.attribute("aria-label")).collect();
    assert!(charts.iter().all(|said| !said.contains("least 0")), "{charts:?}");
    let csv = site.read("statistics/answers-days.csv");
    assert_eq!(
        csv,
        format!("day,name,requests\r\n{before},\"redirect 302\",7\r\n{yesterday},\"redirect 302\",8\r\n")
    );
    let csv = site.read("statistics/days.csv");
    let all: Vec<&str> = csv.lines().skip(1).map(|line| line.rsplit(',').next().unwrap()).collect();
    assert_eq!(all.iter().filter(|requests| !requests.is_empty()).collect::<Vec<_>>(), [&"7", &"8"]);
}

#[test]
fn what_is_asked_for_at_present_comes_first() {
    let site = Site::new();
    let mut days: Vec<&String> = site.expected.keys().map(|(day, _)| day).collect();
    days.dedup();
    // Repositories were asked for long ago and today, files on all days.
    let line = |day: &str, what: &str| format!("{day}T10:00:00Z - 302 redirect country DE {what} pub/x\n");
    let mut lines: String = days.iter().map(|day| line(day, "- -").repeat(5)).collect();
    for day in [days[0], days[days.len() - 1]] {
        lines += &format!("{day}T10:00:00Z - 200 mirrorlist country DE fedora-42 x86_64 -\n").repeat(3);
    }
    fs::write(site.path("log"), lines).unwrap();
    let database = site.path("db");
    well(&program(&["count", "--json", "--source", "s", "--database"], &[&database, &site.path("log")]));
    well(&site.render());
    check(&site);
    let overview = site.read("index.html");
    let yesterday = days[days.len() - 2];
    assert!(
        overview.contains(&format!("<dt>requests on <time>{yesterday}</time></dt><dd>5</dd>")),
        "{overview}"
    );
    // That log has all requests: on the other days there were none for a repository.
    let csv = site.read("statistics/days.csv");
    let expected: String = days
        .iter()
        .enumerate()
        .map(|(at, day)| {
            if at == 0 || at + 1 == days.len() { format!("{day},3,8\r\n") } else { format!("{day},0,5\r\n") }
        })
        .collect();
    assert_eq!(csv, format!("day,requests,all_requests\r\n{expected}"));
}

#[test]
fn a_service_that_redirects_files_alone_has_its_requests_told() {
    let site = Site::new();
    let today = site.expected.keys().next_back().unwrap().0.clone();
    let line = format!("{today}T10:00:00Z - 302 redirect continent DE - - pub/fedora/x.iso\n");
    fs::write(site.path("log"), line.repeat(1234)).unwrap();
    let database = site.path("db");
    well(&program(&["count", "--json", "--source", "s", "--database"], &[&database, &site.path("log")]));
    well(&site.render());
    assert_eq!(check(&site), 3);
    let day = format!("statistics/{today}/index.html");
    for page in ["index.html", "statistics/index.html", &day] {
        let text = site.read(page);
        assert!(text.contains("redirect 302") && text.contains("continent"), "{page}");
        assert!(text.contains("1,234") && !text.contains("Nothing has been counted"), "{page}");
    }
    assert_eq!(site.read("statistics/days.csv"), format!("day,requests,all_requests\r\n{today},0,1234\r\n"));
}

#[test]
fn odd_names_are_shown() {
    let site = Site::counted();
    let page = Html::parse(&site.read("statistics/index.html"));
    let names: Vec<&str> = page.named("th").map(|name| &*name.text).collect();
    for shown in ["<script>alert(1)</script>", "\"quo,te\"\u{fffd}", "\u{fffd}left", "\u{fffd}\u{fffd}"] {
        assert!(names.contains(&shown), "{shown:?} in {names:?}");
    }
    // Which country is not known is none of them.
    let overview = site.read("index.html");
    assert!(overview.contains("<dt>countries</dt><dd>3</dd>"), "{overview}");
}

#[test]
fn without_figures_there_is_a_site_that_says_so() {
    let site = Site::new();
    let output = site.render();
    assert_eq!(output.status.code(), Some(78), "a name that is wrong must not cost the site: {output:?}");
    fs::write(site.path("empty"), "").unwrap();
    well(&program(
        &["count", "--json", "--source", "s", "--database"],
        &[&site.path("db"), &site.path("empty")],
    ));
    well(&site.render());
    for page in ["index.html", "statistics/index.html"] {
        let text = site.read(page);
        assert!(Html::parse(&text).errors.is_empty());
        assert!(
            text.contains("Nothing has been counted yet.") && text.contains("There are no figures yet."),
            "{page}"
        );
    }
}

#[test]
fn a_folder_of_others_stays_as_it_is() {
    let site = Site::counted();
    fs::remove_dir_all(site.path("site")).unwrap();
    fs::create_dir(site.path("site")).unwrap();
    fs::write(site.path("site").join("index.html"), "mine").unwrap();
    let output = site.render();
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    assert_eq!(site.files(), BTreeSet::from(["index.html".to_owned()]));
    assert_eq!(site.read("index.html"), "mine");
}
